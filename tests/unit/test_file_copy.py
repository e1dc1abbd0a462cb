"""runtime.file_copy: what comes along, and that nothing leads out of either side."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from runtime import file_copy
from runtime.file_copy import Manner

if TYPE_CHECKING:
    from pathlib import Path


def copied(source: Path, into: Path, name: str, manner: Manner = Manner()) -> tuple[str, ...]:  # noqa: B008
    from_there = os.open(source, os.O_PATH)
    to_there = os.open(into, os.O_PATH | os.O_DIRECTORY)
    try:
        return file_copy.copy(from_there, to_there, name, manner)
    finally:
        os.close(from_there)
        os.close(to_there)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    (made / "deep" / "deeper").mkdir(parents=True)
    (made / "deep" / "deeper" / "file").write_text("below")
    (made / "run").write_text("#!/bin/sh\n")
    (made / "run").chmod(0o4755)
    (made / "beside").symlink_to("deep/deeper/file")
    (made / "deep" / "above").symlink_to("../run")
    return made


def test_a_tree_comes_with_its_modes_and_times_and_the_links_within(
    tree: Path, tmp_path: Path
) -> None:
    os.utime(tree / "run", (1000, 2000))

    left_out = copied(tree, tmp_path, "copy")

    copy = tmp_path / "copy"
    assert left_out == ()
    assert (copy / "deep" / "deeper" / "file").read_text() == "below"
    assert (copy / "beside").readlink() == (tree / "beside").readlink()
    assert (copy / "deep" / "above").read_text() == "#!/bin/sh\n"
    assert (copy / "run").stat().st_mtime == 2000
    assert (copy / "run").stat().st_mode & 0o7777 == 0o755
    assert sorted(os.listdir(copy)) == ["beside", "deep", "run"]


def test_what_is_copied_again_joins_what_is_there(tree: Path, tmp_path: Path) -> None:
    copied(tree, tmp_path, "copy")
    (tmp_path / "copy" / "own").write_text("stays")
    (tmp_path / "copy" / "beside").unlink()
    (tmp_path / "copy" / "beside").write_text("goes")
    (tree / "run").write_text("new")

    copied(tree, tmp_path, "copy")

    assert (tmp_path / "copy" / "own").read_text() == "stays"
    assert (tmp_path / "copy" / "run").read_text() == "new"
    assert (tmp_path / "copy" / "beside").is_symlink()


@pytest.mark.parametrize(
    ("place", "target", "out"),
    [
        ("a", "b", False),
        ("a", "./b/c", False),
        ("d/a", "../b", False),
        ("d/a", "..", False),
        ("a", "..", True),
        ("d/a", "../../b", True),
        ("a", "/etc/passwd", True),
        ("a", "d/../b", True),
    ],
)
def test_a_link_that_may_lead_out_is_known(place: str, target: str, out: bool) -> None:
    assert file_copy.leads_out(place, target) is out


def test_links_that_lead_out_and_what_is_no_file_stay_behind(tree: Path, tmp_path: Path) -> None:
    (tree / "out").symlink_to("/etc/passwd")
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tree / "socket"))
        left_out = copied(tree, tmp_path, "copy")
    kept = copied(tree, tmp_path, "all", Manner(links_out=True))

    assert [line.partition(":")[0] for line in left_out] == ["out", "pipe", "socket"]
    assert sorted(os.listdir(tmp_path / "copy")) == ["beside", "deep", "run"]
    assert [line.partition(":")[0] for line in kept] == ["pipe", "socket"]
    assert (tmp_path / "all" / "out").is_symlink()


@pytest.mark.parametrize("link", ["copy", "copy/deep"])
def test_a_link_where_a_directory_goes_is_not_followed(
    link: str, tree: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(victim)

    with pytest.raises(OSError, match="levels of symbolic links"):
        copied(tree, tmp_path, "copy")

    assert os.listdir(victim) == []


def test_a_link_where_a_file_goes_is_replaced_and_what_it_names_stays(
    tree: Path, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("whole")
    (tmp_path / "run").symlink_to(victim)

    copied(tree / "run", tmp_path, "run")

    assert victim.read_text() == "whole"
    assert (tmp_path / "run").read_text() == "#!/bin/sh\n"


def test_what_a_killed_copy_has_left_goes_with_the_next(tree: Path, tmp_path: Path) -> None:
    left = tmp_path / file_copy.unfinished("run")
    left.write_text("half of it, and longer than the whole of it")

    copied(tree / "run", tmp_path, "run")

    assert not left.exists()
    assert (tmp_path / "run").read_text() == "#!/bin/sh\n"


def test_a_copy_that_fails_leaves_nothing_and_names_what_is_known(
    tree: Path, tmp_path: Path
) -> None:
    with pytest.raises(IsADirectoryError) as told:
        copied(tree / "run", tree, "deep")

    assert told.value.filename == "deep"
    assert sorted(os.listdir(tree)) == ["beside", "deep", "run"]


def test_a_directory_is_not_copied_into_itself_for_ever(tree: Path) -> None:
    copied(tree, tree, "copy")

    assert sorted(os.listdir(tree / "copy")) == ["beside", "deep", "run"]
