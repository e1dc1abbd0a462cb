"""Logs that grow too large are rotated by whatever podpy does next, and followed through it."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

LINES = 60
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: loud}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: loud
    image: "localhost/podpy-test/busybox:1"
    command:
    - sh
    - -c
    - |
      line=$(head -c 100000 /dev/zero | tr '\\0' x)
      i=0
      while [ $i -lt {lines} ]; do echo $i $line; i=$((i+1)); done
      echo written
      until [ -e /shared/go ]; do sleep 0.05; done
      echo end
      exec sleep 1000
    volumeMounts: [{{name: shared, mountPath: /shared}}]
  - name: short
    image: "localhost/podpy-test/busybox:1"
    command: [sleep, "1000"]
  volumes:
  - {{name: shared, hostPath: {{path: "{folder}"}}}}
"""


@pytest.fixture
def shared(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> Path:
    """Give the folder of a pod that has just written more than a log may hold."""
    podpy.load(busybox_image)
    folder = tmp_path / "shared"
    folder.mkdir()
    (tmp_path / "pod.yaml").write_text(POD.format(lines=LINES, folder=folder))
    podpy.ok("kube", "play", str(tmp_path / "pod.yaml"))
    return folder


def parts(paths: Paths) -> list[str]:
    return sorted(file.name for file in Path(paths.log_dir).glob("*_loud_*/loud/0.log.*"))


def size(paths: Paths) -> int:
    (log,) = Path(paths.log_dir).glob("*_loud_*/loud/0.log")
    return log.stat().st_size


def test_a_pass_that_changes_nothing_rotates_and_a_follower_misses_no_line(
    podpy: Podpy, instance: Paths, shared: Path
) -> None:
    following = podpy.start("logs", "-f", "loud", "-c", "loud")
    assert following.stdout is not None
    first = [following.stdout.readline() for _ in range(LINES + 1)]

    unchanged = podpy.ok("apply", "-f", str(shared.parent / "pod.yaml"))
    rotated = parts(instance)
    (shared / "go").touch()
    last = following.stdout.readline()

    assert "unchanged" in unchanged
    assert rotated == ["0.log.1"]
    assert [line.split()[0] for line in first] == [*map(str, range(LINES)), "written"]
    assert last == "end\n"
    podpy.ok("kube", "down", str(shared.parent / "pod.yaml"))


def test_the_end_of_another_container_of_the_pod_rotates(
    podpy: Podpy, instance: Paths, shared: Path
) -> None:
    # Asking podpy logs would rotate.
    wait_until(lambda: size(instance) > 5 << 20, "the log has grown too large")
    assert parts(instance) == []
    (pod,) = Path(instance.pods).iterdir()

    os.kill(int((pod / "containers" / "short" / "pid").read_text()), signal.SIGKILL)
    wait_until(lambda: parts(instance) == ["0.log.1"], "the hook has rotated it")

    podpy.ok("kube", "down", str(shared.parent / "pod.yaml"))


def test_asking_for_a_log_rotates_it_and_shows_all_of_it(
    podpy: Podpy, busybox_image: Image, instance: Paths, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    line = "head -c 100000 /dev/zero | tr '\\\\0' x; echo"
    script = f"i=0; while [ $i -lt 60 ]; do {line}; i=$((i+1)); done"
    file = tmp_path / "pod.yaml"
    file.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: loud}\nspec:\n"
        "  terminationGracePeriodSeconds: 0\n  containers:\n"
        "  - name: c\n    image: localhost/podpy-test/busybox:1\n"
        f'    command: [sh, -c, "{script}; echo end; exec sleep 1000"]\n'
    )
    podpy.ok("kube", "play", str(file))
    wait_until(lambda: podpy.ok("logs", "loud", "--tail", "1") == "end\n", "all is logged")

    lines = podpy.ok("logs", "loud").splitlines()

    assert len(lines) == 61
    (directory,) = [name for name in os.listdir(instance.log_dir) if "loud" in name]
    assert os.path.exists(f"{instance.log_dir}/{directory}/c/0.log.1")
    podpy.ok("kube", "down", str(file))


BURST = """
apiVersion: v1
kind: Pod
metadata:
  name: burst
  annotations: {{podpy.dev/log-max-size: {size}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: burst
    image: "localhost/podpy-test/busybox:1"
    command:
    - sh
    - -c
    - |
      until [ -e /shared/go ]; do sleep 0.05; done
      seq 1000000 {last}
      exec sleep 1000
    volumeMounts: [{{name: shared, mountPath: /shared}}]
  volumes:
  - {{name: shared, hostPath: {{path: "{folder}"}}}}
"""


@pytest.mark.parametrize(("size", "last"), [("100k", 1_100_000), ("10m", 1_800_000)])
def test_a_burst_is_followed_to_its_end_once_and_what_is_missing_is_told(
    podpy: Podpy, busybox_image: Image, tmp_path: Path, size: str, last: int
) -> None:
    podpy.load(busybox_image)
    manifest = BURST.format(size=size, last=last, folder=tmp_path)
    podpy.ok("kube", "play", "-", stdin=manifest)
    following = podpy.start("logs", "-f", "burst")
    assert following.stdout is not None
    wait_until(lambda: _follows(following.pid), "the log is followed")

    (tmp_path / "go").touch()
    got = [int(following.stdout.readline())]
    while got[-1] != last:
        got.append(int(following.stdout.readline()))
    podpy.ok("kube", "down", "-", stdin=manifest)
    _, told = following.communicate(timeout=30)

    jumps = sum(after != before + 1 for before, after in itertools.pairwise([999_999, *got]))
    tellings = told.count("lines are missing here")
    assert all(before < after for before, after in itertools.pairwise(got))
    # What conmon throws away while a file is being opened is told together with the next such loss.
    assert tellings <= jumps
    assert tellings or jumps < 2


def _follows(pid: int) -> bool:
    """Tell whether the process has a watch on something."""
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # Closed meanwhile.
            if "inotify" in os.readlink(file):
                return True
    return False
