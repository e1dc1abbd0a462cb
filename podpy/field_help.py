"""Look fields up: a kind and a path in, what Kubernetes and podpy make of them out. Pure.

Types, required fields and sets of values are the schemas'; what is honoured are the fields of the
classes in manifests, as when a manifest is read.
"""

from __future__ import annotations

from manifests import codec, support
from manifests.faults import Invalid
from manifests.value import Value
from schemas import catalogue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from manifests.codec import Path
    from manifests.kinds import KindInfo

    Schema = dict[str, Any]

_ALWAYS = ("apiVersion", "kind")
"""Fields of every object, which no class has."""


class Field(Value):
    """What is known of a field. `note` says what of it is not honoured, and what that means."""

    path: tuple[str, ...]
    type: str
    required: bool = False
    values: tuple[str, ...] = ()
    honoured: bool = True
    note: str = ""


class Place(Value):
    """A field with its schema and the class that reads it (None: nothing below is honoured).

    `steps` is its path with the positions in lists, as manifests.support reads paths.
    """

    info: KindInfo
    field: Field
    schema: Schema
    reader: type[Value] | None
    steps: Path = ()


def find(info: KindInfo, path: Sequence[str]) -> Place:
    """Return the place of a field. Raises Invalid for one that does not exist."""
    schema = catalogue.resolved({"$ref": catalogue.reference(info.api_version, info.kind)})
    place = Place(info=info, field=Field(path=(), type="Object"), schema=schema, reader=info.type)
    for name in path:
        found = {one.field.path[-1]: one for one in below(place)}
        if name not in found:
            from schemas import suggestions

            close = suggestions.closest(name, found)
            meant = f'; did you mean "{close}"?' if close else ""
            where = ".".join((info.kind, *place.field.path))
            raise Invalid(f'{where} has no field "{name}"{meant}', hint=f"podpy explain {where}")
        place = found[name]
    return place


def below(place: Place) -> Iterator[Place]:
    """Yield the fields of what stands at a place, or in the list or map there."""
    schema, steps = place.schema, place.steps
    while inner := _item(schema):
        steps = (*steps, 0) if "items" in schema else (*steps, "*")
        schema = catalogue.resolved(inner)
    for name, own in sorted(schema.get("properties", {}).items()):
        if not place.field.path and name == "status":
            continue  # Nobody writes it.
        yield _field(place, (*steps, name), own, required=name in schema.get("required", ()))


def _field(place: Place, steps: Path, own: Schema, *, required: bool) -> Place:
    name, kind = str(steps[-1]), place.info.kind
    reader, honoured, note = None, place.field.honoured, place.field.note
    if place.reader is not None and name in codec.fields(place.reader):
        reader, note = codec.below(place.reader, name), support.refused(kind, steps)
    elif honoured and (place.field.path or name not in _ALWAYS):
        honoured = False
        told = support.unsupported_field(kind, steps).message.removeprefix("is ")
        note = support.accepted(kind, steps) or told
    resolved = catalogue.resolved(own)
    field = Field(
        path=(*place.field.path, name),
        type=typed(own),
        required=required,
        values=tuple(str(value) for value in resolved.get("enum", ()) if value != ""),
        honoured=honoured,
        note=note,
    )
    return Place(info=place.info, field=field, schema=resolved, reader=reader, steps=steps)


def typed(schema: Schema) -> str:
    """Return a schema's type as kubectl words it: string, []Object, map[string]string."""
    schema = catalogue.resolved(schema)
    if "items" in schema:
        return f"[]{typed(schema['items'])}"
    if inner := _item(schema):
        return f"map[string]{typed(inner)}"
    if "properties" in schema or schema.get("type") == "object":
        return "Object"
    kind = schema.get("type", "string")
    return "|".join(kind) if isinstance(kind, list) else str(kind)


def _item(schema: Schema) -> Schema | None:
    """Return the schema of what a list or a map holds."""
    if "items" in schema:
        items: Schema = schema["items"]
        return items
    more = schema.get("additionalProperties")
    return more if isinstance(more, dict) and more else None
