"""podpy.code_archive: modules from one file, and from their sources where it does not serve."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from podpy import code_archive
from tests.fixtures.tree import TREE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOMS = ("podpy", "reconciler", "renderers", "runtime", "manifests", "schemas", "tools")
CHANGED = "manifests/faults.py"
PROBE = """
import sys
sys.path[:0] = [{tree!r}]
sys.path.append({site!r})
from podpy import code_archive
code_archive.use({tree!r})
from podpy import cli
from manifests import faults, load
import json, pickle, _compat_pickle
for module in (cli, load, faults, json, _compat_pickle):
    print(module.__name__, type(module.__loader__).__name__, module.__file__)
print(getattr(faults, "MARK", "unchanged"))
"""


def run(tree: Path) -> tuple[dict[str, str], str]:
    """Import from a tree as the launcher does; return loader and file of modules, and a mark."""
    probe = PROBE.format(tree=str(tree), site=sysconfig.get_path("purelib"))
    done = subprocess.run(
        [sys.executable, "-IS", "-c", probe], capture_output=True, text=True, timeout=60, check=True
    )
    *modules, mark = done.stdout.splitlines()
    return {(words := line.split())[0]: words[1] for line in modules}, mark


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source tree with its archive."""
    folder = tmp_path_factory.mktemp("tree")
    for room in ROOMS:
        shutil.copytree(f"{TREE}/{room}", folder / room, symlinks=True)
    writer = [sys.executable, "-IS", str(folder / "tools/write_code_archive.py")]
    subprocess.run([*writer, str(folder), sysconfig.get_path("purelib")], check=True, timeout=60)
    return folder


@pytest.fixture
def tree(written: Path, tmp_path: Path) -> Iterator[Path]:
    """That tree; what a test changes of it is put back."""
    archive = code_archive.path(str(written))
    shutil.copy2(archive, tmp_path / "archive")
    yield written

    shutil.copy2(tmp_path / "archive", archive)
    shutil.copy2(f"{TREE}/{CHANGED}", written / CHANGED)


def test_modules_come_from_the_archive_with_the_library_s_and_know_their_sources(
    tree: Path,
) -> None:
    loaders, _ = run(tree)

    assert loaders == dict.fromkeys(
        ("podpy.cli", "manifests.load", "manifests.faults", "json", "_compat_pickle"), "Finder"
    )


def test_a_module_that_has_changed_since_comes_from_its_source(tree: Path) -> None:
    with (tree / CHANGED).open("a") as file:
        file.write("MARK = 'changed'\n")

    loaders, mark = run(tree)

    assert mark == "changed"
    assert loaders["manifests.faults"] == "SourceFileLoader"
    assert loaders["manifests.load"] == "Finder"


@pytest.mark.parametrize("damage", ["gone", "cut", "half", "garbage", "other Python"])
def test_without_a_sound_archive_everything_comes_from_its_source(tree: Path, damage: str) -> None:
    path = code_archive.path(str(tree))
    with open(path, "rb") as file:
        data = file.read()
    os.unlink(path)
    changed = {
        "cut": data[:100],
        "half": data[: len(data) // 2],
        "garbage": b"\xff" * 1000,
        "other Python": data.replace(sys.version.encode(), b"x" * len(sys.version), 1),
    }
    if damage in changed:
        assert changed[damage] != data
        with open(path, "wb") as file:
            file.write(changed[damage])

    loaders, mark = run(tree)

    assert set(loaders.values()) == {"SourceFileLoader"}
    assert mark == "unchanged"
