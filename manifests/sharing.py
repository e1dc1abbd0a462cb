"""Make equal parts of values one part: `shared(objects)` equals `objects` and takes less room.

Values never change, so nobody can tell. A thousand manifests repeat their labels, mounts and
limits; a pickle of the shared form holds each of them once, and is read in half the time.
"""

from __future__ import annotations

from types import MappingProxyType

from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any, TypeVar

    T = TypeVar("T")


def shared(whole: T) -> T:
    """Return a copy of values, tuples and mappings, however deep, with its equal parts shared."""
    result: T = _Shelf().put(whole)
    return result


class _Shelf:
    """Every part that was met. They stay here, so that an id stands for one part."""

    def __init__(self) -> None:
        self._parts: dict[Hashable, Any] = {}

    def put(self, part: Any) -> Any:
        """Return the part on the shelf that equals `part`."""
        if isinstance(part, Value):
            fields = {field: self.put(held) for field, held in part.__getstate__().items()}
            key = (type(part), *((field, _name(held)) for field, held in fields.items()))
            return self._parts.get(key) or self._parts.setdefault(key, type(part)(**fields))
        if type(part) is tuple:
            items = tuple(self.put(item) for item in part)
            return self._parts.setdefault((tuple, *(_name(item) for item in items)), items)
        if isinstance(part, (dict, MappingProxyType)):
            mapping = {self.put(name): self.put(item) for name, item in part.items()}
            named = ((_name(name), _name(item)) for name, item in mapping.items())
            return self._parts.setdefault((dict, *named), mapping)
        return self._parts.setdefault((type(part), part), part)


def _name(part: Any) -> Hashable:
    """Return what stands for a part that is on the shelf."""
    if isinstance(part, (Value, tuple, dict)):
        return id(part)
    return type(part), part
