from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from podpy import VERSION
from tests.fixtures.tree import TREE
from tools import write_launcher

if TYPE_CHECKING:
    from pathlib import Path


def run(command: str) -> str:
    done = subprocess.run(
        [command, "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_launcher_runs_podpy_from_any_directory(tmp_path: Path) -> None:
    target = str(tmp_path / "bin" / "podpy")
    write_launcher.write(target, TREE)

    assert run(target) == f"podpy version {VERSION}\n"


def test_interpreter_in_a_path_with_blanks_is_started_too(tmp_path: Path) -> None:
    python = tmp_path / "my python"
    python.symlink_to(os.path.realpath(sys.executable))
    target = tmp_path / "podpy"
    target.write_text(write_launcher.launcher(str(python), TREE, "/nowhere"))
    target.chmod(0o755)

    assert run(str(target)) == f"podpy version {VERSION}\n"
