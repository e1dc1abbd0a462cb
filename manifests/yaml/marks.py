"""Find where each field of a YAML text stands: made when a place is asked for, not before.

Reading a file without its places costs half as much as with them, and most files have nothing
to complain about. So the reader keeps none, and this module goes over the text once more, the
first time that somebody asks.
"""

from __future__ import annotations

from manifests.yaml import events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from manifests.problems import FieldPath

Place = tuple[int, int]
"""Line and column, from 1."""


class Node:
    """One value of a document: its place, and the nodes below it.

    `fields` are by key, each with the place of the key; `items` are those of a list.
    """

    __slots__ = ("fields", "items", "place")

    def __init__(self, place: Place) -> None:
        self.place = place
        self.fields: dict[str, tuple[Place, Node]] = {}
        self.items: list[Node] = []


class Repeated:
    """A key that a mapping has twice: where it stands first, and where again."""

    __slots__ = ("again", "first", "key")

    def __init__(self, key: str, first: Place, again: Place) -> None:
        self.key = key
        self.first = first
        self.again = again


class Marks:
    """The nodes of all documents of a text, in the order of the text."""

    def __init__(self, text: str) -> None:
        complaint = self._read(events.source(text))
        if complaint is not None and events.misread(complaint):
            self._read(events.source(text, thorough=True))

    def position(self, document: int, path: FieldPath) -> Place:
        """Return the place of a field, of its key, or of the nearest thing that exists above it.

        (0, 0) where the document itself is not there.
        """
        node = self.documents[document] if document < len(self.documents) else None
        place = node.place if node else (0, 0)
        for step in path:
            if node is None:
                break
            if isinstance(step, int):
                node = node.items[step] if step < len(node.items) else None
                place = node.place if node else place
            elif step in node.fields:
                place, node = node.fields[step]
            else:
                node = None
        return place

    def _read(self, source: Callable[[], Any]) -> BaseException | None:
        """Mark what stands before a mistake, and return what is said of that; the reader tells."""
        self._next = source
        self._anchors: dict[str, Node] = {}
        self.documents: list[Node | None] = []
        self.repeated: list[Repeated] = []
        refused: tuple[type[BaseException], ...] = (*events.complaints(), RecursionError)
        try:
            self._stream()
        except refused as complaint:
            return complaint
        return None

    def _stream(self) -> None:
        while True:
            event = self._next()
            kind = type(event)
            if kind is events.StreamEnd:
                return
            if kind is events.DocumentStart:
                self._anchors = {}
                self.documents.append(None)
                self.documents[-1] = self._node(self._next())

    def _node(self, event: Any) -> Node:
        kind = type(event)
        if kind is events.Alias:
            return self._anchors.get(event.anchor) or Node(_place(event))
        node = Node(_place(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        if kind is events.MappingStart:
            self._mapping(node)
        elif kind is events.SequenceStart:
            while type(item := self._next()) is not events.SequenceEnd:
                node.items.append(self._node(item))
        return node

    def _mapping(self, node: Node) -> None:
        merged: list[Node] = []
        while type(event := self._next()) is not events.MappingEnd:
            place = _place(event)
            key = event.value if type(event) is events.Scalar else None
            below = self._node(event)
            value = self._node(self._next())
            if key is None:
                node.fields.setdefault("", (below.place, value))
            elif key == "<<" and event.implicit[0]:
                merged.extend(value.items or [value])
            elif key in node.fields:
                self.repeated.append(Repeated(key, node.fields[key][0], place))
            else:
                node.fields[key] = (place, value)
        _merge(node, merged)


def _merge(node: Node, merged: Sequence[Node]) -> None:
    for source in merged:
        for key, field in source.fields.items():
            node.fields.setdefault(key, field)


def _place(event: Any) -> Place:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1
