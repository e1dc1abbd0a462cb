"""Replace ${VARIABLE} in the values of a Compose file, as its specification has it. Pure."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from manifests.problems import FieldPath

_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_PLAIN = re.compile(rf"\$(?:(\$)|({_NAME})|(\{{))")
_OPERATOR = re.compile(rf"({_NAME})(:?[-?+])?")


class UnsetError(ValueError):
    """A variable that must be set, or an expression that is none."""


class Interpolation:
    """What is to be replaced by what. `unset` collects names that nothing sets.

    `wrong` are mistakes; both come with the paths of the values.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self.unset: list[tuple[FieldPath, str]] = []
        self.wrong: list[tuple[FieldPath, str]] = []

    def whole(self, value: Any, path: FieldPath = ()) -> Any:
        """Return a copy of a YAML value in which all texts are replaced."""
        if isinstance(value, dict):
            return {key: self.whole(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.whole(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, str) and "$" in value:
            try:
                return "".join(self._parts(value, path))
            except UnsetError as error:
                self.wrong.append((path, str(error)))
        return value

    def _parts(self, text: str, path: FieldPath) -> Iterator[str]:
        at = 0
        while found := _PLAIN.search(text, at):
            yield text[at : found.start()]
            at = found.end()
            if found[1]:
                yield "$"
            elif found[2]:
                yield self._value(found[2], path)
            else:
                end = _closing(text, at)
                yield self._expression(text[at:end], path)
                at = end + 1
        yield text[at:]

    def _expression(self, text: str, path: FieldPath) -> str:
        """Return what NAME, NAME:-default, NAME:?message or NAME:+other stands for."""
        found = _OPERATOR.match(text)
        if found is None or (not found[2] and found.end() != len(text)):
            raise UnsetError(f"${{{text}}} is no variable; a dollar alone is written $$")
        name, operator, rest = found[1], found[2] or "", text[found.end() :]
        value = self._known.get(name)
        there = bool(value) if operator.startswith(":") else value is not None
        match operator[-1:]:
            case "-":
                return str(value) if there else "".join(self._parts(rest, path))
            case "+":
                return "".join(self._parts(rest, path)) if there else ""
            case "?":
                if not there:
                    raise UnsetError(f"{name} must be set: {rest or 'the file asks for it'}")
                return str(value)
            case _:
                return self._value(name, path)

    def _value(self, name: str, path: FieldPath) -> str:
        if name not in self._known:
            self.unset.append((path, name))
        return self._known.get(name, "")


def _closing(text: str, start: int) -> int:
    """Return where the brace is that closes the one before `start`."""
    depth = 1
    for at in range(start, len(text)):
        if text.startswith("${", at):
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if not depth:
                return at
    raise UnsetError(f"${{{text[start:]} is not closed")
