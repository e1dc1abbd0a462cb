from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runtime.oci import program
from runtime.oci.program import Verdict

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A tree as an image lays it: /bin -> usr/bin, absolute links, a file that is no program."""
    for name in ("usr/bin", "opt/app", "data", "proc"):
        os.makedirs(tmp_path / name)
    os.symlink("usr/bin", tmp_path / "bin")
    for name, mode in (("usr/bin/busybox", 0o755), ("opt/app/run", 0o700), ("data/page", 0o644)):
        (tmp_path / name).touch(mode)
    os.symlink("/usr/bin/busybox", tmp_path / "usr/bin/sh")
    os.symlink("../../opt/app/run", tmp_path / "usr/bin/run")
    os.symlink("../../../../../usr/bin/sh", tmp_path / "usr/bin/up")
    os.symlink("/etc/hostname", tmp_path / "usr/bin/outside")
    os.symlink("loop", tmp_path / "usr/bin/loop")
    return str(tmp_path)


@pytest.mark.parametrize(
    ("word", "verdict"),
    [
        ("busybox", Verdict.FOUND),
        ("sh", Verdict.FOUND),
        ("run", Verdict.FOUND),
        ("up", Verdict.FOUND),
        ("/bin/sh", Verdict.FOUND),
        ("./app/run", Verdict.FOUND),
        ("../usr/bin/sh", Verdict.FOUND),
        ("/proc/self/exe", Verdict.FOUND),
        ("nope", Verdict.MISSING),
        ("outside", Verdict.MISSING),
        ("loop", Verdict.MISSING),
        ("/bin/nope", Verdict.MISSING),
        ("app/run/more", Verdict.MISSING),
        ("/data/page", Verdict.FORBIDDEN),
        ("/data", Verdict.FORBIDDEN),
    ],
)
def test_a_word_is_found_as_execvp_finds_it_from_the_containers_root(
    root: str, word: str, verdict: int
) -> None:
    assert program.looked(root, word, "/opt", ["A=b", "PATH=/sbin:/bin:/data"]) == verdict


def test_what_only_cannot_be_executed_counts_where_nothing_better_is_found(root: str) -> None:
    assert program.looked(root, "page", "/", ["PATH=/bin:/data"]) == Verdict.FORBIDDEN


def test_without_a_path_the_usual_places_are_searched(root: str) -> None:
    assert program.looked(root, "sh", "/", []) == Verdict.FOUND
