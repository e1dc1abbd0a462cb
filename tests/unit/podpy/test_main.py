from __future__ import annotations

import subprocess
import sys
import sysconfig
import tomllib
from typing import TYPE_CHECKING

import pytest

import podpy
from tests.fixtures import start_up
from tests.fixtures.tree import TREE

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("ruamel", "jsonschema", "pyroute2", "jinja2", "git", "watchdog", "sqlite3", "asyncio")
SLOW_STANDARD = (
    "argparse",
    "gettext",
    "typing",
    "subprocess",
    "dataclasses",
    "pathlib",
    "logging",
    "inspect",
)
QUICK = (*SLOW_STANDARD, "json", "re", "enum", "collections", "functools", "podpy.parser")
DECODING = ("manifests.codec", "manifests.pod", "manifests.yaml", "runtime.observe.records")

# One row a command: its words, and the modules (with all below them) it must not import.
TABLE = [
    (["--version"], (*HEAVY, *SLOW_STANDARD, "json", "re", "enum", "podpy.cli")),
    (
        ["get", "pods"],
        (
            *HEAVY,
            *SLOW_STANDARD,
            "podpy.parser",
            "re",
            "reconciler.state",
            "runtime.net",
            "podpy.jsonpath",
            "podpy.fields",
        ),
    ),
    (["exec", "web", "true"], (*HEAVY, *QUICK, *DECODING, "hashlib", "reconciler")),
    (["sync", "ls"], ("git", "watchdog", "reconciler.targets", "runtime.net", "runtime.oci")),
    (["adopt", "web"], ("ruamel", "jsonschema", "pyroute2", "jinja2", "git", "watchdog")),
    (["logs", "web"], (*HEAVY, *SLOW_STANDARD, *DECODING, "hashlib", "reconciler")),
]


@pytest.mark.parametrize(("words", "forbidden"), TABLE, ids=[" ".join(words) for words, _ in TABLE])
def test_command_imports_nothing_it_does_not_need(
    words: list[str], forbidden: tuple[str, ...]
) -> None:
    modules = start_up.imported(words)

    assert start_up.trespassers(modules, forbidden) == []


def test_version_is_the_distributions() -> None:
    with open(f"{TREE}/pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]

    assert project["version"] == podpy.VERSION


def run(words: str, streams: str) -> subprocess.CompletedProcess[str]:
    """Run `podpy WORDS` as the launcher does, by a shell that redirects its streams."""
    site = sysconfig.get_path("purelib")
    program = (
        f"import sys; sys.path[:0] = [{TREE!r}]; sys.path.append({site!r}); "
        "from podpy.__main__ import run; run()"
    )
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -IS -c "$1" {words} {streams}', sys.executable, program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("words", ["--version", "version", "--help"])
def test_output_that_cannot_be_written_is_told_once(words: str) -> None:
    done = run(words, ">/dev/full")

    assert done.returncode == 1
    assert done.stderr.count("Error") == 1
    assert "o space left on device" in done.stderr


def test_a_command_ends_well_with_its_streams_closed() -> None:
    silent = run("version", ">&-")
    closed = run("version", "<&- >&- 2>&-")

    assert (silent.returncode, silent.stderr) == (0, "")
    assert closed.returncode == 0


def test_files_do_not_take_the_numbers_of_closed_streams(tmp_path: Path) -> None:
    note = tmp_path / "note"
    program = (
        f"import sys; sys.path[:0] = [{TREE!r}]; from podpy import __main__; "
        f"__main__.open_streams(); file = open({str(note)!r}, 'w'); file.write(str(file.fileno()))"
    )
    shell = ["sh", "-c", 'exec "$0" -IS -c "$1" <&- >&- 2>&-', sys.executable, program]
    subprocess.run(shell, timeout=60, check=True)

    assert int(note.read_text()) > 2
