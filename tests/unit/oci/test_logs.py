"""CRI log files read from disk: joined, cut, and across rotated parts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime.oci import logs
from runtime.oci.logs import Selection


def stamp(second: int) -> str:
    return f"2026-11-24T10:00:{second:02d}.123456789+01:00"


def entry(second: int, text: str, tag: str = "F", stream: str = "stdout") -> str:
    return f"{stamp(second)} {stream} {tag} {text}\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "0.log"


def texts(log: Path, *, tail: int | None = None, since: float | None = None) -> list[str]:
    wanted = Selection(tail=tail, since=since)
    return [line.text.decode() for line in logs.read(str(log), wanted)]


def test_parts_are_joined_for_each_stream(log: Path) -> None:
    log.write_text(
        entry(1, "one ", "P")
        + entry(2, "oops ", "P", "stderr")
        + entry(3, "line")
        + entry(4, "again", "F", "stderr")
        + entry(5, "unfinished", "P")
    )

    out, err, rest = logs.read(str(log))

    assert (out.text, out.time, out.stream) == (b"one line", stamp(1), "stdout")
    assert (err.text, err.stream) == (b"oops again", "stderr")
    assert (rest.text, rest.partial) == (b"unfinished", True)


def test_text_is_bytes_with_spaces_and_empty_lines_kept(log: Path) -> None:
    log.write_bytes(entry(1, "  two  spaces ").encode() + entry(2, "").encode()
                    + entry(3, "").encode().rstrip(b"\n") + b"\xff\xfe\n")  # fmt: skip

    assert [line.text for line in logs.read(str(log))] == [b"  two  spaces ", b"", b"\xff\xfe"]


def test_what_is_torn_or_foreign_is_left_out(log: Path) -> None:
    log.write_text("\0\0\0\0\n" + entry(1, "good") + "half a line without its en")

    assert texts(log) == ["good"]


@pytest.mark.parametrize("tail", [0, 1, 3, 10, 1000])
def test_the_tail_is_the_end_of_the_whole(log: Path, tail: int) -> None:
    log.write_text("".join(entry(n % 60, f"line {n} " + "x" * 1000) for n in range(300)))

    whole = texts(log)

    assert texts(log, tail=tail) == (whole[-tail:] if tail else [])


def test_the_tail_has_its_first_lines_earlier_parts(log: Path) -> None:
    log.write_text(
        entry(1, "before")
        + entry(2, "long ", "P")
        + entry(3, "between", "F", "stderr")
        + entry(4, "long ", "P")
        + entry(5, "end")
    )

    assert texts(log, tail=1) == ["long long end"]
    assert texts(log, tail=2) == ["between", "long long end"]


def test_since_goes_by_time_whatever_the_offset(log: Path) -> None:
    log.write_text(entry(1, "early") + entry(30, "late"))

    since = logs.timestamp("2026-11-24T09:00:30Z")

    assert texts(log, since=since) == ["late"]
    assert texts(log, since=since + 1) == []


def test_rotated_parts_are_read_oldest_first_and_by_the_tail(log: Path) -> None:
    Path(f"{log}.10").write_text(entry(1, "ten") + entry(1, "split ", "P"))
    Path(f"{log}.2").write_text(entry(2, "two"))
    Path(f"{log}.1").write_text(entry(3, "one"))
    log.write_text(entry(4, "live"))
    Path(f"{log}.tmp").write_text(entry(9, "conmon's"))

    assert texts(log) == ["ten", "split two", "one", "live"]
    assert texts(log, tail=3) == ["split two", "one", "live"]


def test_a_part_that_is_still_the_live_file_is_read_once(log: Path) -> None:
    log.write_text(entry(1, "only"))
    os.link(log, f"{log}.1")

    assert texts(log) == ["only"]


def test_a_log_that_is_not_there_has_no_lines(log: Path) -> None:
    assert texts(log) == []
    assert logs.runs(str(log.parent / "nowhere")) == ()


def test_runs_are_numbers_in_order(tmp_path: Path) -> None:
    for name in ("10.log", "9.log", "9.log.1", "note.txt", "2.log.1"):
        (tmp_path / name).touch()

    assert logs.runs(str(tmp_path)) == (2, 9, 10)
