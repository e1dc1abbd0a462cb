"""manifests.yaml.scalars: scalars mean what kubectl makes of them (scalars.tsv)."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from manifests.yaml import reader, scalars

REFUSED = "(refused)"


def table() -> list[tuple[str, str]]:
    with open(os.path.join(os.path.dirname(__file__), "scalars.tsv"), encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    return [(line.partition("\t")[0], line.partition("\t")[2]) for line in lines]


def value_of(scalar: str) -> tuple[Any, int]:
    reading = reader.read(f"v: {scalar}\n", "f")
    return reading.documents[0].value["v"], len(reading.problems)


@pytest.mark.parametrize(("scalar", "expected"), table())
def test_scalar_means_what_kubectl_makes_of_it(scalar: str, expected: str) -> None:
    value, problems = value_of(scalar)

    if expected == REFUSED:
        assert problems == 1
    else:
        wanted = json.loads(expected)
        assert problems == 0
        assert value == wanted
        assert isinstance(value, bool) == isinstance(wanted, bool)
        assert isinstance(value, str) == isinstance(wanted, str)


def test_whole_floats_are_integers_as_in_json() -> None:
    assert isinstance(scalars.plain("1.0"), int)
    assert isinstance(scalars.plain("1e3"), int)
    assert isinstance(scalars.plain("1.5"), float)


def test_a_very_long_number_is_text_and_costs_nothing() -> None:
    digits = "9" * 100_000

    assert scalars.plain(digits) == digits


def test_binary_that_is_not_text_is_refused() -> None:
    with pytest.raises(scalars.NotAValueError, match="base64 of UTF-8"):
        scalars.tagged("tag:yaml.org,2002:binary", "/w==")


def test_empty_value_is_null() -> None:
    assert value_of("") == (None, 0)
