"""Give frozen, keyword-only values that cost little to define, to make and to read from a pickle.

Every typed object of podpy derives from `Value`. A dataclass would do the same and costs about a
millisecond of start-up for each class (its methods are compiled when it is defined); podpy has
over a hundred classes and is a command, so the few methods here are generic instead of generated.
A value holds the fields that were given, a default is an attribute of the class: so a value is
made or unpickled by one update of a dictionary, where slots would take one call for each field.
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
    """The metaclass: annotations become fields, assigned values become defaults."""

    __fields__: tuple[str, ...]
    __known__: frozenset[str]
    __required__: frozenset[str]
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
        defaults.update((field, namespace[field]) for field in own if field in namespace)
        made = super().__new__(mcs, name, bases, namespace)
        made.__fields__ = (*fields, *own)
        made.__known__ = frozenset(made.__fields__)
        made.__required__ = made.__known__ - defaults.keys()
        made.__defaults__ = defaults
        return made


class Value(metaclass=ValueType):
    """A frozen value: `class Port(Value): number: int; name: str = ""`.

    Made with keywords only; compared, hashed and shown field by field; `replace` gives a changed
    copy. Defaults must themselves be immutable (`()`, `EMPTY`, another value). The defining module
    needs `from __future__ import annotations`: annotations are read as text.
    """

    __fields__: ClassVar[tuple[str, ...]]
    __known__: ClassVar[frozenset[str]]
    __required__: ClassVar[frozenset[str]]
    __defaults__: ClassVar[dict[str, Any]]

    def __init__(self, **given: Any) -> None:
        if not self.__required__ <= given.keys() <= self.__known__:
            raise _misuse(type(self), given)
        self.__dict__.update(given)

    def __setattr__(self, field: str, _value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {field} cannot be set")

    def __delattr__(self, field: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {field} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        mine, others = self.__dict__, other.__dict__
        return mine == others or self.__defaults__ | mine == self.__defaults__ | others

    def __hash__(self) -> int:
        return hash((type(self), *(_hashable(getattr(self, field)) for field in self.__fields__)))

    def __repr__(self) -> str:
        shown = ", ".join(f"{field}={value!r}" for field, value in self.__getstate__().items())
        return f"{type(self).__name__}({shown})"

    def __getstate__(self) -> dict[str, Any]:
        """The fields that differ from their default, in their order: all that a pickle needs."""
        held, defaults = self.__dict__, self.__defaults__
        return {
            field: held[field]
            for field in self.__fields__
            if field in held and (field not in defaults or held[field] != defaults[field])
        }

    def replace(self, **changes: Any) -> Self:
        """Return a copy with `changes` in place of the fields that they name."""
        return type(self)(**{**self.__dict__, **changes})


def _misuse(kind: type[Value], given: dict[str, Any]) -> TypeError:
    missing = [field for field in kind.__fields__ if field in kind.__required__ - given.keys()]
    if missing:
        return TypeError(f"{kind.__name__}: {missing[0]} is missing")
    return TypeError(f"{kind.__name__} has no {', '.join(sorted(given.keys() - kind.__known__))}")


def _hashable(value: object) -> object:
    if isinstance(value, (dict, MappingProxyType)):
        return tuple(sorted((key, _hashable(item)) for key, item in value.items()))
    return value
