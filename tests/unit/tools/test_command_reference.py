from __future__ import annotations

from tests.fixtures.tree import TREE
from tools import command_reference


def test_the_reference_is_in_step_with_the_parsers() -> None:
    with open(f"{TREE}/docs/commands.md", encoding="utf-8") as file:
        assert file.read() == command_reference.text(), "make docs"
