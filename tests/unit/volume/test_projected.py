"""runtime.volume.projected: versions, links and paths, on a plain directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from manifests.codec import SecretBytes
from manifests.faults import HostFault, Invalid
from runtime.volume import projected
from runtime.volume.projected import File


def files(**contents: str) -> list[File]:
    return [
        File(path=path.replace("__", "/"), content=text.encode(), mode=0o644)
        for path, text in contents.items()
    ]


def visible(volume: Path) -> dict[str, str]:
    """What a container finds by the names it sees."""
    found = {}
    for top in sorted(name for name in os.listdir(volume) if not name.startswith("..")):
        inside = volume / top
        for path in [inside] if inside.is_file() else sorted(inside.rglob("*")):
            if path.is_file():
                found[str(path.relative_to(volume))] = path.read_text()
    return found


def versions(volume: Path) -> list[str]:
    return [name for name in os.listdir(volume) if name.startswith("..2")]


def test_keys_are_links_into_one_version(tmp_path: Path) -> None:
    volume = tmp_path / "v"

    assert projected.write(str(volume), files(key="one", deep__er="two"))

    assert visible(volume) == {"deep/er": "two", "key": "one"}
    assert os.readlink(volume / "key") == "..data/key"
    assert os.readlink(volume / "deep") == "..data/deep"
    assert versions(volume) == [os.readlink(volume / "..data")]


def test_unchanged_content_touches_nothing(tmp_path: Path) -> None:
    projected.write(str(tmp_path), files(a="1", deep__b="2"))
    before = (os.readlink(tmp_path / "..data"), os.stat(tmp_path).st_mtime_ns)

    assert not projected.write(str(tmp_path), files(a="1", deep__b="2"))

    assert (os.readlink(tmp_path / "..data"), os.stat(tmp_path).st_mtime_ns) == before


def test_removed_keys_disappear_and_new_ones_come(tmp_path: Path) -> None:
    projected.write(str(tmp_path), files(a="1", b="2", deep__c="3"))

    assert projected.write(str(tmp_path), files(b="2", deep__d="4", e="5"))

    assert visible(tmp_path) == {"b": "2", "deep/d": "4", "e": "5"}
    assert len(versions(tmp_path)) == 1


def test_an_empty_volume_is_a_version_too(tmp_path: Path) -> None:
    assert projected.write(str(tmp_path), [])
    assert not projected.write(str(tmp_path), [])
    assert visible(tmp_path) == {}


def test_a_changed_mode_is_a_change(tmp_path: Path) -> None:
    projected.write(str(tmp_path), files(a="1"))

    assert projected.write(str(tmp_path), [File(path="a", content=b"1", mode=0o400)])

    assert stat.S_IMODE(os.stat(tmp_path / "a").st_mode) == 0o400


def test_a_file_becomes_a_directory_and_back(tmp_path: Path) -> None:
    projected.write(str(tmp_path), files(a="file"))
    projected.write(str(tmp_path), files(a__b="below"))
    assert visible(tmp_path) == {"a/b": "below"}

    projected.write(str(tmp_path), files(a="file"))
    assert visible(tmp_path) == {"a": "file"}


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    projected.write(str(tmp_path), files(a="1"))
    (tmp_path / "..2020_01_01_00_00_00.dead").mkdir()
    (tmp_path / "..2020_01_01_00_00_00.dead" / "a").write_text("half")
    (tmp_path / "..data_tmp").symlink_to("..2020_01_01_00_00_00.dead")
    (tmp_path / "a").unlink()

    assert not projected.write(str(tmp_path), files(a="1"))

    assert visible(tmp_path) == {"a": "1"}
    assert len(os.listdir(tmp_path)) == 3


def test_a_directory_that_a_sub_path_left_makes_room_for_its_key(tmp_path: Path) -> None:
    projected.write(str(tmp_path), files(a="1"))
    (tmp_path / "late").mkdir()

    projected.write(str(tmp_path), files(a="1", late="now"))

    assert visible(tmp_path) == {"a": "1", "late": "now"}


def test_a_failed_write_keeps_the_old_version(tmp_path: Path) -> None:
    projected.write(str(tmp_path), files(a="1"))

    with pytest.raises(HostFault, match="File name too long"):
        projected.write(str(tmp_path), files(**{"a": "2", "x" * 300: "3"}))

    assert visible(tmp_path) == {"a": "1"}
    assert len(versions(tmp_path)) == 1


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../up", "a/../b", "a//b", "./a", "..data", "..2024/x", "a/"]
)
def test_paths_that_leave_the_volume_are_refused(path: str) -> None:
    with pytest.raises(Invalid, match=r'Pod/web volume "v": path .* leads out of the volume'):
        projected.checked([File(path=path, content=b"", mode=0o644)], owner='Pod/web volume "v"')


def test_a_path_through_a_file_is_refused() -> None:
    with pytest.raises(Invalid, match='"a" is a file and, for "a/b", a directory'):
        projected.checked(files(a__b="1", a="2"), owner="Pod/web")


def test_of_two_keys_at_one_path_the_last_wins() -> None:
    twice = [*files(a="1"), *files(a="2")]

    assert [file.content for file in projected.checked(twice, owner="")] == [b"2"]


def test_a_secrets_content_is_not_shown() -> None:
    file = File(path="token", content=SecretBytes(b"hush"), mode=0o400)

    assert "hush" not in repr(file)
    assert "hush" not in f"{file}"
