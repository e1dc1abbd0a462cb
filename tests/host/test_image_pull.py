"""Images pulled from a real registry and real layouts: shared, verified, and killed half-way."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from manifests.container import PullPolicy
from manifests.faults import Fault, Invalid, Retry
from runtime.image import pull
from runtime.image.meter import Progress, Stage
from runtime.image.store import Store
from runtime.kernel import syscalls
from tests.unit.image import layouts

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.image.store import Image
    from runtime.paths import Paths
    from tests.fixtures.registry import Registry

pytestmark = pytest.mark.host

PLAIN = pull.Options(tls_verify=False)
PULL = """\
import sys
from runtime.image import pull
from runtime.image.meter import Progress, Stage
from runtime.image.store import Store
from runtime.paths import Paths
state, run, log, name = sys.argv[1:]
store = Store(Paths(state_dir=state, run_dir=run, log_dir=log, instance="pp-t-pull"))
print(pull.pull(store, name, pull.Options(tls_verify=False)).id)
"""


@pytest.fixture
def store(instance: Paths) -> Store:
    return Store(instance)


def pushed(registry: Registry, source: str, name: str, *words: str) -> str:
    """Copy an image to the registry; `words` are more flags of skopeo's."""
    target = f"{registry.address}/{name}"
    subprocess.run(
        ["skopeo", "copy", "-q", "--insecure-policy", "--dest-tls-verify=false", *words, source,
         f"docker://{target}"],
        check=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return target


def puller(store: Store, name: str) -> subprocess.Popen[bytes]:
    paths = store.paths
    argv = [sys.executable, "-c", PULL, paths.state_dir, paths.run_dir, paths.log_dir, name]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for_orphans(store: Store) -> None:
    """Wait until no skopeo of a killed pull holds the lock of its staging directory."""
    root = f"{store.paths.images}/staging"
    for name in os.listdir(root) if os.path.isdir(root) else []:
        descriptor = os.open(f"{root}/{name}", os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # pytest's time limit bounds it
        finally:
            os.close(descriptor)


def files(store: Store, image: Image) -> set[str]:
    """What a container of the image would see, as far as a union of names goes."""
    found: set[str] = set()
    for layer in store.layer_directories(image):
        found.update(os.listdir(layer))
    return found


def junk(store: Store, *expected: Image) -> list[str]:
    """What lies in the store beside whole layers of the expected images."""
    wanted = {layer for image in expected for layer in image.layers}
    staging = f"{store.paths.images}/staging"
    left = os.listdir(staging) if os.path.isdir(staging) else []
    return sorted(left + [name for name in os.listdir(store.paths.layers) if name not in wanted])


def test_a_registry_image_is_pulled_once_and_verified(
    store: Store, local_registry: Registry, tmp_path: Path
) -> None:
    layers = [layouts.tar({"low": b"1"}), layouts.tar({"high": b"2"})]
    source = layouts.write(tmp_path / "a", "localhost/a:1", layers, squeezed=True)
    name = pushed(local_registry, source, "pull/a:1")

    image = pull.pull(store, name, PLAIN)

    assert files(store, image) == {"low", "high"}
    assert os.listdir(store.layer_directories(image)[0]) == ["high"]  # the topmost is first
    assert store.find(name) == image
    assert store.find(image.id[:12]) == image
    assert pull.pull(store, f"{name.rpartition(':')[0]}@{image.digest}", PLAIN).id == image.id
    assert junk(store, image) == []


def test_the_id_is_that_of_docker_manifests_too(
    store: Store, local_registry: Registry, tmp_path: Path
) -> None:
    source = layouts.write(tmp_path / "a", "localhost/v2:1", [layouts.tar({"x": b"1"})])
    name = pushed(local_registry, source, "pull/v2:1", "--format", "v2s2")
    asked = ["skopeo", "inspect", "--tls-verify=false", "--raw", f"docker://{name}"]
    manifest = subprocess.run(asked, check=True, capture_output=True, timeout=60).stdout

    image = pull.pull(store, name, PLAIN)

    assert f"sha256:{image.id}" == json.loads(manifest)["config"]["digest"]
    assert image.digest == layouts.digest(manifest)


def test_layers_that_are_there_are_not_sent_again(
    store: Store, local_registry: Registry, tmp_path: Path
) -> None:
    low = layouts.tar({"big": random.Random(1).randbytes(3_000_000)})
    one = layouts.write(tmp_path / "1", "localhost/s:1", [low], squeezed=True)
    high = layouts.tar({"small": b"2"})
    two = layouts.write(tmp_path / "2", "localhost/s:2", [low, high], squeezed=True)
    first = pull.pull(store, pushed(local_registry, one, "pull/shared:1"), PLAIN)
    second_name = pushed(local_registry, two, "pull/shared:2")
    held = f"{store.paths.layers}/{first.layers[0]}"
    before = os.stat(held).st_ino
    _take_away(local_registry, "pull/shared", _blobs(tmp_path / "1")[0])

    second = pull.pull(store, second_name, PLAIN)

    assert second.layers[0] == first.layers[0]
    assert os.stat(held).st_ino == before
    assert files(store, second) == {"big", "small"}


def _blobs(layout: Path) -> list[str]:
    """The digests of the layers in a layout."""
    index = json.loads((layout / "index.json").read_bytes())
    held = layout / "blobs" / "sha256" / index["manifests"][0]["digest"][7:]
    return [layer["digest"] for layer in json.loads(held.read_bytes())["layers"]]


def _take_away(registry: Registry, repository: str, digest: str) -> None:
    """Delete a blob from the registry: whoever asks for it now fails."""
    path = f"http://{registry.address}/v2/{repository}/blobs/{digest}"
    with urllib.request.urlopen(urllib.request.Request(path, method="DELETE"), timeout=20) as said:
        assert said.status == 202
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(path, timeout=20)


@pytest.mark.parametrize("claim", ["sha256:../../secret", "../../secret", "sha256:.", None, 3])
def test_a_diff_id_cannot_name_a_directory_of_the_host(
    store: Store, tmp_path: Path, claim: object
) -> None:
    os.makedirs(f"{store.paths.state_dir}/../secret", exist_ok=True)
    os.makedirs(store.paths.layers, exist_ok=True)
    layer = layouts.tar({"x": b"1"})
    source = layouts.write(tmp_path / "evil", "localhost/evil:1", [layer], diff_ids=[claim])

    with pytest.raises(Invalid, match="diff id"):
        pull.pull(store, source)

    assert store.images() == ()
    assert junk(store) == []


def test_layers_are_laid_apart_on_the_disk(store: Store, tmp_path: Path) -> None:
    if syscalls.file_system(str(tmp_path)) != syscalls.EXT:
        pytest.skip("only ext2, ext3 and ext4 can be told so")
    pull.pull(store, layouts.write(tmp_path, "localhost/a:1", [layouts.tar({"x": b"1"})]))
    layers = os.open(store.paths.layers, os.O_RDONLY)

    try:
        assert syscalls.has_top_directory(layers)
    finally:
        os.close(layers)


def test_an_image_cannot_claim_another_images_layer(store: Store, tmp_path: Path) -> None:
    secret = layouts.tar({"private": b"secret"})
    owner = pull.pull(store, layouts.write(tmp_path / "a", "localhost/owner:1", [secret]))
    thief = layouts.write(
        tmp_path / "b", "localhost/thief:1", [layouts.tar({"x": b"1"})],
        diff_ids=[layouts.digest(secret)],
    )  # fmt: skip

    with pytest.raises(Invalid, match="diff id is"):
        pull.pull(store, thief)

    assert [image.id for image in store.images()] == [owner.id]


def test_the_same_layer_in_another_compression_is_shared(store: Store, tmp_path: Path) -> None:
    layer = layouts.tar({"x": b"1"})
    plain = pull.pull(store, layouts.write(tmp_path / "a", "localhost/p:1", [layer]))
    packed = layouts.write(tmp_path / "b", "localhost/p:2", [layer], squeezed=True)

    assert pull.pull(store, packed).layers == plain.layers


@pytest.mark.parametrize("harm", ["truncated", "changed"])
def test_a_blob_that_is_not_what_its_digest_says_leaves_nothing(
    store: Store, tmp_path: Path, harm: str
) -> None:
    layer = layouts.tar({"x": b"1" * 5000})
    source = layouts.write(tmp_path / "a", "localhost/bad:1", [layer])
    blob = tmp_path / "a" / "blobs" / "sha256" / layouts.digest(layer)[7:]
    blob.write_bytes(layer[:4096] if harm == "truncated" else layer.replace(b"1111", b"2222", 1))

    with pytest.raises(Fault):
        pull.pull(store, source)

    assert store.images() == ()
    assert junk(store) == []


def test_a_missing_image_is_invalid_and_a_dead_registry_may_come_back(
    store: Store, local_registry: Registry
) -> None:
    with pytest.raises(Invalid, match="does not exist"):
        pull.pull(store, f"{local_registry.address}/pull/nothing:1", PLAIN)
    with pytest.raises(Invalid, match="plain HTTP"):
        pull.pull(store, f"{local_registry.address}/pull/nothing:1", pull.Options(tls_verify=True))
    with pytest.raises(Retry, match="cannot be pulled"):
        pull.pull(store, "127.0.0.1:1/pull/nothing:1", PLAIN)


def test_policies(store: Store, local_registry: Registry, tmp_path: Path) -> None:
    def push(text: bytes) -> str:
        layer = layouts.tar({"x": text})
        source = layouts.write(tmp_path / text.decode(), "localhost/x:1", [layer])
        return pushed(local_registry, source, "pull/policy:1")

    name = push(b"one")
    with pytest.raises(Invalid, match="Never"):
        pull.ensure(store, name, PullPolicy.NEVER, PLAIN)
    first = pull.ensure(store, name, PullPolicy.IF_NOT_PRESENT, PLAIN)
    push(b"two")

    assert pull.ensure(store, name, PullPolicy.IF_NOT_PRESENT, PLAIN).id == first.id
    assert pull.ensure(store, name, PullPolicy.NEVER, PLAIN).id == first.id
    second = pull.ensure(store, name, PullPolicy.NEWER, PLAIN)
    assert second.id != first.id
    assert pull.ensure(store, name, PullPolicy.ALWAYS, PLAIN).id == second.id


def test_newer_makes_do_with_the_image_at_hand(store: Store, tmp_path: Path) -> None:
    # Nobody listens there: as a host without a network, or an image that no registry has.
    name = "127.0.0.1:1/pull/newer:latest"
    source = layouts.write(tmp_path / "a", name, [layouts.tar({"x": b"1"})])
    held = pull.pull(store, source)
    told: list[Progress] = []

    found = pull.ensure(store, name, PullPolicy.NEWER, PLAIN, told.append)

    assert found.id == held.id
    assert (told[-1].stage, told[-1].image) == (Stage.KEPT, name)
    with pytest.raises(
        Retry, match=r"cannot be pulled: .*hint: the image is here; imagePullPolicy"
    ):
        pull.ensure(store, name, PullPolicy.ALWAYS, PLAIN.replace(pauses=()))


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive", "dir"])
def test_archives_are_sources(store: Store, tmp_path: Path, kind: str) -> None:
    source = layouts.write(tmp_path / "a", "localhost/arc:1", [layouts.tar({"x": b"1"})])
    target = f"{kind}:{tmp_path}/out" + ("" if kind == "dir" else ":localhost/arc:1")
    copy = ["skopeo", "copy", "-q", "--insecure-policy", source, target]
    subprocess.run(copy, check=True, timeout=60, stdin=subprocess.DEVNULL)

    image = pull.pull(store, f"{kind}:{tmp_path}/out")

    assert files(store, image) == {"x"}
    expected = "localhost/out:latest" if kind != "docker-archive" else "localhost/arc:1"
    assert store.find(expected) == image


def test_images_of_a_containers_storage_come_by_name_and_by_id(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "storage.conf"
    settings.write_text(
        f'[storage]\ndriver = "vfs"\nrunroot = "{tmp_path}/run"\ngraphroot = "{tmp_path}/graph"\n'
    )
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(settings))
    source = layouts.write(tmp_path / "a", "localhost/kept:1", [layouts.tar({"x": b"1"})])
    copy = [
        "skopeo",
        "copy",
        "-q",
        "--insecure-policy",
        source,
        "containers-storage:localhost/kept:1",
    ]
    subprocess.run(copy, check=True, timeout=60, stdin=subprocess.DEVNULL)

    named = pull.pull(store, "containers-storage:localhost/kept:1")
    by_id = [pull.pull(store, f"containers-storage:{at}{named.id}") for at in ("", "@")]

    assert files(store, named) == {"x"}
    assert store.find("localhost/kept:1") == named
    assert [image.id for image in by_id] == [named.id, named.id]
    assert list(store.names()) == ["localhost/kept:1"]
    with pytest.raises(Invalid, match="does not exist"):
        pull.pull(store, "containers-storage:localhost/nobody:1", PLAIN.replace(pauses=()))


def test_an_image_that_was_to_be_built_here_is_named_as_such(store: Store) -> None:
    with pytest.raises(Invalid, match="is not in the store, and no registry answers on localhost"):
        pull.ensure(store, "localhost/never-built:1", options=PLAIN.replace(pauses=()))


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("oci:{0}/a:nobody", 'does not exist: .* reference "nobody" \\(hint'),
        ("docker-archive:{0}/text", "is no archive of that kind"),
        ("docker-archive:{0}/nobody", "does not exist"),
    ],
)
def test_what_is_wrong_with_a_local_source_is_told_at_once(
    store: Store, tmp_path: Path, made: str, said: str
) -> None:
    layouts.write(tmp_path / "a", "localhost/a:1", [layouts.tar({"x": b"1"})])
    (tmp_path / "text").write_text("this is no archive\n" * 100)

    with pytest.raises(Invalid, match=said):
        pull.pull(store, made.format(tmp_path))


