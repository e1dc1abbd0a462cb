"""subPaths against containers that do not want to stay in their volume."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

import pytest

from manifests.faults import Fault, HostFault, Invalid
from runtime.kernel import mounts
from runtime.kernel.inside import Inside
from runtime.volume import projected, subpath
from runtime.volume.projected import File
from runtime.volume.subpath import SubPath

pytestmark = pytest.mark.host

SWAPS = 300


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A volume, and beside it a directory with a secret that is none of the container's."""
    made = tmp_path / "volume"
    made.mkdir()
    made.chmod(0o777)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("host's")
    return made


def sub(volume: Path, path: str) -> SubPath:
    return SubPath(
        volume=str(volume),
        path=path,
        target=str(volume.parent / "bundle" / "subpaths" / "0"),
        owner='Pod/web container "app"',
    )


def test_a_directory_inside_the_volume_is_bound(apart: Inside, volume: Path) -> None:
    (volume / "a" / "b").mkdir(parents=True)
    (volume / "a" / "b" / "file").write_text("inside")
    wanted = sub(volume, "a/b")

    apart.call(subpath.bind, wanted)

    assert apart.call((Path(wanted.target) / "file").read_text) == "inside"
    assert os.listdir(wanted.target) == [], "the bind is the pod's alone"


def test_a_missing_directory_is_made_with_the_mode_of_the_volume(
    apart: Inside, volume: Path
) -> None:
    os.chown(volume, 0, 4321)
    volume.chmod(0o2770)

    apart.call(subpath.bind, sub(volume, "./new//deep/"))

    for made in (volume / "new", volume / "new" / "deep"):
        assert stat.S_IMODE(made.stat().st_mode) == 0o2770
        assert made.stat().st_gid == 4321


def test_links_inside_the_volume_are_followed(apart: Inside, volume: Path) -> None:
    (volume / "v2").mkdir()
    (volume / "v2" / "file").write_text("two")
    (volume / "current").symlink_to("v2")
    wanted = sub(volume, "current")

    apart.call(subpath.bind, wanted)

    assert apart.call((Path(wanted.target) / "file").read_text) == "two"


@pytest.mark.parametrize(
    "target",
    ["../outside", "/etc", "/proc/self/root/etc", "a/../../outside", "/proc/self/cwd"],
)
@pytest.mark.parametrize("path", ["link", "link/deeper", "a/link"])
def test_a_link_out_of_the_volume_is_refused_and_nothing_is_made_outside(
    apart: Inside, volume: Path, target: str, path: str
) -> None:
    (volume / "a").mkdir()
    for name in ("link", "a/link"):
        (volume / name).symlink_to(target if name == "link" else f"../{target}"[:300])
    if path == "a/link":
        (volume / "a" / "link").unlink()
        (volume / "a" / "link").symlink_to(f"../../{target}" if target[0] != "/" else target)
    wanted = sub(volume, path)

    with pytest.raises(Invalid, match=r"Pod/web .*leads out of the volume by a symbolic link"):
        apart.call(subpath.bind, wanted)

    assert not apart.call(mounts.is_mounted, wanted.target)
    assert os.listdir(volume.parent / "outside") == ["secret"]


@pytest.mark.parametrize("path", ["../outside", "/etc", "a/../../outside", ".."])
def test_a_path_that_climbs_is_refused(apart: Inside, volume: Path, path: str) -> None:
    with pytest.raises(Invalid, match="leads out of the volume"):
        apart.call(subpath.bind, sub(volume, path))


def test_a_link_to_nowhere_is_refused(apart: Inside, volume: Path) -> None:
    (volume / "link").symlink_to("missing")

    with pytest.raises(HostFault, match="File exists"):
        apart.call(subpath.bind, sub(volume, "link"))


def test_a_file_in_the_way_is_named(apart: Inside, volume: Path) -> None:
    (volume / "file").write_text("x")

    with pytest.raises(HostFault, match='subPath "file/below" cannot be opened: Not a directory'):
        apart.call(subpath.bind, sub(volume, "file/below"))


def test_a_directory_swapped_for_a_link_all_the_time_never_shows_the_outside(
    apart: Inside, volume: Path
) -> None:
    """The attack of CVE-2021-25741: rename a directory and a link to the host over one another."""
    (volume / "dir").mkdir()
    (volume / "link").symlink_to("../outside")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for source, target in (("dir", "x"), ("link", "dir"), ("dir", "link"), ("x", "dir")):
                # podpy makes what is missing, and then stands in the way of some renames.
                with contextlib.suppress(OSError):
                    os.rename(volume / source, volume / target)

    attacker = threading.Thread(target=swap)
    wanted = sub(volume, "dir")
    bound = refused = 0
    attacker.start()
    try:
        for _attempt in range(SWAPS):
            try:
                apart.call(subpath.bind, wanted)
            except Fault:
                refused += 1
                continue
            bound += 1
            assert apart.call(os.listdir, wanted.target) == []
    finally:
        stop.set()
        attacker.join()

    assert bound + refused == SWAPS
    assert os.listdir(volume.parent / "outside") == ["secret"]


def test_a_projected_file_is_pinned_until_it_is_bound_again(apart: Inside, tmp_path: Path) -> None:
    volume = tmp_path / "config"
    projected.write(str(volume), [File(path="key", content=b"one", mode=0o644)])
    wanted = sub(volume, "key")
    apart.call(subpath.bind, wanted)
    read = Path(wanted.target).read_text

    projected.write(str(volume), [File(path="key", content=b"two", mode=0o644)])
    assert apart.call(read) == "one", "a running container keeps the file that it was given"

    apart.call(subpath.bind, wanted)
    assert apart.call(read) == "two", "a restarted one sees the new one"
    assert len(apart.call(lambda: list(mounts.below(wanted.target)))) == 1


def test_a_target_changes_from_file_to_directory(apart: Inside, volume: Path) -> None:
    (volume / "thing").write_text("file")
    apart.call(subpath.bind, sub(volume, "thing"))
    (volume / "thing").unlink()

    apart.call(subpath.bind, sub(volume, "thing"))

    assert apart.call(os.path.isdir, sub(volume, "thing").target)
