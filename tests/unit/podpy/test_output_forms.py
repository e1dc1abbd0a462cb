from __future__ import annotations

from typing import Any

import pytest

from manifests.faults import Invalid
from podpy import output_forms

ITEMS: list[dict[str, Any]] = [
    {"metadata": {"name": "b", "labels": {"tier": "x"}}, "restarts": 10, "tags": ["p", "q"]},
    {"metadata": {"name": "a"}, "restarts": 9},
    {"metadata": {"name": "c"}},
]


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("", ("", "")),
        ("wide", ("wide", "")),
        ("jsonpath={.a=b}", ("jsonpath", "{.a=b}")),
        ("custom-columns=A:.b", ("custom-columns", "A:.b")),
    ],
)
def test_a_form_may_have_a_detail(output: str, found: tuple[str, str]) -> None:
    assert output_forms.split(output) == found


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("go-template={{.a}}", "is not supported"),
        ("yamll", 'did you mean "yaml"'),
        ("json=x", "no output form"),
        ("jsonpath", "wants to be told"),
    ],
)
def test_another_form_is_refused_with_a_way_out(output: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        output_forms.split(output)


def test_custom_columns_have_heads_and_paths() -> None:
    heads, paths = output_forms.custom_columns(
        "NAME:.metadata.name,T:.metadata.labels['tier'],L:.tags[0,1]"
    )

    assert heads == ("NAME", "T", "L")
    assert output_forms.cells(paths, ITEMS[0]) == ("b", "x", "p,q")
    assert output_forms.cells(paths, ITEMS[1]) == ("a", "<none>", "<none>")


def test_a_custom_column_may_be_without_a_head() -> None:
    heads, paths = output_forms.custom_columns(":metadata.name")

    assert heads == ("",)
    assert output_forms.cells(paths, ITEMS[0]) == ("b",)


@pytest.mark.parametrize("detail", ["NAME", "NAME:", ":", "A:.b,"])
def test_other_columns_are_refused(detail: str) -> None:
    with pytest.raises(Invalid, match="custom-columns"):
        output_forms.custom_columns(detail)


def test_objects_are_sorted_by_number_and_by_text_with_missing_ones_first() -> None:
    assert output_forms.order(".restarts", ITEMS) == [2, 1, 0]
    assert output_forms.order(".metadata.name", ITEMS) == [1, 0, 2]


def test_sorting_by_what_no_object_has_is_refused() -> None:
    with pytest.raises(Invalid, match="no object has"):
        output_forms.order(".metadata.nmae", ITEMS)