def test_two_processes_may_pull_one_image(
    store: Store, local_registry: Registry, tmp_path: Path
) -> None:
    layer = layouts.tar({f"f{at}": random.Random(at).randbytes(9000) for at in range(500)})
    source = layouts.write(tmp_path / "a", "localhost/two:1", [layer], squeezed=True)
    name = pushed(local_registry, source, "pull/two:1")

    both = [puller(store, name), puller(store, name)]
    said = [process.communicate(timeout=100) for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    image = store.find(name)
    assert image is not None
    assert {out.decode().strip() for out, _ in said} == {image.id}
    assert len(os.listdir(store.layer_directories(image)[0])) == 500
    assert junk(store, image) == []


@pytest.mark.parametrize("moment", ["staging", "unpacking"])
def test_a_pull_that_was_killed_is_repeated_without_a_trace(
    store: Store, local_registry: Registry, tmp_path: Path, moment: str
) -> None:
    layer = layouts.tar({f"f{at}": random.Random(at).randbytes(6000) for at in range(4000)})
    source = layouts.write(tmp_path / "a", "localhost/kill:1", [layer], squeezed=True)
    name = pushed(local_registry, source, f"pull/kill-{moment}:1")
    watched = store.paths.layers if moment == "unpacking" else f"{store.paths.images}/staging"
    victim = puller(store, name if moment == "unpacking" else source)
    deadline = time.monotonic() + 60
    while not (os.path.isdir(watched) and os.listdir(watched)):
        assert victim.poll() is None, victim.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.001)
    victim.send_signal(signal.SIGKILL)
    victim.communicate(timeout=20)
    wait_for_orphans(store)
    assert store.images() == ()

    image = pull.pull(store, name, PLAIN)

    assert len(os.listdir(store.layer_directories(image)[0])) == 4000
    assert junk(store, image) == []


def test_devices_owners_and_capabilities_survive(store: Store, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "ping").write_bytes(b"x")
    os.chown(tree / "ping", 12, 34)
    os.mknod(tree / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    subprocess.run(["setcap", "cap_net_raw+ep", str(tree / "ping")], check=True)
    packed = subprocess.run(
        ["tar", "--xattrs", "--xattrs-include=*", "--format=posix", "-C", str(tree), "-c", "."],
        check=True, capture_output=True,
    ).stdout  # fmt: skip

    image = pull.pull(store, layouts.write(tmp_path / "a", "localhost/cap:1", [packed]))

    top = store.layer_directories(image)[0]
    ping, null = os.lstat(f"{top}/ping"), os.lstat(f"{top}/null")
    assert (ping.st_uid, ping.st_gid) == (12, 34)
    assert os.getxattr(f"{top}/ping", "security.capability") == os.getxattr(
        tree / "ping", "security.capability"
    )
    assert (stat.S_ISCHR(null.st_mode), null.st_rdev) == (True, os.makedev(1, 3))


def test_credentials_are_in_no_argument_and_no_repr() -> None:
    assert "hunter2" not in repr(pull.Options(creds="me:hunter2"))
