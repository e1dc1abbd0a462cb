"""A Compose file as it is read: its values with their places, and what is said of them."""

from __future__ import annotations

import os

from manifests.documents import Origin
from manifests.problems import path_text
from manifests.quadlet import remarks
from manifests.quadlet.remarks import Grade
from manifests.quadlet.syntax import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from manifests.problems import FieldPath
    from manifests.quadlet.drafting import Draft
    from manifests.quadlet.remarks import Remark


class Book:
    """One file. `raw` is all that it says; `drafts` are the objects that come of it."""

    def __init__(self, origin: Origin, raw: dict[str, Any], members: Mapping[str, bytes]) -> None:
        self.raw = raw
        self.file = origin.file
        self.said: list[Remark] = []
        self.drafts: list[Draft] = []
        self._origin = origin
        self._members = members

    def entry(self, path: FieldPath) -> Entry:
        """Return a field's place: `[services.web] ports` at its line."""
        section = ".".join(str(step) for step in path[:2])
        key = path_text(path[2:]).lstrip(".")
        line = self._origin.marks.position(0, path)[0]
        return Entry(section=section, key=key, value="", file=self.file, line=line)

    def say(self, path: FieldPath, message: str, grade: Grade = Grade.UNSUPPORTED) -> None:
        remark = remarks.about(self.entry(path), message, grade)
        if remark not in self.said:
            self.said.append(remark)

    def wrong(self, path: FieldPath, message: str) -> None:
        self.say(path, message, Grade.WRONG)

    def unknown(self, path: FieldPath, known: Iterator[str] | frozenset[str]) -> None:
        """Tell of a key that the specification does not have."""
        from schemas import suggestions

        close = suggestions.closest(str(path[-1]), sorted(known))
        meant = f'; did you mean "{close}"?' if close else ""
        self.say(path, f"unknown key{meant}", Grade.UNKNOWN)

    def beside(self, name: str) -> str:
        """Return where a file is that the Compose file names."""
        return os.path.normpath(os.path.join(os.path.dirname(self.file), name))

    def member(self, name: str) -> bytes | None:
        """Return what is in a file that the Compose file names; None where it is not there."""
        return self._members.get(self.beside(name))

    def mapping(self, value: object, path: FieldPath) -> dict[str, Any]:
        """Return a mapping; what is none is told of."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(path, "must be a mapping")
            return {}
        return {str(key): item for key, item in value.items()}

    def items(self, value: object, path: FieldPath) -> list[tuple[FieldPath, Any]]:
        """Return the items of a list with their places; one value alone is a list of it."""
        if value is None:
            return []
        if isinstance(value, dict):
            self.wrong(path, "must be a list")
            return []
        if not isinstance(value, list):
            return [(path, value)]
        return [((*path, index), item) for index, item in enumerate(value)]

    def pairs(self, value: object, path: FieldPath) -> dict[str, tuple[FieldPath, Any]]:
        """Return what is a mapping, or a list of NAME=VALUE; None is a name without a value."""
        if isinstance(value, list):
            found: dict[str, tuple[FieldPath, Any]] = {}
            for index, item in enumerate(value):
                name, equals, text = str(item).partition("=")
                found[name] = ((*path, index), text if equals else None)
            return found
        return {key: ((*path, key), item) for key, item in self.mapping(value, path).items()}


def text(value: object) -> str:
    """Return a scalar as the text that it was meant to be."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
