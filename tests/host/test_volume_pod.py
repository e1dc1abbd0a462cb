"""A pod's volumes as a whole: planned, prepared in a namespace of its own, updated, attached."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from manifests import codec
from manifests.codec import SecretBytes
from manifests.config import ConfigMap, PersistentVolumeClaim, Secret
from manifests.faults import HostFault, Invalid
from manifests.meta import ObjectMeta
from manifests.observed import PodRecord
from manifests.pod import Pod
from manifests.volumes import HostPathType
from reconciler.targets.host import blocked, volume_mounts, volumes
from reconciler.targets.host.environment import HostFacts, Sources, Subject
from runtime.kernel import mounts
from runtime.kernel.inside import Inside
from runtime.paths import Paths
from runtime.volume import anonymous, claims, emptydir, hostpath, ownership

pytestmark = pytest.mark.host

FACTS = HostFacts(node="here", addresses=("192.0.2.7",), cpus=2, memory=1 << 30)


def config(**data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name="settings", namespace="shop"), data=data)


def secret(value: bytes) -> Secret:
    metadata = ObjectMeta(name="login", namespace="shop")
    return Secret(metadata=metadata, data={"password": SecretBytes(value)})


def sources(text: str, value: bytes) -> Sources:
    return Sources(configmaps={"settings": config(text=text)}, secrets={"login": secret(value)})


def record(host: Path) -> PodRecord:
    pod = codec.restore(
        Pod,
        {
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {
                "securityContext": {"fsGroup": 4321},
                "volumes": [
                    {"name": "scratch"},
                    {"name": "fast", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
                    {"name": "host", "hostPath": {"path": str(host), "type": "DirectoryOrCreate"}},
                    {"name": "config", "configMap": {"name": "settings"}},
                    {"name": "secret", "secret": {"secretName": "login", "defaultMode": 0o400}},
                    {"name": "data", "persistentVolumeClaim": {"claimName": "db"}},
                ],
                "containers": [
                    {
                        "name": "app",
                        "volumeMounts": [
                            {"name": "fast", "mountPath": "/fast/deep", "subPath": "part"},
                            {"name": "config", "mountPath": "/etc/app", "subPath": "text"},
                            {"name": "data", "mountPath": "/fast"},
                        ],
                    }
                ],
            },
        },
    )
    return PodRecord(uid="u-1", pod=pod, spec_hash="x")


@pytest.fixture
def instance(tmp_path: Path) -> Paths:
    return Paths(state_dir=f"{tmp_path}/lib", run_dir=f"{tmp_path}/run", log_dir=f"{tmp_path}/log")


def make_claim(paths: Paths) -> claims.Claim:
    metadata = ObjectMeta(name="db", namespace="shop")
    return claims.ensure(paths, PersistentVolumeClaim(metadata=metadata))


def test_a_pods_volumes_are_made_updated_and_attached(
    apart: Inside, instance: Paths, tmp_path: Path
) -> None:
    pod = record(tmp_path / "host" / "new")
    claim = make_claim(instance)
    planned = volumes.plan(pod, sources("one", b"hush"), instance)

    apart.call(volumes.apply, planned, instance)
    apart.call(volumes.apply, planned, instance)

    path = {name: volume.path for name, volume in planned.volumes.items()}
    assert stat.S_IMODE(os.stat(path["host"]).st_mode) == 0o755
    assert path["data"] == claim.path
    for name in ("scratch", "fast", "data"):
        held = apart.call(os.stat, path[name])
        assert (stat.S_IMODE(held.st_mode), held.st_gid) == (0o2777, 4321)
    with pytest.raises(OSError, match="No space left"):
        apart.call(Path(path["fast"], "big").write_bytes, bytes(2 << 20))
    assert stat.S_IMODE(os.stat(os.path.dirname(path["secret"])).st_mode) == 0o700
    assert stat.S_IMODE(apart.call(os.stat, planned.shm).st_mode) == 0o1777
    held = apart.call(os.stat, f"{path['secret']}/password")
    assert (stat.S_IMODE(held.st_mode), held.st_gid) == (0o440, 4321)

    changed = volumes.plan(pod, sources("one", b"new"), instance)
    assert apart.call(volumes.refresh, changed) == ("secret",)
    assert apart.call(Path(path["secret"], "password").read_bytes) == b"new"
    assert apart.call(volumes.refresh, changed) == ()

    subject = Subject(
        record=pod, container=pod.pod.spec.containers[0], sources=Sources(), facts=FACTS
    )
    found = volume_mounts.bindings(planned, subject, {}, [], instance)
    apart.call(volume_mounts.attach, found, label=subject.label)
    source = {binding.destination: binding.source for binding in found}
    assert apart.call(Path(source["/etc/app"]).read_text) == "one"
    assert apart.call(os.path.isdir, f"{path['fast']}/part")
    assert apart.call(mounts.is_mounted, source["/fast/deep"])


def test_a_claim_that_is_missing_blocks_the_pod(
    apart: Inside, instance: Paths, tmp_path: Path
) -> None:
    planned = volumes.plan(record(tmp_path / "host"), sources("one", b"x"), instance)

    with pytest.raises(blocked.Blocked, match='"data": persistentvolumeclaim "db" not found'):
        apart.call(volumes.apply, planned, instance)


def test_one_containers_memory_volume_is_the_others(apart: Inside, tmp_path: Path) -> None:
    path = str(tmp_path / "fast")

    apart.call(emptydir.memory, path)
    apart.call(Path(path, "file").write_text, "kept")
    apart.call(emptydir.memory, path)

    assert apart.call(Path(path, "file").read_text) == "kept"
    assert os.listdir(path) == []


def test_disk_volumes_keep_what_their_users_made_of_them(tmp_path: Path) -> None:
    path = tmp_path / "pods" / "u-1" / "emptydir" / "data"
    emptydir.disk(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o777

    path.chmod(0o700)
    emptydir.disk(str(path), group=4321)

    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_gid) == (0o700, 0)


def test_a_killed_disk_volume_is_finished(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir(mode=0o700)

    emptydir.disk(str(tmp_path / "data"), group=4321)

    assert os.listdir(tmp_path) == ["data"]
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o2777


def tree(root: Path) -> Path:
    (root / "tree" / "deep").mkdir(parents=True)
    (root / "tree" / "deep" / "file").write_text("x")
    (root / "tree" / "deep" / "file").chmod(0o600)
    (root / "tree" / "deep").chmod(0o700)
    (root / "outside").write_text("host's")
    (root / "outside").chmod(0o600)
    (root / "tree" / "link").symlink_to("../outside")
    return root / "tree"


def test_fs_group_gets_the_whole_tree_and_nothing_behind_a_link(tmp_path: Path) -> None:
    root = tree(tmp_path)

    assert ownership.grant(str(root), 4321)
    assert not ownership.grant(str(root), 4321)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("[df]*"))}
    assert modes == {root: 0o2775, root / "deep": 0o2770, root / "deep" / "file": 0o660}
    assert {path.lstat().st_gid for path in (root, *root.rglob("*"))} == {4321}
    outside = tmp_path / "outside"
    assert (stat.S_IMODE(outside.stat().st_mode), outside.stat().st_gid) == (0o600, 0)


def test_fs_group_skips_a_tree_whose_root_is_right(tmp_path: Path) -> None:
    root = tree(tmp_path)
    ownership.grant(str(root), 4321)
    (root / "deep" / "file").chmod(0o600)

    ownership.grant(str(root), 4321)

    assert stat.S_IMODE((root / "deep" / "file").stat().st_mode) == 0o600


def deepen(root: str) -> int:
    """Make a tree below `root` deeper than a path may be long; return its last directory."""
    at = os.open(root, os.O_RDONLY)
    for _level in range(1500):
        os.mkdir("level", dir_fd=at)
        below = os.open("level", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    return at


def test_no_tree_is_too_deep_to_be_given_to_fs_group_or_to_be_removed(instance: Paths) -> None:
    claim = make_claim(instance)
    deepest = deepen(claim.path)
    try:
        ownership.grant(claim.path, 4321)
        assert os.fstat(deepest).st_gid == 4321
    finally:
        os.close(deepest)
        claims.remove(instance, "shop", "db", consent=True)

    assert not os.path.exists(claim.path)
    assert os.listdir(f"{instance.claims}/.removing") == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (HostPathType.DIRECTORY, "dir"),
        (HostPathType.DIRECTORY_OR_CREATE, "dir"),
        (HostPathType.FILE, "file"),
        (HostPathType.FILE, "link"),
        (HostPathType.FILE_OR_CREATE, "file"),
        (HostPathType.SOCKET, "socket"),
        (HostPathType.CHAR_DEVICE, "char"),
        (HostPathType.BLOCK_DEVICE, "block"),
    ],
)
def test_host_paths_are_what_their_type_says(tmp_path: Path, kind: HostPathType, name: str) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    os.mknod(tmp_path / "char", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.mknod(tmp_path / "block", stat.S_IFBLK | 0o600, os.makedev(7, 200))

    hostpath.ensure(str(tmp_path / name), kind, owner="Pod/web")

    for other in {"dir", "file", "socket", "char", "block"} - {name.replace("link", "file")}:
        with pytest.raises(HostFault, match=r'Pod/web volume "x": hostPath .* is not a'):
            hostpath.ensure(str(tmp_path / other), kind, owner='Pod/web volume "x"')


@pytest.mark.parametrize(
    "kind",
    [
        HostPathType.DIRECTORY,
        HostPathType.FILE,
        HostPathType.SOCKET,
        HostPathType.CHAR_DEVICE,
        HostPathType.BLOCK_DEVICE,
    ],
)
def test_a_missing_host_path_is_told(tmp_path: Path, kind: HostPathType) -> None:
    with pytest.raises(HostFault, match=f"does not exist, and its type {kind} makes none"):
        hostpath.ensure(str(tmp_path / "missing"), kind, owner="Pod/web")


def test_host_paths_are_made_with_the_kubelets_modes(tmp_path: Path) -> None:
    made = tmp_path / "made"
    hostpath.ensure(f"{made}/a/b", HostPathType.DIRECTORY_OR_CREATE, owner="")
    hostpath.ensure(f"{made}/file", HostPathType.FILE_OR_CREATE, owner="")
    hostpath.ensure(f"{made}/unchecked", HostPathType.UNCHECKED, owner="")

    modes = [stat.S_IMODE((made / name).stat().st_mode) for name in ("a/b", "file", "unchecked")]
    assert modes == [0o755, 0o644, 0o755]
    with pytest.raises(HostFault, match="cannot be made or read: No such file"):
        hostpath.ensure(f"{made}/no/file", HostPathType.FILE_OR_CREATE, owner="")


def test_an_image_volume_is_filled_from_the_image_and_afresh(tmp_path: Path) -> None:
    rootfs = tmp_path / "rootfs"
    (rootfs / "real" / "data").mkdir(parents=True)
    (rootfs / "real" / "data" / "seed").write_text("seed")
    os.chown(rootfs / "real" / "data" / "seed", 11, 22)
    os.chown(rootfs / "real" / "data", 33, 44)
    (rootfs / "real" / "data").chmod(0o750)
    (rootfs / "var").symlink_to("/real")
    directory = tmp_path / "volumes" / "hash"

    anonymous.fill(str(directory), str(rootfs), "/var/data")
    (directory / "written").touch()
    anonymous.fill(str(directory), str(rootfs), "/var/data")

    held, seed = directory.stat(), (directory / "seed").stat()
    assert os.listdir(directory) == ["seed"]
    assert (stat.S_IMODE(held.st_mode), held.st_uid, held.st_gid) == (0o750, 33, 44)
    assert (seed.st_uid, seed.st_gid) == (11, 22)


def test_an_image_volume_cannot_lead_out_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").touch()
    (tmp_path / "rootfs").mkdir()
    (tmp_path / "rootfs" / "data").symlink_to("../outside")

    anonymous.fill(str(tmp_path / "volume"), str(tmp_path / "rootfs"), "/data")

    assert os.listdir(tmp_path / "volume") == []


def test_claims_are_kept_listed_and_removed_only_with_consent(instance: Paths) -> None:
    first = make_claim(instance)
    Path(first.path, "row").write_bytes(bytes(100_000))

    assert make_claim(instance) == first
    assert list(claims.every(instance)) == [first]
    assert claims.disk_usage(first.path) >= 100_000
    assert stat.S_IMODE(os.stat(first.path).st_mode) == 0o777
    with pytest.raises(Invalid, match="shop/db holds data: it is not removed unasked"):
        claims.remove(instance, "shop", "db", consent=False)
    assert os.listdir(first.path) == ["row"]

    assert claims.remove(instance, "shop", "db", consent=True)
    assert not claims.remove(instance, "shop", "db", consent=True)
    assert list(claims.every(instance)) == []
    left = [name for _top, _dirs, names in os.walk(instance.claims) for name in names]
    assert left == []


def test_a_claim_without_its_record_is_still_the_users(instance: Paths) -> None:
    claim = make_claim(instance)
    os.unlink(f"{instance.claims}/.claims/shop/db")

    found = claims.find(instance, "shop", "db")

    assert found is not None
    assert (found.path, found.record) == (claim.path, claims.Record())


def test_a_killed_removal_is_finished_by_the_next(instance: Paths) -> None:
    os.makedirs(f"{instance.claims}/.removing/abc/deep")

    claims.sweep(instance)

    assert os.listdir(f"{instance.claims}/.removing") == []
