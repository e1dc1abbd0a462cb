"""schemas.quick and jsonschema agree on every definition, right or wrong."""

from __future__ import annotations

import random
from typing import Any

import pytest

from schemas import catalogue, quick, validator

_OTHERS: tuple[Any, ...] = (None, True, 5, 2**40, 1.5, "text", "aGk=", "", [], [1], {}, {"a": "b"})


def kinds() -> list[tuple[str, str]]:
    index = catalogue.contents("index.json")["kinds"]
    pairs = [(version, kind) for version, entry in index.items() for kind in entry]
    return [*pairs, ("podpy.dev/v1", "Network")]


def made(schema: dict[str, Any], dice: random.Random, depth: int) -> Any:
    """Make a value that keeps to `schema`, with some of its fields."""
    schema = catalogue.resolved(schema)
    types = schema.get("type", "string")
    if isinstance(types, list):
        types = dice.choice(types)
    if types == "object":
        required = schema.get("required", ())
        fields = schema.get("properties", {})
        return {
            name: made(below, dice, depth - 1)
            for name, below in fields.items()
            if name in required or (depth > 0 and dice.random() < 0.4)
        }
    if types == "array":
        count = dice.randint(0, 2) if depth > 0 else 0
        return [made(schema.get("items", {}), dice, depth - 1) for _ in range(count)]
    if "enum" in schema:
        return dice.choice(schema["enum"])
    words = {"boolean": True, "integer": 7, "number": 0.5}
    return words.get(types, "aGk=")


def spoilt(value: Any, dice: random.Random) -> Any:
    """Put something else somewhere into a copy of `value`."""
    if isinstance(value, dict) and value and dice.random() < 0.8:
        key = dice.choice(sorted(value))
        if dice.random() < 0.1:
            return {**value, "nope": 1}
        return {**value, key: spoilt(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.8:
        place = dice.randrange(len(value))
        return [*value[:place], spoilt(value[place], dice), *value[place + 1 :]]
    return dice.choice(_OTHERS)


@pytest.mark.parametrize(("api_version", "kind"), kinds())
def test_quick_check_agrees_with_jsonschema(api_version: str, kind: str) -> None:
    dice = random.Random(f"{api_version}/{kind}")
    where = catalogue.reference(api_version, kind)
    slow = validator._validator(where)
    for _ in range(8):
        value = made({"$ref": where}, dice, 5)
        for one in (value, spoilt(value, dice), spoilt(spoilt(value, dice), dice)):
            expected = not list(slow.iter_errors(validator._without_nulls(one)))

            assert quick.holds(one, {"$ref": where}) == expected, one


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("aGVsbG8=", True),
        ("aGVs\nbG8=\n", True),
        ("aGVsbG8", False),
        ("aGVsbG8=x", False),
        ("not base64", False),
        ("a-_b", False),
        ("ä", False),
    ],
)
def test_base64_is_what_go_takes(text: str, holds: bool) -> None:
    assert quick.format_holds(text, "byte") == holds
