"""Read values from JSON-shaped data, and write them back: `decode(Pod, raw)`, `encode(pod)`.

JSON-shaped means what YAML and JSON parsers return: dicts with text keys, lists, text, numbers,
booleans, None. A class's annotations say how a field is read; the wire name of `host_path` is
`hostPath`, with Kubernetes' own exceptions (`hostIP`). Decoding is strict and collects every flaw:
an unknown field is a flaw, null means absent (as for the API server), nothing is converted but
base64. It is the fast validator: a document without flaws has the schema's shape. Wording
violations for people is schemas.validator's, which runs only when there is a flaw.
"""

from __future__ import annotations

import binascii
import sys
from types import GenericAlias, MappingProxyType, NoneType, UnionType

from manifests.quantity import Quantity
from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    Path = tuple[str | int, ...]
    Reader = Callable[[Any, Path, list["Flaw"]], Any]
    V = TypeVar("V", bound=Value)

CAPITALS = {
    "ip": "IP",
    "ips": "IPs",
    "pid": "PID",
    "ipc": "IPC",
    "uid": "UID",
    "dns": "DNS",
    "fqdn": "FQDN",
}
"""Words that Kubernetes writes in capitals, unless they begin the name."""

# Those that break the rule stand in it from the start, the others when they have been asked for.
_wire_names = {
    "uid": "uid",
    "dns_config": "dnsConfig",
    "dns_policy": "dnsPolicy",
    "downward_api": "downwardAPI",
}


class Flaw(Value):
    """What is wrong at `path`. `unknown`: the field is not one that the class honours."""

    path: Path
    message: str
    unknown: bool = False


class SecretBytes(bytes):
    """Bytes that no log, traceback or repr shows."""

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__


def decode(kind: type[V], raw: object) -> tuple[V | None, tuple[Flaw, ...]]:
    """Return the value that `raw` holds, or None and every flaw that keeps it from being one."""
    flaws: list[Flaw] = []
    value = _reader(kind)(raw, (), flaws)
    return (None if flaws else value), tuple(flaws)


def restore(kind: type[V], raw: object) -> V:
    """Return the value that podpy itself wrote with `encode`; ValueError if it is not one."""
    value, flaws = decode(kind, raw)
    if value is None:
        raise ValueError(f"{kind.__name__}: {flaws[0].path}: {flaws[0].message}")
    return value


def encode(value: object) -> Any:
    """Return JSON-shaped data for a value, leaving out the fields that have their default."""
    if type(value) is str or value is None or type(value) is int:
        return value
    if isinstance(value, Value):
        return {wire_name(field): encode(item) for field, item in value.__getstate__().items()}
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    if isinstance(value, (dict, MappingProxyType)):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return binascii.b2a_base64(value, newline=False).decode()
    if isinstance(value, str):
        return str.__str__(value)
    return value


def wire_name(field: str) -> str:
    """Return Kubernetes' name of a field: host_path -> hostPath, pod_ip -> podIP."""
    name = _wire_names.get(field)
    if name is None:
        first, *rest = field.rstrip("_").split("_")
        name = first + "".join(CAPITALS.get(word) or word.capitalize() for word in rest)
        _wire_names[field] = name
    return name


_readers: dict[Any, Reader] = {}
_fields: dict[type[Value], dict[str, tuple[str, Reader]]] = {}


def fields(kind: type[Value]) -> dict[str, str]:
    """Return wire name -> field name of everything that `kind` honours."""
    return {wire: field for wire, (field, _) in _fields_of(kind).items()}


def below(kind: type[Value], wire: str) -> type[Value] | None:
    """Return the class of what a field holds, alone, in a list or in a map; None for scalars."""
    held = next(one for field, one in _annotated(kind) if wire_name(field) == wire)
    while arguments := getattr(held, "__args__", ()):
        # T | None, tuple[T, ...] and Mapping[str, T]: what is held stands last.
        held = [one for one in arguments if one not in (NoneType, ...)][-1]
    return held if issubclass(held, Value) else None


def _reader(annotation: Any) -> Reader:
    if annotation not in _readers:
        _readers[annotation] = _make_reader(annotation)
    return _readers[annotation]


