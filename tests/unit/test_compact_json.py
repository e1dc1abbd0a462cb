from __future__ import annotations

import json
import math

import pytest

from manifests import compact_json
from manifests.strenum import StrEnum


class Word(StrEnum):
    ONE = "one"


VALUES: list[object] = [
    {},
    [],
    "",
    'quo"te\\ \u2028 \U0001f600 \x00 é',
    0,
    -1,
    2**80,
    1.5,
    1e300,
    True,
    None,
    {"a": [1, {"b": ()}], "c": {"1": "x"}},
    {1: "numbers", None: "others", 1.5: "as names"},
    [Word.ONE, {Word.ONE: Word.ONE}],
    [math.inf, -math.inf],
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_are_written_and_read_as_json_does(value: object) -> None:
    text = json.dumps(value, separators=(",", ":"))

    assert compact_json.dumps(value) == text
    assert compact_json.loads(text) == json.loads(text)
    spread = f" \r\n\t{json.dumps(value, indent=2)} \n"
    assert compact_json.loads(spread.encode()) == json.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "[1,]",
        "{} {}",
        "nul",
        "'a'",
        '{"a" 1}',
        '"\n"',
        "01",
        b"\xff",
        "1 2",
    ],
)
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        json.loads(text)
    with pytest.raises(ValueError):
        compact_json.loads(text)


def test_what_json_does_not_know_is_a_type_error() -> None:
    for value in ({"a": object()}, {(1, 2): 3}, b"bytes", {1, 2}):
        with pytest.raises(TypeError):
            compact_json.dumps(value)
