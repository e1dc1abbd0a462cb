"""schemas.generate: what is committed is what the pinned package gives."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from schemas import generate


def test_the_folder_is_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("kubernetes_validate")
    committed = generate.FOLDER
    shutil.copy(f"{committed}/enums.tsv", tmp_path)
    monkeypatch.setattr(generate, "FOLDER", str(tmp_path))

    generate.main()

    for name in os.listdir(tmp_path):
        with open(f"{committed}/{name}", encoding="utf-8") as file:
            assert (tmp_path / name).read_text(encoding="utf-8") == file.read(), name
