"""Tell where a field of a loaded object is written: a path in, the line of its file out.

Asked for reasons of changes, and for what is lost in a rendering. A text that was not parsed, as
what it holds was kept, is parsed when the first question comes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from manifests.documents import Document
    from manifests.problems import FieldPath
    from manifests.sources import File


class Text:
    """One file as it was read. No value: a Secret may be in it, which no repr shows."""

    __slots__ = ("_documents", "_file", "_name", "_parsed")

    def __init__(
        self, file: File, name: str = "", parsed: tuple[Document, ...] | None = None
    ) -> None:
        """`name` is that of a member, where the file is a set of units; `parsed` are the documents
        of the file, where they are known."""
        self._file = file
        self._name = name or file.name
        self._parsed = parsed
        self._documents: dict[int, Document] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self._file == other._file

    def __hash__(self) -> int:
        return hash(self._file)

    def line(self, index: int, paths: Iterable[FieldPath]) -> int:
        """Return the line alone of what `where` finds, 0 without object."""
        return self.where(index, paths)[1]

    def where(self, index: int, paths: Iterable[FieldPath]) -> tuple[str, int]:
        """Return file and line of the first of `paths` that is written in an object.

        ("", 0) without object; another file than the object's where a drop-in says it. `index`
        counts the objects of the file. Items of a list may stand under their names. Where none is
        written to its end, that is the place of the nearest field above the first.
        """
        if self._documents is None:
            self._documents = self._indexed()
        document = self._documents.get(index)
        if document is None:
            return "", 0
        found = [_written(document.raw, path) for path in paths]
        whole = (written for written, ended in found if ended)
        nearest = found[0][0] if found else ()
        found_at = document.problem(next(whole, nearest), "")
        return found_at.file, found_at.line

    def _indexed(self) -> dict[int, Document]:
        parsed = self._parsed
        if parsed is None:
            from manifests import documents

            parsed, _problems = documents.parse([self._file])
        return {one.index: one for one in reversed(parsed) if one.file == self._name}


def _written(raw: Any, path: FieldPath) -> tuple[FieldPath, bool]:
    """Return what there is of the path, with list items by number, and whether that is all."""
    steps: list[str | int] = []
    for step in path:
        if isinstance(raw, list) and isinstance(step, str):
            names = [item.get("name") if isinstance(item, dict) else None for item in raw]
            step = names.index(step) if step in names else len(raw)
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            return tuple(steps), False
        steps.append(step)
    return tuple(steps), True
