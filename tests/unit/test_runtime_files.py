from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime import files

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(bytes(range(256)) * 1000)

    assert files.read(str(path)) == path.read_bytes()
    assert files.read("/proc/self/mountinfo").endswith(b"\n")
    with pytest.raises(FileNotFoundError):
        files.read(str(tmp_path / "none"))


@pytest.mark.parametrize(("text", "expected"), [("41\n", 41), ("-1", -1), ("", None), ("x", None)])
def test_a_number_is_read_or_there_is_none(tmp_path: Path, text: str, expected: int | None) -> None:
    path = tmp_path / "pid"
    path.write_text(text)

    assert files.number(str(path)) == expected
    assert files.number(str(tmp_path / "none")) is None


def test_json_is_read_or_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    files.write_json(str(path), {"name": "café", "at": [1, 2.5, None, True]})

    assert files.read_json(str(path)) == {"name": "café", "at": [1, 2.5, None, True]}
    path.write_bytes(b"\xff{")
    assert files.read_json(str(path)) is None
