"""Real mounts, in a mount namespace that each test has for itself."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from manifests.faults import HostFault
from runtime.kernel import mounts, syscalls
from runtime.kernel.inside import Inside
from runtime.kernel.mounts import Access, Propagation

pytestmark = pytest.mark.host


def write(path: Path) -> int:
    """Try to write `path`; 0 or the errno."""
    try:
        path.write_text("changed")
    except OSError as error:
        return error.errno or -1
    return 0


@pytest.fixture
def tree(tmp_path: Path, apart: Inside) -> Path:
    """A directory with a file, and a tmpfs with a file below it."""
    (tmp_path / "source" / "sub").mkdir(parents=True)
    (tmp_path / "target").mkdir()
    (tmp_path / "source" / "file").write_text("top")
    apart.call(mounts.tmpfs, str(tmp_path / "source" / "sub"), size=1 << 20)
    apart.call((tmp_path / "source" / "sub" / "file").write_text, "sub")
    return tmp_path


def test_a_bind_shows_the_same_files_and_can_be_undone(apart: Inside, tree: Path) -> None:
    target = str(tree / "target")

    apart.call(mounts.bind, str(tree / "source"), target)

    assert apart.call(mounts.is_mounted, target)
    assert apart.call((tree / "target" / "sub" / "file").read_text) == "sub"
    assert apart.call(mounts.umount, target)
    assert not apart.call(mounts.is_mounted, target)
    assert not apart.call(mounts.umount, target), "gone already is success, and told"


def test_a_flat_bind_leaves_out_what_is_mounted_below(apart: Inside, tree: Path) -> None:
    apart.call(mounts.bind, str(tree / "source"), str(tree / "target"), recursive=False)

    assert apart.call(os.listdir, tree / "target" / "sub") == []


def test_read_only_holds_for_the_mounts_below_too(apart: Inside, tree: Path) -> None:
    apart.call(mounts.bind, str(tree / "source"), str(tree / "target"), access=mounts.READ_ONLY)

    assert apart.call(write, tree / "target" / "file") == errno.EROFS
    assert apart.call(write, tree / "target" / "sub" / "file") == errno.EROFS
    assert apart.call(write, tree / "source" / "sub" / "file") == 0


def test_the_old_way_to_bind_gives_the_same_access(apart: Inside, tree: Path) -> None:
    access = Access(read_only=True, nosuid=True, nodev=True, noexec=True)
    apart.call(
        mounts.bind_by_remount,
        str(tree / "source"),
        str(tree / "target"),
        True,
        access,
        Propagation.PRIVATE,
    )

    assert apart.call(write, tree / "target" / "sub" / "file") == errno.EROFS
    below = apart.call(lambda: list(mounts.below(str(tree / "target"))))
    assert len(below) == 2
    for mount in below:
        assert {"ro", "nosuid", "nodev", "noexec"} <= set(mount.options)


def test_a_file_is_bound_through_a_descriptor(apart: Inside, tree: Path) -> None:
    (tree / "one-file").touch()

    def body() -> str:
        root = os.open(tree / "source", os.O_PATH | os.O_DIRECTORY)
        file = syscalls.open_beneath(root, "sub/file", os.O_PATH)
        try:
            mounts.bind(file, str(tree / "one-file"), recursive=False)
        finally:
            os.close(file)
            os.close(root)
        return (tree / "one-file").read_text()

    assert apart.call(body) == "sub"


@pytest.mark.parametrize(
    ("propagation", "shared", "slave"),
    [
        (Propagation.PRIVATE, False, False),
        (Propagation.SLAVE, False, True),
        (Propagation.SHARED, True, False),
    ],
)
def test_propagation_is_what_was_asked_for_even_below_a_shared_mount(
    apart: Inside, tree: Path, propagation: Propagation, shared: bool, slave: bool
) -> None:
    apart.call(mounts.propagate, "/", Propagation.SHARED)

    apart.call(mounts.bind, str(tree / "source"), str(tree / "target"), propagation=propagation)

    found = apart.call(mounts.find, str(tree / "target"))
    assert found is not None
    assert (bool(found.shared), bool(found.master)) == (shared, slave)


def test_a_tmpfs_has_its_size_mode_and_owner(apart: Inside, tmp_path: Path) -> None:
    apart.call(mounts.tmpfs, str(tmp_path), size=1 << 20, mode=0o750, owner=(11, 22))

    status = apart.call(os.stat, tmp_path)
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o750, 11, 22)
    with pytest.raises(OSError, match="No space left"):
        apart.call((tmp_path / "big").write_bytes, bytes(2 << 20))


def layers(root: Path, count: int) -> list[str]:
    """Make `count` layers, topmost first, with names as long as a digest's."""
    paths = []
    for number in range(count):
        layer = root / f"{number:064x}"
        layer.mkdir(parents=True)
        (layer / f"only-in-{number}").write_text(str(number))
        (layer / "everywhere").write_text(str(number))
        paths.append(str(layer))
    return paths


@pytest.mark.parametrize("count", [1, 3, 120, 200])
def test_an_overlay_takes_many_layers(apart: Inside, tmp_path: Path, count: int) -> None:
    for name in ("upper", "work", "root"):
        (tmp_path / name).mkdir()
    root = tmp_path / "root"

    apart.call(
        mounts.overlay,
        str(root),
        layers(tmp_path / "layers", count),
        upper=str(tmp_path / "upper"),
        work=str(tmp_path / "work"),
    )

    assert apart.call((root / "everywhere").read_text) == "0"
    assert apart.call((root / f"only-in-{count - 1}").read_text) == str(count - 1)
    apart.call((root / "everywhere").write_text, "new")
    assert (tmp_path / "upper" / "everywhere").read_text() == "new"
    found = apart.call(mounts.find, str(root))
    assert found is not None
    assert found.super_options[-1] in ("volatile", "fsync=volatile"), "older and newer kernels"


def test_an_overlay_without_an_upper_is_read_only(apart: Inside, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()

    apart.call(mounts.overlay, str(tmp_path / "root"), layers(tmp_path / "layers", 2))

    assert apart.call(write, tmp_path / "root" / "everywhere") == errno.EROFS


def test_an_overlay_takes_paths_that_hold_its_own_separators(apart: Inside, tmp_path: Path) -> None:
    odd = tmp_path / "a:b,c\\d"
    for name in ("upper", "work"):
        (odd / name).mkdir(parents=True)
    (tmp_path / "root").mkdir()

    apart.call(
        mounts.overlay,
        str(tmp_path / "root"),
        layers(odd / "layers", 2),
        upper=str(odd / "upper"),
        work=str(odd / "work"),
    )

    assert apart.call((tmp_path / "root" / "everywhere").read_text) == "0"


def test_what_cannot_be_mounted_is_named(apart: Inside, tmp_path: Path) -> None:
    with pytest.raises(HostFault, match=r"/no/such/target: cannot bind .*: No such file"):
        apart.call(mounts.bind, str(tmp_path), "/no/such/target")
    with pytest.raises(HostFault, match=r"cannot mount an overlay of 1 layers: No such file"):
        apart.call(mounts.overlay, str(tmp_path), ["/no/such/layer"])