def _make_reader(annotation: Any) -> Reader:
    if isinstance(annotation, UnionType):
        members = tuple(member for member in annotation.__args__ if member is not NoneType)
        return _reader(members[0]) if len(members) == 1 else _scalar(members)
    if isinstance(annotation, GenericAlias):
        origin: Any = annotation.__origin__
        return _list(annotation.__args__[0]) if origin is tuple else _map(annotation.__args__[1])
    if annotation is object:
        return lambda raw, _path, _flaws: raw
    if issubclass(annotation, Value):
        return _value(annotation)
    if issubclass(annotation, StrEnum):
        return _enum(annotation)
    if issubclass(annotation, bytes):
        return _base64(annotation)
    if issubclass(annotation, Quantity):
        return _quantity
    return _scalar((annotation,))


_NAMES = {str: "a string", int: "an integer", bool: "a boolean", float: "a number"}


def _scalar(kinds: tuple[type, ...]) -> Reader:
    wanted = (*kinds, int) if float in kinds else kinds
    phrase = "must be " + " or ".join(_NAMES[kind] for kind in kinds)

    def read(raw: Any, path: Path, flaws: list[Flaw]) -> Any:
        if type(raw) not in wanted:
            flaws.append(Flaw(path=path, message=phrase))
        return raw

    return read


def _quantity(raw: Any, path: Path, flaws: list[Flaw]) -> Any:
    if type(raw) not in (str, int, float):
        flaws.append(Flaw(path=path, message="must be a quantity such as 500m or 64Mi"))
    return Quantity(raw)


def _enum(kind: type[StrEnum]) -> Reader:
    members = {member.value: member for member in kind}
    phrase = "must be one of " + ", ".join(members)

    def read(raw: Any, path: Path, flaws: list[Flaw]) -> Any:
        if not isinstance(raw, str) or raw not in members:
            flaws.append(Flaw(path=path, message=phrase))
            return raw
        return members[raw]

    return read


def _base64(kind: type[bytes]) -> Reader:
    def read(raw: Any, path: Path, flaws: list[Flaw]) -> Any:
        try:
            return kind(binascii.a2b_base64("".join(raw.split()), strict_mode=True))
        except (AttributeError, binascii.Error, ValueError):
            flaws.append(Flaw(path=path, message="must be a base64-encoded string"))
            return kind()

    return read


def _list(item: Any) -> Reader:
    read_item = _reader(item)

    def read(raw: Any, path: Path, flaws: list[Flaw]) -> Any:
        if type(raw) is not list:
            flaws.append(Flaw(path=path, message="must be a list"))
            return ()
        return tuple(read_item(entry, (*path, index), flaws) for index, entry in enumerate(raw))

    return read


def _map(item: Any) -> Reader:
    read_item = _reader(item)

    def read(raw: Any, path: Path, flaws: list[Flaw]) -> Any:
        if type(raw) is not dict:
            flaws.append(Flaw(path=path, message="must be a mapping"))
            return {}
        return {key: read_item(entry, (*path, key), flaws) for key, entry in raw.items()}

    return read


def _value(kind: type[Value]) -> Reader:
    def read(raw: Any, path: Path, flaws: list[Flaw]) -> Any:
        if type(raw) is not dict:
            flaws.append(Flaw(path=path, message="must be a mapping"))
            return None
        known = _fields_of(kind)
        given: dict[str, Any] = {}
        before = len(flaws)
        for key, entry in raw.items():
            if entry is None:
                continue
            if key not in known:
                flaws.append(Flaw(path=(*path, key), message="unknown field", unknown=True))
                continue
            field, read_field = known[key]
            given[field] = read_field(entry, (*path, key), flaws)
        if not kind.__required__ <= given.keys():
            missing = (field for field in kind.__fields__ if field in kind.__required__)
            flaws.extend(
                Flaw(path=(*path, wire_name(field)), message="is required")
                for field in missing
                if field not in given
            )
        return kind(**given) if len(flaws) == before else None

    return read


def _fields_of(kind: type[Value]) -> dict[str, tuple[str, Reader]]:
    if kind not in _fields:
        _fields[kind] = {
            wire_name(field): (field, _reader(annotation)) for field, annotation in _annotated(kind)
        }
    return _fields[kind]


def _annotated(kind: type[Value]) -> Iterator[tuple[str, Any]]:
    for owner in reversed(kind.__mro__):
        names = vars(sys.modules[owner.__module__])
        for field, text in owner.__dict__.get("__annotations__", {}).items():
            if field in kind.__fields__:
                # Annotations are podpy's own source text, never input.
                yield field, eval(text, names)  # noqa: S307
