"""tests.fixtures.killed: shards are all rounds together; a journal leaves out what has passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures import killed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

EVERY = [[killed.Effect(f"{n}-1", "") for n in range(many)] for many in (7, 3)]


def marks() -> list[str]:
    return [" ".join(one.mark for one in chosen) for chosen in killed.rounds(EVERY)]


def test_shards_are_all_rounds_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODPY_KILL_POINTS", "all")
    every, found = marks(), []
    for part in ("1/3", "2/3", "3/3"):
        monkeypatch.setenv("PODPY_KILL_SHARD", part)
        found += marks()

    assert len(every) == 7
    assert sorted(found) == sorted(every)


def test_what_has_passed_is_left_out_and_what_has_failed_comes_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PODPY_KILL_POINTS", "all")
    every = marks()
    monkeypatch.setenv("PODPY_KILL_JOURNAL", str(tmp_path / "journal"))
    for number, _chosen in enumerate(killed.rounds(EVERY), 1):
        if number == 3:  # It has begun, and does not pass.
            break

    assert marks() == [*every[3:], every[2]]
    assert marks() == []
