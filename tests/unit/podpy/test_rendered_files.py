from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from manifests.faults import Invalid
from podpy import rendered_files
from podpy.rendered_files import Outcome
from renderers.quadlet.unit import File

if TYPE_CHECKING:
    from pathlib import Path

UNIT = rendered_files.MARK.decode()


def file(name: str, content: str = UNIT, *, private: bool = False) -> File:
    return File(name=name, content=content.encode(), private=private)


def write(
    directory: Path, *files: File, applyset: str = "app", prune: bool = False, whole: bool = True
) -> Outcome:
    return rendered_files.write(str(directory), files, applyset, prune=prune, whole=whole)


def held(directory: Path) -> list[str]:
    return sorted(
        str(path.relative_to(directory)) for path in directory.rglob("*") if path.name[0] != "."
    )


def test_what_the_sources_no_longer_have_is_told_and_with_prune_removed(tmp_path: Path) -> None:
    write(tmp_path, file("a.pod"), file("b.pod"), file("v.files/"), file("v.files/x/k", "k"))
    told = write(tmp_path, file("a.pod"))
    kept = held(tmp_path)
    pruned = write(tmp_path, file("a.pod"), prune=True)

    assert told.left == ("b.pod", "v.files/x/k")
    assert "b.pod" in kept
    assert pruned.removed == ("b.pod", "v.files/x/k")
    assert held(tmp_path) == ["a.pod"]


def test_files_of_other_sources_and_of_others_stay(tmp_path: Path) -> None:
    write(tmp_path, file("other.pod"), applyset="other")
    (tmp_path / "mine.container").write_text("[Container]\n")
    write(tmp_path, file("v.files/k", "k"))
    (tmp_path / "v.files/own").write_text("mine")
    outcome = write(tmp_path, file("a.pod"), prune=True)

    assert outcome.removed == ("v.files/k",)
    assert held(tmp_path) == ["a.pod", "mine.container", "other.pod", "v.files", "v.files/own"]


def test_a_stale_file_that_was_changed_stays_and_is_told_again(tmp_path: Path) -> None:
    write(tmp_path, file("a.pod"), file("b.pod"))
    (tmp_path / "b.pod").write_text("changed by hand")
    first = write(tmp_path, file("a.pod"), prune=True)
    second = write(tmp_path, file("a.pod"), prune=True)

    assert first.changed == second.changed == ("b.pod",)
    assert (tmp_path / "b.pod").read_text() == "changed by hand"


def test_what_is_not_podpys_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.pod").write_text("[Pod]\n")

    with pytest.raises(Invalid, match=r"a\.pod is there and is not podpy's"):
        write(tmp_path, file("a.pod"), file("b.pod"))
    assert held(tmp_path) == ["a.pod"]


def test_a_file_goes_over_to_the_sources_that_have_it_otherwise_now(tmp_path: Path) -> None:
    write(tmp_path, file("a.pod"), applyset="old")
    taken = write(tmp_path, file("a.pod", f"{UNIT} 2"), applyset="new").taken
    write(tmp_path, applyset="old", prune=True)

    assert taken == ("a.pod",)
    assert held(tmp_path) == ["a.pod"]


def test_what_several_sources_have_alike_stays_until_the_last_has_it_no_more(
    tmp_path: Path,
) -> None:
    network = file("podpy.network")
    write(tmp_path, file("a.pod"), network, applyset="first")
    shared = write(tmp_path, file("b.pod"), network, applyset="second")
    one = write(tmp_path, file("a.pod"), applyset="first", prune=True)
    kept = held(tmp_path)
    other = write(tmp_path, file("b.pod"), applyset="second", prune=True)

    assert shared == one == Outcome()
    assert kept == ["a.pod", "b.pod", "podpy.network"]
    assert other.removed == ("podpy.network",)
    assert held(tmp_path) == ["a.pod", "b.pod"]


def test_a_pipe_does_not_tell_what_is_stale(tmp_path: Path) -> None:
    write(tmp_path, file("a.pod"), applyset="-", whole=False)

    assert write(tmp_path, file("b.pod"), applyset="-", whole=False).left == ()


def test_one_that_was_killed_before_it_wrote_is_remembered(tmp_path: Path) -> None:
    write(tmp_path, file("a.pod", f"{UNIT} 1"), file("b.pod"))
    record = json.loads((tmp_path / ".podpy-rendered.json").read_text())
    record["sets"]["app"]["a.pod"].append("the digest of what was not written any more")
    record["sets"]["app"]["c.pod"] = ["of one that is not there"]
    (tmp_path / ".podpy-rendered.json").write_text(json.dumps(record))

    assert write(tmp_path, file("b.pod"), prune=True).removed == ("a.pod",)
    assert held(tmp_path) == ["b.pod"]


def test_what_a_killed_writer_left_goes_and_nothing_like_it(tmp_path: Path) -> None:
    write(tmp_path, file("a.pod"))
    for name in ("a.pod.123.tmp", "other.pod.123.tmp", "a.pod.tmp"):
        (tmp_path / name).write_text("half")
    write(tmp_path, file("a.pod"))

    assert held(tmp_path) == ["a.pod", "a.pod.tmp", "other.pod.123.tmp"]


def test_what_is_there_already_is_not_written_again(tmp_path: Path) -> None:
    write(tmp_path, file("a.pod"), file("v.files/k", "k"))
    before = [path.stat().st_ino for path in sorted(tmp_path.rglob("*")) if path.name[0] != "."]
    (tmp_path / "a.pod").chmod(0o600)
    write(tmp_path, file("a.pod"), file("v.files/k", "k"))
    after = [path.stat().st_ino for path in sorted(tmp_path.rglob("*")) if path.name[0] != "."]

    assert before == after
    assert (tmp_path / "a.pod").stat().st_mode & 0o777 == 0o644


def test_the_record_is_for_its_owner_alone(tmp_path: Path) -> None:
    write(tmp_path, file("a.secret.env", "W=hush"))

    assert (tmp_path / ".podpy-rendered.json").stat().st_mode & 0o777 == 0o600


def test_a_record_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / ".podpy-rendered.json").write_text("{")

    with pytest.raises(Invalid, match="no JSON"):
        write(tmp_path, file("a.pod"))
