"""Fixtures of the tests that need no host."""

from __future__ import annotations

import pathlib

import pytest


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """An empty directory that commands run in, so that messages name files shortly."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"
