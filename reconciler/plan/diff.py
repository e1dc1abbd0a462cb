"""Compare two JSON-shaped values field by field: paths that differ, with the old and new value.

Pure. Lists whose items carry a `name` (containers, env, volumes) are matched by it, as in
Kubernetes' merge keys, and a change of their order is a difference too; others by position. Values
are shown short and on one line.
"""

from __future__ import annotations

import json

from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from manifests.problems import FieldPath

_STEP = r"""\.(\w+)|\["(.*?)"\](?=[.\[]|$)|\[(\d+)\]"""
LONGEST_SHOWN = 60
CONTEXT = 10
HIDDEN = "(hidden)"


class Difference(Value):
    """`old` is None where a field was added, `new` where it was removed."""

    path: str
    old: str | None = None
    new: str | None = None

    @property
    def steps(self) -> FieldPath:
        """The path as keys, and indexes or names of list items."""
        import re

        found = (match.groups() for match in re.finditer(_STEP, self.path))
        return tuple(int(index) if index else word or key for word, key, index in found)


def differences(old: Any, new: Any, *, secret: bool = False) -> tuple[Difference, ...]:
    """Return every field that differs; with `secret` no value is shown, only that it differs."""
    return tuple(_compare(old, new, "", secret=secret))


def _compare(old: Any, new: Any, path: str, *, secret: bool) -> Iterator[Difference]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _mappings(old, new, path, secret=secret)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, path, secret=secret)
    else:
        before, after = _show_both(old, new, secret)
        yield Difference(path=path or ".", old=before, new=after)


def _mappings(
    old: Mapping[str, Any], new: Mapping[str, Any], path: str, *, secret: bool
) -> Iterator[Difference]:
    for key in [*old, *(key for key in new if key not in old)]:
        below = f"{path}.{key}" if key.replace("_", "").isalnum() else f'{path}["{key}"]'
        if key not in new:
            yield Difference(path=below, old=_show(old[key], secret))
        elif key not in old:
            yield Difference(path=below, new=_show(new[key], secret))
        else:
            yield from _compare(old[key], new[key], below, secret=secret)


def _lists(old: list[Any], new: list[Any], path: str, *, secret: bool) -> Iterator[Difference]:
    old_names, new_names = _names(old), _names(new)
    if old_names and new_names:
        yield from _mappings(
            dict(zip(old_names, old, strict=True)),
            dict(zip(new_names, new, strict=True)),
            path,
            secret=secret,
        )
        old_order = [name for name in old_names if name in new_names]
        new_order = [name for name in new_names if name in old_names]
        if old_order != new_order:
            yield Difference(path=path, old=_show(old_order, secret), new=_show(new_order, secret))
        return
    for index in range(max(len(old), len(new))):
        below = f"{path}[{index}]"
        if index >= len(new):
            yield Difference(path=below, old=_show(old[index], secret))
        elif index >= len(old):
            yield Difference(path=below, new=_show(new[index], secret))
        else:
            yield from _compare(old[index], new[index], below, secret=secret)


def _names(items: list[Any]) -> list[str]:
    """The names of all items, or nothing unless each has one of its own."""
    names = [
        item["name"]
        for item in items
        if isinstance(item, dict) and isinstance(item.get("name"), str)
    ]
    return names if len(set(names)) == len(items) else []


def _show_both(old: Any, new: Any, secret: bool) -> tuple[str, str]:
    """Show two values; where they would look the same, from a little before they part."""
    before, after = _show(old, secret), _show(new, secret)
    if secret or before != after:
        return before, after
    old_text, new_text = json.dumps(old), json.dumps(new)
    pairs = enumerate(zip(old_text, new_text, strict=False))
    parting = next(
        (at for at, (one, other) in pairs if one != other), min(len(old_text), len(new_text))
    )
    start = max(parting - CONTEXT, 0)
    lead = "..." if start else ""
    return _cut(lead + old_text[start:]), _cut(lead + new_text[start:])


def _show(value: Any, secret: bool) -> str:
    if value is None:
        return "null"
    if secret:
        return HIDDEN
    text = value if isinstance(value, str) else json.dumps(value, separators=(", ", ": "))
    text = " ".join(text.split()) or '""'
    # What a manifest says must not speak to the terminal: its control characters are spelt out.
    return _cut(text if text.isprintable() else json.dumps(text))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."
