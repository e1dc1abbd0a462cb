"""Read the text of a YAML or JSON file: plain documents out, and what is wrong with the text.

Called by manifests.documents, which knows about files and objects. Values are dict, list, str,
int, float, bool and None; what an alias repeats is one shared value, so nobody may change them.
Mistakes that leave the rest readable (a key twice, a key that is no text) do not stop the reading.
"""

from __future__ import annotations

from manifests.problems import Problem
from manifests.value import Value
from manifests.yaml import events, limits, scalars, syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from manifests.yaml.limits import Limits

_UNKNOWN = object()
_WEIGHT = 16  # what a node counts besides its text, when an alias repeats it


class Raw(Value):
    """One document: its number in the text (empty ones count too), its value, where it starts."""

    index: int
    value: Any
    line: int


class Reading(Value):
    """What a text holds; where `problems` has a syntax error, the documents before it."""

    documents: tuple[Raw, ...]
    problems: tuple[Problem, ...]


class _StopError(Exception):
    """The rest of the text cannot be used: a limit, or an alias of nothing."""

    def __init__(self, message: str, event: Any) -> None:
        super().__init__(message)
        self.message = message
        self.event = event


def read(text: str, file: str, limit: Limits = limits.DEFAULT) -> Reading:
    """Read all documents of `text`; `file` only names it in the problems."""
    if len(text) > limit.bytes:
        size = f"{len(text) // 2**20} MiB; the limit is {limit.bytes // 2**20} MiB"
        return Reading(documents=(), problems=(Problem(file=file, message=f"is too big: {size}"),))
    return _Composer(text, file, limit).read()


