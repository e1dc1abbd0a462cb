"""Say how an object breaks the schema of its kind, in words for the person who wrote it.

    violations({"spec": {"containers": [{"imagee": "x"}]}}, "v1", "Pod")
        -> .spec.containers[0].imagee: unknown field; did you mean "image"?

All violations of an object are found. An object that keeps to its schema costs no import of
jsonschema: schemas.quick sees to that.
"""

from __future__ import annotations

import functools

from schemas import catalogue, quick, suggestions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from schemas.catalogue import FieldPath, Schema

_BASE = "https://podpy.dev/schemas/"
_NAMES = {
    "string": "a string",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number",
    "object": "a mapping",
    "array": "a list",
}
_SHOWN = 40  # characters of a wrong value that are worth showing


class Violation:
    """What is wrong with which field.

    `path` leads to the field: to the unknown one itself, or to the place where one is missing.
    `suggestion` is the field or place that was likely meant, or empty. `quote` says that quotes
    around the value would make it right: the caller knows how the value is written.
    """

    __slots__ = ("message", "path", "quote", "suggestion")

    def __init__(
        self, path: FieldPath, message: str, suggestion: str = "", *, quote: bool = False
    ) -> None:
        self.path = path
        self.message = message
        self.suggestion = suggestion
        self.quote = quote

    def __repr__(self) -> str:
        return f"Violation({self.path!r}, {self.message!r})"


def violations(raw: dict[str, Any], api_version: str, kind: str) -> tuple[Violation, ...]:
    """Return all violations of the schema of a known kind (see catalogue.known), in a stable order.

    `raw` holds plain JSON values. A null field counts as absent, as for the API server.
    """
    schema = {"$ref": catalogue.reference(api_version, kind)}
    if quick.holds(raw, schema):
        return ()
    found = [
        violation
        for error in _validator(schema["$ref"]).iter_errors(_without_nulls(raw))
        for violation in _worded(error, schema)
    ]
    return tuple(sorted(found, key=_order))


def _order(violation: Violation) -> tuple[list[tuple[bool, int, str]], str]:
    steps = [
        (isinstance(step, str), step if isinstance(step, int) else 0, str(step))
        for step in violation.path
    ]
    return steps, violation.message


def _without_nulls(value: Any) -> Any:
    """Copy `value` without its null fields. A null in a list stays, and is a violation."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


@functools.cache
def _validator(reference: str) -> Any:
    """Return jsonschema's validator of one kind, with the files that its schema refers to."""
    import jsonschema
    import referencing
    from referencing.jsonschema import DRAFT202012

    checker = jsonschema.FormatChecker(formats=())
    for name in ("int32", "int64", "byte"):
        checker.checks(name)(functools.partial(_format_holds, name))
    draft = jsonschema.Draft202012Validator
    # JSON Schema takes 1.0 for an integer; the reader has made it one already.
    types = draft.TYPE_CHECKER.redefine("integer", lambda _types, value: type(value) is int)
    extended: Any = jsonschema.validators.extend(draft, type_checker=types)  # type: ignore[no-untyped-call]
    # All files go in beforehand: what a registry fetches by itself it fetches at every reference.
    resources = [
        (_BASE + file, DRAFT202012.create_resource(catalogue.contents(file)))
        for file in catalogue.files(reference)
    ]
    registry: Any = referencing.Registry().with_resources(resources).crawl()
    return extended({"$ref": _BASE + reference}, registry=registry, format_checker=checker)


def _format_holds(name: str, value: object) -> bool:
    """Judge a format only where the type is right: a wrong type is told once, as such."""
    wanted = str if name == "byte" else int
    return type(value) is not wanted or quick.format_holds(value, name)


def _worded(error: Any, root: Schema) -> Iterator[Violation]:
    """Turn one of jsonschema's errors into violations: it has one for all unknown fields."""
    path: FieldPath = tuple(error.absolute_path)
    value = error.instance
    match error.validator:
        case "additionalProperties":
            allowed = error.schema.get("properties", {})
            for field in value:
                if field not in allowed:
                    yield _unknown(root, path, field)
        case "required":
            for field in error.validator_value:
                if field not in value and repr(field) in error.message:
                    yield Violation((*path, field), "is required")
        case "type":
            yield _wrong_type(path, value, error.validator_value)
        case "enum":
            allowed_values = ", ".join(str(one) for one in error.validator_value if one != "")
            meant = suggestions.closest(str(value), error.validator_value)
            said = f'must be one of {allowed_values}; it is "{_short(value)}"'
            yield Violation(path, said, meant)
        case "format":
            yield Violation(path, _wrong_format(value, error.validator_value))
        case _:
            yield Violation(path, str(error.message))


def _unknown(root: Schema, path: FieldPath, field: str) -> Violation:
    meant = suggestions.field(root, path, field)
    if meant.startswith("."):
        said = f"unknown field; {field} belongs to {meant}"
    elif meant:
        said = f'unknown field; did you mean "{meant}"?'
    else:
        said = "unknown field"
    return Violation((*path, field), said, meant)


def _wrong_type(path: FieldPath, value: object, types: str | list[str]) -> Violation:
    wanted = [types] if isinstance(types, str) else types
    must = " or ".join(_NAMES[one] for one in wanted)
    scalar = isinstance(value, (bool, int, float))
    return Violation(
        path, f"must be {must}, but is {_described(value)}", quote=scalar and "string" in wanted
    )


def _described(value: object) -> str:
    match value:
        case None:
            return "empty (null)"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return f'a string "{_short(value)}"'
        case dict():
            return "a mapping"
        case _:
            return "a list"


def _wrong_format(value: object, name: str) -> str:
    if name == "byte":
        return "must be base64 (for plain text use stringData where the kind has it)"
    bits = name.removeprefix("int")
    return f"must be an integer of {bits} bits; {value} is out of range"


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
