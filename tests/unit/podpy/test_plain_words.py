"""Plain command lines mean what argparse makes of them: all commands, side by side."""

from __future__ import annotations

import argparse
import importlib
import random
from typing import TYPE_CHECKING, Any

import pytest

from manifests.faults import Invalid
from podpy import cli, plain_words
from podpy.commands import exec as exec_command

if TYPE_CHECKING:
    from types import ModuleType

    from podpy.parser import Parser

MODULES = {name: module for name, (module, _) in cli.COMMANDS.items()} | cli.HIDDEN
LINES = 120
VALUES = ("web", "app.yaml", "-", "5", "true", "text", "json", "a=b", "", "-x", "--", "é é", "30s")


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"podpy.commands.{MODULES[name]}")


def parsed(name: str, module: ModuleType, words: list[str]) -> dict[str, Any] | None:
    """Return what argparse makes of the words; None where it refuses them, or would print help."""
    try:
        return vars(cli.parser_of(name, module).parse_args(list(words)))
    except (Invalid, SystemExit):
        return None


def command_of(arguments: Any) -> tuple[str, ...] | None:
    """Return what `exec` takes for the command, once, as it reads flags into the arguments."""
    try:
        return exec_command._command(arguments)
    except (Invalid, SystemExit):
        return None
    finally:
        arguments.command = []


def line(dice: random.Random, parser: Parser) -> list[str]:
    """Return a random line of the command's own flags, their values, and other words."""
    words: list[str] = []
    for _ in range(dice.randint(0, 5)):
        flag = dice.choice([*parser.flags, "--no-such-flag"])
        choices = getattr(parser.flags.get(flag), "choices", None) or ()
        value = dice.choice((*VALUES, *map(str, choices)))
        words += dice.choice(([flag], [flag, value], [f"{flag}={value}"], [value], [value, value]))
    return words


@pytest.mark.parametrize("name", sorted(MODULES))
def test_what_is_read_is_what_argparse_reads(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module, dice = module_of(name), random.Random(name)
    parser = cli.parser_of(name, module)
    for _ in range(LINES):
        words = line(dice, parser)
        found = plain_words.read(module, words)
        if found is not None:
            expected = parsed(name, module, words)
            if name == "exec" and expected is not None:
                both = argparse.Namespace(**expected)
                assert command_of(found) == command_of(both), words
                expected = vars(both)
            assert vars(found) == expected, words
    capsys.readouterr()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exec", "web -c app -- ls -l"),
        ("exec", "-n shop web ls"),
        ("kube play", "app.yaml"),
        ("kube play", "--replace app.yaml --network none"),
        ("kube down", "app.yaml other.yaml --force"),
        ("get", "pods -o wide -n shop"),
        ("logs", "-n shop web -c app -f"),
        ("validate", "app.yaml"),
        ("apply", "-f app.yaml --filename=other --prune"),
    ],
)
def test_ordinary_lines_are_plain(name: str, words: str) -> None:
    read = plain_words.read(module_of(name), words.split())

    assert read is not None
    if name != "exec":
        assert vars(read) == parsed(name, module_of(name), words.split())


@pytest.mark.parametrize(
    "words",
    ["--help web", "-it web sh", "--no-such web ls", "-c", "web", "-- web ls", "-n= web ls", ""],
)
def test_what_is_not_plain_is_left_to_argparse(words: str) -> None:
    found = plain_words.read(module_of("exec"), words.split())

    assert found is None or found.command == []


def test_the_word_for_what_follows_is_argparse_s() -> None:
    assert plain_words.REMAINDER == argparse.REMAINDER


@pytest.mark.parametrize(
    ("given", "command", "container"),
    [
        ("web ls -l", ("ls", "-l"), ""),
        ("web -- ls -l", ("ls", "-l"), ""),
        ("web -c app -- ls", ("ls",), "app"),
        ("-c app web ls", ("ls",), "app"),
        ("web -it -c app -- sh", ("sh",), "app"),
        ("web -c app ls", ("ls",), "app"),
        ("web -- -- ls", ("--", "ls"), ""),
    ],
)
def test_exec_finds_the_command(given: str, command: tuple[str, ...], container: str) -> None:
    found = plain_words.read(module_of("exec"), given.split())

    assert exec_command._command(found) == command
    assert found.container == container
