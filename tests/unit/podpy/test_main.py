from __future__ import annotations

import tomllib

import pytest

import podpy
from tests.fixtures import start_up
from tests.fixtures.tree import TREE

HEAVY = ("ruamel", "jsonschema", "pyroute2", "jinja2", "git", "watchdog", "sqlite3", "asyncio")
SLOW_STANDARD = ("argparse", "typing", "subprocess", "dataclasses", "pathlib", "logging", "inspect")
SLOW_READING = tuple(name for name in SLOW_STANDARD if name != "argparse")
DECODING = ("manifests.codec", "manifests.pod", "manifests.yaml", "runtime.observe.records")

# One row a command: its words, and the modules (with all below them) it must not import.
TABLE = [
    (["--version"], (*HEAVY, *SLOW_STANDARD, "json", "re", "enum", "podpy.cli")),
    (
        ["get", "pods"],
        (
            *HEAVY,
            *SLOW_READING,
            "reconciler.state",
            "runtime.net",
            "podpy.jsonpath",
            "podpy.fields",
        ),
    ),
    (["exec", "web", "true"], (*HEAVY, *SLOW_READING, *DECODING, "hashlib", "reconciler")),
    (["logs", "web"], (*HEAVY, *SLOW_READING, *DECODING, "hashlib", "reconciler")),
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
