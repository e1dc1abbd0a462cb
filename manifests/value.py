"""Give frozen, keyword-only, slotted values that cost no more to define than a plain class.

Every typed object of podpy derives from `Value`. A dataclass would do the same and costs about a
millisecond of start-up for each class (its methods are compiled when it is defined); podpy has
over a hundred classes and is a command, so the few methods here are generic instead of generated.
Type checkers see a frozen dataclass. Reading and writing values as JSON is manifests.codec.
"""

from __future__ import annotations

from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_options):
        return lambda decorated: decorated


EMPTY: Mapping[Any, Any] = MappingProxyType({})
"""The default of a field that maps: it cannot be changed, so that all values may share it."""


@dataclass_transform(eq_default=True, kw_only_default=True, frozen_default=True)
class ValueType(type):
    """The metaclass: annotations become slots, assigned values become defaults."""

    __fields__: tuple[str, ...]
    __defaults__: dict[str, Any]

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> ValueType:
        fields: list[str] = []
        defaults: dict[str, Any] = {}
        for base in bases:
            if isinstance(base, ValueType):
                fields.extend(base.__fields__)
                defaults.update(base.__defaults__)
        own = [
            field
            for field, annotation in namespace.get("__annotations__", {}).items()
            if not annotation.startswith("ClassVar")
        ]
        for field in own:
            if field in namespace:
                defaults[field] = namespace.pop(field)
        namespace["__slots__"] = tuple(own)
        made = super().__new__(mcs, name, bases, namespace)
        made.__fields__ = (*fields, *own)
        made.__defaults__ = defaults
        return made


class Value(metaclass=ValueType):
    """A frozen value: `class Port(Value): number: int; name: str = ""`.

    Made with keywords only; compared, hashed and shown field by field; `replace` gives a changed
    copy. Defaults must themselves be immutable (`()`, `EMPTY`, another value). The defining module
    needs `from __future__ import annotations`: annotations are read as text.
    """

    __fields__: ClassVar[tuple[str, ...]]
    __defaults__: ClassVar[dict[str, Any]]

    def __init__(self, **given: Any) -> None:
        held = self.__defaults__ | given
        if len(held) != len(self.__fields__):
            raise _misuse(type(self), given)
        put = object.__setattr__
        try:
            for field, value in held.items():
                put(self, field, value)
        except AttributeError:
            raise _misuse(type(self), given) from None

    def __setattr__(self, field: str, _value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {field} cannot be set")

    def __delattr__(self, field: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {field} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in self.__fields__)

    def __hash__(self) -> int:
        return hash((type(self), *(_hashable(getattr(self, field)) for field in self.__fields__)))

    def __repr__(self) -> str:
        shown = ", ".join(f"{field}={value!r}" for field, value in self._given().items())
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self._given())

    def _given(self) -> dict[str, Any]:
        """The fields that differ from their default."""
        defaults = self.__defaults__
        held = ((field, getattr(self, field)) for field in self.__fields__)
        return {
            field: value
            for field, value in held
            if field not in defaults or value != defaults[field]
        }

    def replace(self, **changes: Any) -> Self:
        """Return a copy with `changes` in place of the fields that they name."""
        fields = {field: getattr(self, field) for field in self.__fields__}
        return type(self)(**{**fields, **changes})


def _misuse(kind: type[Value], given: dict[str, Any]) -> TypeError:
    for field in kind.__fields__:
        if field not in given and field not in kind.__defaults__:
            return TypeError(f"{kind.__name__}: {field} is missing")
    unknown = sorted(given.keys() - set(kind.__fields__))
    return TypeError(f"{kind.__name__} has no {', '.join(unknown)}")


def _restore(kind: type[Value], fields: dict[str, Any]) -> Value:
    """Make a pickled value again; what was pickled was whole."""
    value = object.__new__(kind)
    put = object.__setattr__
    for field, held in (kind.__defaults__ | fields).items():
        put(value, field, held)
    return value


def _hashable(value: object) -> object:
    if isinstance(value, (dict, MappingProxyType)):
        return tuple(sorted((key, _hashable(item)) for key, item in value.items()))
    return value
