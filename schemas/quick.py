"""Say whether a value keeps to its schema, fast and without a word about why not.

Importing jsonschema costs more than starting a pod, and most manifests are right. This knows just
the keywords that schemas.generate lets through (a test compares it with jsonschema, field by
field); schemas.validator asks jsonschema only where this says no.
"""

from __future__ import annotations

from schemas import catalogue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from schemas.catalogue import Schema

_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_TYPES: dict[str, frozenset[type]] = {
    "string": frozenset({str}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "object": frozenset({dict}),
    "array": frozenset({list}),
}


def holds(value: Any, schema: Schema) -> bool:
    """Whether `value` (plain JSON values; null fields count as absent) keeps to `schema`."""
    if "$ref" in schema:
        schema = catalogue.definition(schema["$ref"])
    types = schema.get("type")
    if types is None:
        return True
    if types == "object":
        return type(value) is dict and _object_holds(value, schema)
    if types == "array":
        if type(value) is not list:
            return False
        items = schema.get("items")
        return items is None or all(holds(item, items) for item in value)
    if type(types) is list:
        return any(type(value) in _TYPES[one] for one in types)
    if type(value) not in _TYPES[types]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    return "format" not in schema or format_holds(value, schema["format"])


def format_holds(value: Any, name: str) -> bool:
    """Whether `value`, of the right type, is in the range or the coding that a format names."""
    if name == "byte":
        return _is_base64(value)
    limits = _RANGES.get(name)
    return limits is None or limits[0] <= value <= limits[1]


def _object_holds(value: dict[str, Any], schema: Schema) -> bool:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for field, item in value.items():
        if item is None:
            continue
        below = properties.get(field)
        if below is None:
            if others is False:
                return False
            if type(others) is dict and not holds(item, others):
                return False
        elif not holds(item, below):
            return False
    return all(value.get(field) is not None for field in schema.get("required", ()))


def _is_base64(value: object) -> bool:
    """Whether Go's decoder takes it: the standard alphabet, padded; line ends do not count."""
    from binascii import Error, a2b_base64

    text = str(value).replace("\n", "").replace("\r", "")
    try:
        a2b_base64(text, strict_mode=True)
    except (Error, ValueError):
        return False
    return len(text) % 4 == 0
