"""podpy.commands.logs: which lines its flags ask for."""

from __future__ import annotations

import argparse

import pytest

from manifests.faults import Invalid
from podpy.commands import logs
from reconciler.targets.host import logs as host_logs
from runtime.oci import rotation


def asked(*words: str) -> tuple[int | None, float | None]:
    parser = argparse.ArgumentParser()
    logs.configure(parser)
    wanted = logs.selection(parser.parse_args([*words]), 10_000.0)
    return wanted.tail, wanted.since


def test_all_lines_unless_told_otherwise_and_ten_with_a_selector() -> None:
    assert asked("web") == (None, None)
    assert asked("web", "--tail=-1") == (None, None)
    assert asked("web", "--tail", "5") == (5, None)
    assert asked("-l", "app=web") == (10, None)
    assert asked("-l", "app=web", "--tail=-1") == (None, None)


def test_since_takes_a_duration_or_a_time() -> None:
    assert asked("web", "--since", "1h30m") == (None, 10_000.0 - 5400)
    assert asked("web", "--since", "1.5s") == (None, 9_998.5)
    assert asked("web", "--since-time", "1970-01-01T00:01:00Z") == (None, 60.0)


@pytest.mark.parametrize(
    "words",
    [
        ("--since", "5"),
        ("--since", "soon"),
        ("--since-time", "yesterday"),
        ("--since-time", "2026-01-01T00:00:00"),
        ("--since", "5m", "--since-time", "1970-01-01T00:01:00Z"),
    ],
)
def test_other_times_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(Invalid):
        asked("web", *words)


def test_logs_are_rotated_before_conmon_starts_them_afresh() -> None:
    assert rotation.LIMIT * 2 <= host_logs.MOST_BYTES
