"""mountPropagation: whose mounts are seen where, between this host and the containers of a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.kernel import mounts
from runtime.kernel.mounts import Propagation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: spread}}
spec:
  terminationGracePeriodSeconds: 0
  volumes:
  - {{name: v, {volume}}}
  containers:
  - name: none
    image: "localhost/podpy-test/busybox:1"
    command: [sleep, "1000"]
    volumeMounts: [{{name: v, mountPath: /v}}]
  - name: slave
    image: "localhost/podpy-test/busybox:1"
    command: [sleep, "1000"]
    volumeMounts: [{{name: v, mountPath: /v, mountPropagation: HostToContainer}}]
  - name: both
    image: "localhost/podpy-test/busybox:1"
    command: [sleep, "1000"]
    securityContext: {{privileged: true}}
    volumeMounts:
    - {{name: v, mountPath: /v, mountPropagation: Bidirectional}}
    - {{name: v, mountPath: /part, subPath: part, mountPropagation: Bidirectional}}
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of this host's, taken off with all that is mounted on it."""
    path = tmp_path / "disk"
    path.mkdir()
    mounts.tmpfs(str(path))
    yield path
    mounts.propagate(str(path), Propagation.PRIVATE)
    for mount in reversed(list(mounts.below(str(path)))):
        mounts.umount(mount.target)


@pytest.fixture
def play(podpy: Podpy, busybox_image: Image) -> Podpy:
    podpy.load(busybox_image)
    return podpy


def manifest(tmp_path: Path, volume: str) -> str:
    file = tmp_path / "spread.yaml"
    file.write_text(POD.format(volume=volume))
    return str(file)


def test_mounts_spread_as_far_as_each_container_asked_for(
    play: Podpy, disk: Path, tmp_path: Path
) -> None:
    mounts.propagate(str(disk), Propagation.SHARED)
    for name in ("host", "pod", "part/pod"):
        (disk / "v" / name).mkdir(parents=True)
    file = manifest(tmp_path, f"hostPath: {{path: {disk}/v}}")
    play.ok("kube", "play", file)

    def listed(container: str, path: str) -> list[str]:
        return play.ok("exec", "spread", "-c", container, "--", "ls", path).split()

    mounts.tmpfs(str(disk / "v/host"))
    (disk / "v/host/seen").touch()
    for path in ("/v/pod", "/part/pod"):
        play.ok("exec", "spread", "-c", "both", "--", "mount", "-t", "tmpfs", "x", path)
        play.ok("exec", "spread", "-c", "both", "--", "touch", f"{path}/seen")

    assert [listed(name, "/v/host") for name in ("none", "slave", "both")] == [
        [],
        ["seen"],
        ["seen"],
    ]
    assert [listed(name, "/v/pod") for name in ("none", "slave")] == [[], ["seen"]]
    assert [path.name for path in (disk / "v/pod").iterdir()] == ["seen"]
    assert [path.name for path in (disk / "v/part/pod").iterdir()] == ["seen"]
    play.ok("kube", "down", file)
    left = {mount.target for mount in mounts.below(str(disk))}
    assert left == {str(disk), *(f"{disk}/{part}" for part in ("v/host", "v/pod", "v/part/pod"))}


def test_a_mount_that_is_not_shared_is_refused_with_what_to_do(
    play: Podpy, disk: Path, tmp_path: Path
) -> None:
    mounts.propagate(str(disk), Propagation.PRIVATE)
    (disk / "v").mkdir()

    done = play.run("kube", "play", manifest(tmp_path, f"hostPath: {{path: {disk}/v}}"))

    assert done.status == 125
    assert f'volume "v": {disk}/v is on {disk}, which is not a shared mount' in done.stderr
    assert f"mount --make-rshared {disk}" in done.stderr
    assert "No resources found" in play.run("get", "pods").stdout + play.run("get", "pods").stderr


BELOW = """
apiVersion: v1
kind: Pod
metadata: {{name: below}}
spec:
  terminationGracePeriodSeconds: 0
  volumes:
  - {{name: v, hostPath: {{path: {disk}}}}}
  containers:
  - name: app
    image: "localhost/podpy-test/busybox:1"
    command: [sleep, "1000"]
    volumeMounts:
    - {{name: v, mountPath: /plain, readOnly: true}}
    - {{name: v, mountPath: /all, readOnly: true, recursiveReadOnly: Enabled}}
"""


def test_read_only_holds_for_what_is_mounted_below_where_it_was_asked_for(
    play: Podpy, disk: Path, tmp_path: Path
) -> None:
    (disk / "below").mkdir()
    mounts.tmpfs(str(disk / "below"))
    file = tmp_path / "below.yaml"
    file.write_text(BELOW.format(disk=disk))
    play.ok("kube", "play", str(file))

    def may_write(path: str) -> bool:
        return play.run("exec", "below", "--", "touch", path).status == 0

    places = ("/plain/a", "/plain/below/a", "/all/a", "/all/below/b")
    assert [may_write(path) for path in places] == [False, True, False, False]
    play.ok("kube", "down", str(file))


def test_a_volume_in_memory_cannot_be_shared_with_this_host(play: Podpy, tmp_path: Path) -> None:
    done = play.run("kube", "play", manifest(tmp_path, "emptyDir: {medium: Memory}"))

    assert done.status == 125
    assert "Bidirectional is for volumes that lie on this host" in done.stderr
