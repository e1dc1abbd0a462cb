"""runtime.space: what is short is told in words that stay the same while the room shrinks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime import space

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("size", "words"),
    [(1, "1 KiB"), (576 << 10, "576 KiB"), (1 << 20, "1 MiB"), (1 << 34, "16384 MiB")],
)
def test_sizes_are_rounded_up(size: int, words: str) -> None:
    assert space.shown(size) == words


def test_what_is_not_there_yet_is_judged_by_what_will_hold_it(tmp_path: Path) -> None:
    below = str(tmp_path / "not" / "there")

    assert space.existing(below) == str(tmp_path)
    assert space.shortage(below, 1) is None


def test_more_than_a_disk_has_is_short(tmp_path: Path) -> None:
    fault = space.shortage(str(tmp_path), 1 << 60)

    assert fault is not None
    assert fault.message.startswith(f"{tmp_path}: no space left on device: less than ")
    assert f"df -h {tmp_path}" in fault.hint