class _Composer:
    """Build values from events. One for each text."""

    def __init__(self, text: str, file: str, limit: Limits, *, thorough: bool = False) -> None:
        self._text = text
        self._file = file
        self._limit = limit
        self._thorough = thorough
        self._next: Callable[[], Any] = events.source(text, thorough=thorough)
        self._anchors: dict[str, Any] = {}
        self._weights: dict[str, int] = {}
        self._repeated = 0
        self._depth = 0
        self._nodes = limit.nodes
        self._documents: list[Raw] = []
        self._problems: list[Problem] = []
        self._has_duplicates = False

    def read(self) -> Reading:
        try:
            self._stream()
        except _StopError as stop:
            self._report(stop.message, stop.event)
        except events.complaints() as complaint:
            if not self._thorough and events.misread(complaint):
                return _Composer(self._text, self._file, self._limit, thorough=True).read()
            self._problems.append(syntax.worded(complaint, self._text, self._file))
        if self._has_duplicates:
            self._report_duplicates()
        return Reading(documents=tuple(self._documents), problems=tuple(self._problems))

    def _stream(self) -> None:
        index = 0
        while True:
            event = self._next()
            kind = type(event)
            if kind is events.StreamEnd:
                return
            if kind is events.DocumentStart:
                self._anchors = {}
                self._weights = {}
                root = self._next()
                value = self._value(root)
                if value is not None:
                    line = root.start_mark.line + 1
                    self._documents.append(Raw(index=index, value=value, line=line))
                index += 1

    def _value(self, event: Any) -> Any:
        kind = type(event)
        if kind is events.Scalar:
            value = self._scalar(event)
        elif kind is events.Alias:
            return self._alias(event)
        else:
            return self._collection(event, kind)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
            self._weights.pop(event.anchor, None)
        return value

    def _scalar(self, event: Any) -> Any:
        text = event.value
        is_plain, is_quoted = event.implicit
        try:
            if is_plain:
                # The parser calls a quoted scalar after the tag "!" plain too.
                return text if event.style in ("'", '"') else scalars.plain(text)
            return text if is_quoted else scalars.tagged(event.tag or "", text)
        except scalars.NotAValueError as error:
            self._report(str(error), event)
            return text

    def _collection(self, event: Any, kind: type) -> Any:
        anchor = event.anchor
        self._depth += 1
        if self._depth > self._limit.depth:
            raise _StopError(f"is nested deeper than {self._limit.depth} levels", event)
        if anchor is not None:
            # Known only when it ends: an alias of it from inside is then a loop.
            self._anchors[anchor] = _UNKNOWN
        value: Any = self._mapping() if kind is events.MappingStart else self._sequence()
        self._nodes -= len(value) + 1
        if self._nodes < 0:
            raise _StopError(f"holds more than {self._limit.nodes} values", event)
        if anchor is not None:
            self._anchors[anchor] = value
            self._weights.pop(anchor, None)
        self._depth -= 1
        return value

    def _sequence(self) -> list[Any]:
        following, end, value_of = self._next, events.SequenceEnd, self._value
        values: list[Any] = []
        while type(event := following()) is not end:
            values.append(value_of(event))
            if len(values) > self._nodes:
                break  # _collection refuses it
        return values

    def _mapping(self) -> dict[str, Any]:
        following, end, scalar, value_of = (
            self._next,
            events.MappingEnd,
            events.Scalar,
            self._value,
        )
        words, numeric = scalars.WORDS, scalars.NUMERIC
        values: dict[str, Any] = {}
        merges: list[tuple[Any, Any]] = []
        while type(event := following()) is not end:
            if type(event) is scalar:
                key = event.value
                if event.implicit[0]:
                    if key == "<<":
                        merges.append((value_of(following()), event))
                        continue
                    if key in words or key[0] in numeric:
                        self._check_key(key, event)
                elif event.anchor is None and not event.implicit[1]:
                    self._check_key(key, event)
                if event.anchor is not None:
                    self._anchors[event.anchor] = key
            else:
                key = self._complex_key(event)
            if key in values:
                self._has_duplicates = True
            values[key] = value_of(following())
            if len(values) > self._nodes:
                break  # _collection refuses it
        for value, event in merges:
            self._merge(values, value, event)
        return values

    def _check_key(self, key: str, event: Any) -> None:
        """Report a key that is no text; `yes: 1` would silently become `true: 1`."""
        value = self._scalar(event)
        if not isinstance(value, str):
            kind = {bool: "a boolean", type(None): "null"}.get(type(value), "a number")
            self._report(
                f'the key {key or "(empty)"} is {kind}, not text; quote it: "{key}"', event
            )

    def _complex_key(self, event: Any) -> str:
        value = self._value(event)
        if type(event) is events.Alias and isinstance(value, str):
            return value
        hint = "a template that was not rendered?" if isinstance(value, dict) else "write a text"
        self._report(f"a key must be text, not a mapping, a list or null; {hint}", event)
        return ""

    def _merge(self, values: dict[str, Any], merged: Any, event: Any) -> None:
        for source in merged if isinstance(merged, list) else [merged]:
            if not isinstance(source, dict):
                self._report('"<<" takes a mapping or a list of mappings, mostly as *alias', event)
                return
            for key, value in source.items():
                values.setdefault(key, value)

    def _alias(self, event: Any) -> Any:
        name = event.anchor
        if name not in self._anchors:
            raise _StopError(f"*{name} repeats an anchor that is not defined before", event)
        value = self._anchors[name]
        if value is _UNKNOWN:
            raise _StopError(f"*{name} stands inside of what it repeats: that never ends", event)
        limit = self._limit.expansion
        if name not in self._weights:
            self._weights[name] = _weight(value, limit)
        self._repeated += self._weights[name]
        if self._repeated > limit:
            raise _StopError(
                f"its aliases blow up to more than {limit // 2**20} MiB; "
                "write the values out, or remove the anchors",
                event,
            )
        return value

    def _report(self, message: str, event: Any) -> None:
        mark = event.start_mark
        self._problems.append(
            Problem(file=self._file, line=mark.line + 1, column=mark.column + 1, message=message)
        )

    def _report_duplicates(self) -> None:
        from manifests.yaml.marks import Marks

        for repeated in Marks(self._text).repeated:
            line, column = repeated.again
            self._problems.append(
                Problem(
                    file=self._file,
                    line=line,
                    column=column,
                    message=f'the key "{repeated.key}" is already set in line {repeated.first[0]}',
                )
            )


def _weight(value: Any, limit: int) -> int:
    """Return about how many bytes `value` holds written out; it stops counting above `limit`."""
    total = 0
    pending = [value]
    while pending and total <= limit:
        one = pending.pop()
        total += _WEIGHT
        if isinstance(one, str):
            total += len(one)
        elif isinstance(one, dict):
            total += sum(map(len, one))
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
    return total
