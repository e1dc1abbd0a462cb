"""A log that is followed while its files are renamed and thrown away under the reader."""

from __future__ import annotations

import os
import select
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.oci import following
from runtime.oci.logs import Selection

if TYPE_CHECKING:
    from collections.abc import Callable


def entry(second: int, text: str, tag: str = "F") -> str:
    return f"2026-11-24T10:00:{second:02d}.123456789+01:00 stdout {tag} {text}\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "0.log"


def start_afresh(log: Path, text: str) -> None:
    """What conmon does at its size limit."""
    temporary = log.with_name(f"{log.name}.tmp")
    temporary.write_text(text)
    os.rename(temporary, log)


def rotate(log: Path, text: str) -> None:
    """What runtime.oci.rotation does, with a conmon that writes on."""
    for number in range(8, 0, -1):
        part = log.with_name(f"{log.name}.{number}")
        if part.exists():
            os.rename(part, log.with_name(f"{log.name}.{number + 1}"))
    os.link(log, f"{log}.1")
    start_afresh(log, text)


def followed(log: Path, *steps: Callable[[], object], tail: int | None = None) -> list[str]:
    """Follow the first run while one step after another is done; "!" stands before a loss."""
    left = list(steps)

    def alive() -> bool:
        if left:
            left.pop(0)()
            return True
        return False

    lines = following.follow(str(log.parent), 0, Selection(tail=tail), alive=alive, poll=0.0)
    return ["!" * line.after_loss + line.text.decode() for line in lines]


def test_following_goes_on_where_the_tail_ended(log: Path) -> None:
    log.write_text(entry(1, "old") + entry(2, "new") + entry(3, "half ", "P"))

    def write() -> None:
        with log.open("a") as file:
            file.write(entry(4, "done"))

    assert followed(log, write, write, tail=1) == ["new", "half done", "done"]


def test_parts_that_came_and_went_between_two_looks_are_read(log: Path) -> None:
    log.write_text(entry(1, "first"))

    def twice() -> None:
        rotate(log, entry(2, "second"))
        rotate(log, entry(3, "third"))

    assert followed(log, twice, lambda: None) == ["first", "second", "third"]


def test_older_parts_are_not_read_again_when_conmon_starts_afresh(log: Path) -> None:
    log.write_text(entry(1, "first"))
    rotate(log, entry(2, "second"))

    got = followed(log, lambda: start_afresh(log, entry(3, "third")))

    assert got == ["first", "second", "third"]


def test_a_part_is_not_read_again_when_conmon_starts_afresh_later(log: Path) -> None:
    log.write_text(entry(1, "first"))
    steps = (
        lambda: rotate(log, entry(2, "second")),
        lambda: start_afresh(log, entry(3, "third")),
        lambda: rotate(log, entry(4, "fourth")),
    )

    assert followed(log, *steps) == ["first", "second", "third", "fourth"]


def test_what_conmon_threw_away_unread_is_told_where_it_is_missing(log: Path) -> None:
    log.write_text(entry(1, "first") + entry(1, "cut ", "P"))

    def twice() -> None:
        start_afresh(log, entry(2, "second"))
        start_afresh(log, entry(3, "third") + entry(3, "fourth"))

    got = followed(log, twice, lambda: start_afresh(log, entry(4, "fifth")))

    assert got == ["first", "cut ", "!third", "fourth", "fifth"]


def test_a_loss_is_told_although_the_new_file_is_empty_at_first(log: Path) -> None:
    log.write_text(entry(1, "first"))

    def twice() -> None:
        start_afresh(log, entry(2, "second"))
        start_afresh(log, "")

    got = followed(log, twice, lambda: log.write_text(entry(3, "third")))

    assert got == ["first", "!third"]


def test_the_next_run_is_read_from_its_oldest_part(log: Path) -> None:
    log.write_text(entry(1, "first"))
    again = log.with_name("1.log")

    def restart() -> None:
        again.write_text(entry(2, "second"))
        rotate(again, entry(3, "third"))

    assert followed(log, restart, lambda: None) == ["first", "second", "third"]


def test_the_next_runs_loss_is_told_too(log: Path) -> None:
    log.write_text(entry(1, "first"))
    again = log.with_name("1.log")

    def restart() -> None:
        again.write_text(entry(2, "second"))
        start_afresh(again, entry(3, "third"))

    assert followed(log, restart, lambda: None) == ["first", "!third"]


def test_a_rename_ends_one_wait_and_counts_however_late_it_is_asked_for(log: Path) -> None:
    watch = following.Watch(str(log.parent))
    for _ in range(3):
        start_afresh(log, "")

    watch.wait(60)

    assert select.select([watch], [], [], 0)[0] == []
    assert watch.count(log.name) == 3
    watch.close()


def test_a_log_that_somebody_moved_away_is_read_on_from_the_new_one(log: Path) -> None:
    log.write_text(entry(1, "first"))

    def move() -> None:
        os.rename(log, log.with_name("saved"))
        log.write_text(entry(2, "second"))

    assert followed(log, move) == ["first", "second"]
