"""Read command lines by argparse, as kubectl's users expect it, and say what is wrong with them.

Made by podpy.cli for lines that podpy.plain_words leaves, for help and for completion.
"""

from __future__ import annotations

from manifests.faults import Invalid
from podpy import cli
from podpy.untranslated import argparse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

HELP_WIDTH = 98
ON_OFF = {"true": True, "1": True, "True": True, "false": False, "0": False, "False": False}
"""What a flag that is on or off may be given, as Go's flags know it."""


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help of a fixed width: asking for the terminal's imports shutil, 10 ms of every command."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=HELP_WIDTH)


class Parser(argparse.ArgumentParser):
    """An argparse parser as kubectl's users expect it, which remembers what is declared.

    A complaint is a Fault, printed like every other. A flag that is on or off may be given a value
    (`--watch=true`, `--watch=false`; the last one counts), a `switch` may be given none. Flags are
    not abbreviated.
    """

    def __init__(self, **settings: Any) -> None:
        self.flags: dict[str, argparse.Action] = {}
        self.positionals: list[argparse.Action] = []
        self.verbs: dict[str, Parser] = {}
        self._bare: dict[str, str] = {}
        self._off: dict[str, str] = {}
        self._given: list[str] = []
        super().__init__(**{"formatter_class": Formatter, "allow_abbrev": False, **settings})

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        action = super().add_argument(*names, **settings)
        for flag in action.option_strings:
            self.flags[flag] = action
        if not action.option_strings:
            self.positionals.append(action)
        if settings.get("action") == "store_true":
            off = f"{action.option_strings[-1]}=false"
            how = {"action": "store_const", "const": False, "default": action.default}
            super().add_argument(off, **how, dest=action.dest, help=argparse.SUPPRESS)
            self._off.update((flag, off) for flag in action.option_strings)
        return action

    def add_subparsers(self, **settings: Any) -> Any:
        action = super().add_subparsers(**settings)
        self.verbs = action.choices
        return action

    def switch(self, flag: str, choices: tuple[str, ...], bare: str, **settings: Any) -> None:
        """Declare a flag whose value may only follow "=": without one it means `bare`."""
        self.add_argument(flag, choices=choices, **settings)
        self._bare[flag] = bare

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        end = args.index("--") if "--" in args else len(args)
        words = [self._plain(word) for word in args[:end]]
        self._given = words
        return super().parse_known_args([*self._flags_first(words), *args[end:]], namespace)

    def _flags_first(self, words: list[str]) -> list[str]:
        """Move flags with their values before the other words: argparse wants those in one piece.

        `get pod -n shop web` has them apart. Where the rest of a line is another program's, or a
        verb's, nothing is moved.
        """
        if self.verbs or any(one.nargs == argparse.REMAINDER for one in self.positionals):
            return words
        front: list[str] = []
        behind: list[str] = []
        takes = False
        for word in words:
            (front if takes or (word.startswith("-") and word != "-") else behind).append(word)
            takes = not takes and self._wants_next(word)
        return [*front, *behind]

    def _wants_next(self, word: str) -> bool:
        """Tell whether the word is a flag, or ends a cluster of short ones, whose value follows."""
        if word.startswith("--"):
            return word in self.flags and self.flags[word].nargs is None
        if not word.startswith("-"):
            return False
        for position, letter in enumerate(word[1:], 1):
            action = self.flags.get(f"-{letter}")
            if action is None or action.nargs is None:
                return action is not None and position == len(word) - 1
        return False

    def _plain(self, word: str) -> str:
        """Return a word as argparse reads it."""
        if word in self._bare:
            return f"{word}={self._bare[word]}"
        flag, _, value = word.partition("=")
        if flag not in self._off or value not in ON_OFF:
            return word
        return flag if ON_OFF[value] else self._off[flag]

    def _refused(self, words: list[str]) -> tuple[str, str]:
        """Return the first flag that others have and podpy has not, and what to do instead."""
        for word in words:
            flag = word.partition("=")[0]
            if flag.startswith("-") and flag not in self.flags:
                instead = cli.instead_of(flag)
                if instead:
                    return flag, instead
        return "", ""

    def error(self, message: str) -> NoReturn:
        said, colon, words = message.partition("unrecognized arguments: ")
        # What a verb's parser has not complained of is a flag of the verb's.
        flag, instead = self._refused(words.split() if colon and not said else self._given)
        if instead:
            raise Invalid(f"{self.prog}: unknown flag {flag}", hint=instead)
        if colon and not said:
            unknown = next((word for word in words.split() if word.startswith("-")), words)
            close = cli.close_to(unknown.partition("=")[0], self.flags)
            what = "flag" if unknown.startswith("-") else "argument"
            message = f"unknown {what} {unknown}{close}"
        said, colon, words = message.partition("invalid choice: ")
        if colon:
            chosen, _, known = words.partition(" (choose from ")
            choices = known.removesuffix(")").replace("'", "").split(", ")
            close = cli.close_to(chosen.strip("'"), choices)
            message = f"{said}{chosen} is none of {', '.join(choices)}{close}"
        raise Invalid(f"{self.prog}: {message}", hint=f"{self.prog} --help")
