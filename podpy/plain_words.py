"""Read an ordinary command line without argparse: words in, what argparse would make of them out.

A command declares its flags as it does to argparse (`configure`). What is not plain is not read
here: a flag that is not known or whose value must be converted, short flags in a cluster, `--`,
help, a mistake. `read` returns None then, and argparse reads it, or says what is wrong with it.
Importing argparse and making its parser take a fifth of a short command.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

REMAINDER = "..."
"""argparse's word for all that follows; that it is this one is tested."""
_TAKING_ACTIONS = ("store", "append", "store_true")


class NotPlain(Exception):
    """Only argparse can tell what is meant."""


class Arguments:
    """What was given, as attributes."""


class Flag:
    """One declaration: what argparse was to be told."""

    def __init__(self, names: tuple[str, ...], settings: dict[str, Any]) -> None:
        longs = [name for name in names if name.startswith("--")]
        self.name = (longs or names)[0]
        self.dest: str = settings.get("dest") or self.name.lstrip("-").replace("-", "_")
        self.action: str = settings.get("action", "store")
        self.nargs: str | None = settings.get("nargs")
        self.choices = settings.get("choices")
        self.required: bool = settings.get("required", False)
        self.converts = "type" in settings
        self.bare: str | None = None
        default = settings.get("default")
        if self.action == "store_true" and "default" not in settings:
            default = False
        self.default = settings["type"](default) if self._is_text(default) else default

    def _is_text(self, default: object) -> bool:
        return self.converts and isinstance(default, str)

    def checked(self, value: str) -> str:
        """Return the value, if it is one that needs no more than that."""
        if self.converts or (self.choices is not None and value not in self.choices):
            raise NotPlain
        return value


class Words:
    """What a command's `configure` declares to; then it reads words."""

    def __init__(self) -> None:
        self.usage = ""
        self.flags: dict[str, Flag] = {}
        self.positionals: list[Flag] = []

    def add_argument(self, *names: str, **settings: Any) -> None:
        flag = Flag(names, settings)
        if not names[0].startswith("-"):
            flag.dest = names[0]
            self.positionals.append(flag)
        for name in names if names[0].startswith("-") else ():
            self.flags[name] = flag

    def switch(self, name: str, choices: tuple[str, ...], bare: str, **settings: Any) -> None:
        self.add_argument(name, choices=choices, **settings)
        self.flags[name].bare = bare

    def add_subparsers(self, **_settings: Any) -> Any:
        raise NotPlain

    def read(self, words: list[str], into: Any = None) -> Any:
        """Return the arguments, as attributes of `into` or of new ones. Raises NotPlain."""
        made = Arguments() if into is None else into
        for flag in (*self.flags.values(), *self.positionals):
            if not hasattr(made, flag.dest):
                setattr(made, flag.dest, flag.default)
        given: set[str] = set()
        others = self._take_flags(words, made, given)
        self._take_others(others, made)
        if any(flag.required and flag.name not in given for flag in self.flags.values()):
            raise NotPlain
        return made

    def _take_flags(self, words: list[str], made: Any, given: set[str]) -> list[str]:
        """Read the flags; return the other words."""
        # Where another program's words follow they begin behind podpy's own.
        remainder = any(one.nargs == REMAINDER for one in self.positionals)
        own = sum(one.nargs is None for one in self.positionals)
        others: list[str] = []
        left = words[::-1]
        while left:
            if remainder and len(others) == own:
                others += left[::-1]
                break
            word = left.pop()
            if word == "-" or not word.startswith("-"):
                others.append(word)
                continue
            name, equals, _ = word.partition("=")
            flag = self.flags.get(name)
            if flag is None or flag.action not in _TAKING_ACTIONS or flag.nargs is not None:
                raise NotPlain
            given.add(flag.name)
            if flag.action == "store_true":
                if equals:
                    raise NotPlain
                setattr(made, flag.dest, True)
                continue
            value = flag.checked(_value(flag, word, left))
            if flag.action == "append":
                setattr(made, flag.dest, [*(getattr(made, flag.dest) or ()), value])
            else:
                setattr(made, flag.dest, value)
        return others

    def _take_others(self, others: list[str], made: Any) -> None:
        """Read the words that are no flags': one each, then one for each that may be left out, or
        all that are left for one that takes several."""
        left = others[::-1]
        optional = False
        for one in self.positionals:
            several = one.nargs not in (None, "?")
            if (optional and one.nargs != "?") or (several and one is not self.positionals[-1]):
                raise NotPlain
            optional = optional or one.nargs == "?"
            taken = left[::-1] if several else left[-1:]
            del left[len(left) - len(taken) :]
            if one.nargs in (None, "+") and not taken:
                raise NotPlain
            if one.nargs != REMAINDER:
                taken = [one.checked(word) for word in taken]
            if several and (taken or one.default is None):
                setattr(made, one.dest, taken)
            elif taken:
                setattr(made, one.dest, taken[0])
        if left:
            raise NotPlain


def _value(flag: Flag, word: str, left: list[str]) -> str:
    """Return the value of a flag given as `word`; it may be the next one, which is taken then."""
    name, equals, value = word.partition("=")
    if equals and not name.startswith("--"):
        raise NotPlain
    if not equals and flag.bare is not None:
        value = flag.bare
    elif not equals:
        value = left.pop() if left else ""
        if value.startswith("-") and value != "-":
            raise NotPlain
    if value in ("", "--"):  # argparse has its own ways with these.
        raise NotPlain
    return value


def read(module: ModuleType, words: list[str]) -> Any:
    """Return the arguments of a command, given its module; None where argparse must be asked."""
    try:
        plain = Words()
        module.configure(plain)
        return plain.read(words)
    except NotPlain:
        return None
