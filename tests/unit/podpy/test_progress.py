"""What a pull shows: few words, once elsewhere, one line on a terminal, nothing where quiet."""

from __future__ import annotations

import os
import pty
import sys

import pytest

from podpy import progress
from runtime.image.meter import Progress, Stage

FETCHING = Progress(stage=Stage.FETCHING, image="a:1", done=12_000_000, total=48_000_000)
READY = Progress(stage=Stage.READY, image="a:1", done=48_000_000, seconds=1.25)


def test_the_words_that_the_stages_are_known_by_are_theirs() -> None:
    told = {progress.UNCHANGED, progress.READY, progress.FOREIGN, progress.FAILED, progress.KEPT}

    assert told == set(Stage) - {Stage.FETCHING, Stage.UNPACKING}


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (READY, "image a:1: ready, 48 MB in 1.2 s"),
        (READY.replace(done=0), "image a:1: ready in 1.2 s"),
        (READY.replace(stage=Stage.UNCHANGED), "image a:1: is up to date"),
        (READY.replace(stage=Stage.FOREIGN, note="is for x"), "image a:1: warning: it is for x"),
        (FETCHING, ""),
        (FETCHING.replace(stage=Stage.FAILED), ""),
    ],
)
def test_what_is_over_is_a_line(said: Progress, line: str) -> None:
    assert progress.ended(said) == line


def test_elsewhere_a_pull_is_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show = progress.reporter()
    for said in (FETCHING, FETCHING.replace(done=13_000_000), READY):
        show(said)

    assert capsys.readouterr().err.splitlines() == [
        "image a:1: fetching, 48 MB",
        "image a:1: ready, 48 MB in 1.2 s",
    ]


def test_a_quiet_pull_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show = progress.reporter(quiet=True)
    show(FETCHING)
    show(READY)

    assert capsys.readouterr().err == ""


def test_a_terminal_has_one_line_for_all_that_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal)
        show = progress.reporter()
        show(FETCHING)
        show(FETCHING.replace(image="b:1", total=0))
        show(READY)
        show(FETCHING.replace(image="b:1", stage=Stage.FAILED))
        seen = ""
        while seen.count("\r") < 4:  # a terminal hands out what has come so far
            seen += os.read(ours, 4096).decode()
    os.close(ours)

    assert [line.strip() for line in seen.replace("\033[K", "").split("\r") if line.strip()] == [
        "a:1: 12 MB of 48 MB (25 %)",
        "a:1: 12 MB of 48 MB (25 %)  b:1: fetching",
        "image a:1: ready, 48 MB in 1.2 s",
        "b:1: fetching",
    ]
