"""manifests.yaml.reader: plain documents out of text, and each mistake in one clear line."""

from __future__ import annotations

import os
from typing import Any

import pytest

from manifests.yaml import reader
from manifests.yaml.limits import Limits


def mistakes() -> list[tuple[str, list[str]]]:
    with open(os.path.join(os.path.dirname(__file__), "mistakes.txt"), encoding="utf-8") as file:
        cases = file.read().replace("<TAB>", "\t").replace("<U+0001>", "\x01").split("====\n")
    split = []
    for case in cases:
        text, _, said = case.partition("=> ")
        split.append((text, said.rstrip("\n").split("\n=> ")))
    return split


@pytest.mark.parametrize(("text", "said"), mistakes())
def test_mistake_is_told_in_one_line_with_its_place(text: str, said: list[str]) -> None:
    assert [str(problem) for problem in reader.read(text, "f").problems] == said


def values(text: str, limit: Limits | None = None) -> Any:
    reading = reader.read(text, "f", limit or Limits())
    assert reading.problems == ()
    return [document.value for document in reading.documents]


def test_documents_are_separated_and_empty_ones_left_out() -> None:
    reading = reader.read("a: 1\n---\n# only a comment\n---\n\n---\nb: 2\n...\n", "f")

    assert [(one.index, one.value, one.line) for one in reading.documents] == [
        (0, {"a": 1}, 1),
        (3, {"b": 2}, 7),
    ]


def test_documents_before_a_syntax_error_are_kept() -> None:
    reading = reader.read("a: 1\n---\nb: [\n", "f")

    assert [one.value for one in reading.documents] == [{"a": 1}]
    assert len(reading.problems) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: >-\n  x\n  y\n", {"a": "x y"}),
        ("a: |\n  0644\n", {"a": "0644\n"}),
        ('a: "\\u263a\\t"', {"a": "☺\t"}),
        ("a: {b: [1, {c: d}], e: }", {"a": {"b": [1, {"c": "d"}], "e": None}}),
        ("a: []\nb: {}\nc:\nd: ''\n", {"a": [], "b": {}, "c": None, "d": ""}),
        ("- a\n-\n- - b\n", ["a", None, ["b"]]),
        ('"1": a\n!!str 2: b\n', {"1": "a", "2": "b"}),
        ("2001-01-01: a", {"2001-01-01": "a"}),
        ("&k a: 1\nb: *k\n", {"a": 1, "b": "a"}),
        ("a: !!map {b: 1}\nc: !!set {d: 1}\n", {"a": {"b": 1}, "c": {"d": 1}}),
    ],
)
def test_texts_become_plain_values(text: str, value: Any) -> None:
    assert values(text) == [value]


def test_aliases_repeat_values() -> None:
    assert values("a: &x {b: 1}\nc: *x\nd: [*x, *x]\n") == [
        {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}, {"b": 1}]}
    ]


def test_anchors_may_be_defined_anew() -> None:
    assert values("a: &x 1\nb: *x\nc: &x [2]\nd: *x\n") == [{"a": 1, "b": 1, "c": [2], "d": [2]}]


def test_anchors_end_with_their_document() -> None:
    reading = reader.read("a: &x 1\n---\nb: *x\n", "f")

    assert [str(one) for one in reading.problems] == [
        "f:3:4: *x repeats an anchor that is not defined before"
    ]


def test_merged_keys_never_override_written_ones() -> None:
    text = "base: &b {x: 1, z: 1}\nafter:\n  x: 2\n  <<: *b\nbefore:\n  <<: *b\n  x: 2\n"

    assert values(text)[0]["after"] == {"x": 2, "z": 1}
    assert values(text)[0]["before"] == {"x": 2, "z": 1}


def test_earlier_mappings_of_a_merged_list_win() -> None:
    text = "a: &a {x: 1}\nb: &b {x: 2, z: 2}\nc:\n  <<: [*a, *b]\n"

    assert values(text)[0]["c"] == {"x": 1, "z": 2}


def test_quoted_merge_key_is_an_ordinary_key() -> None:
    assert values('"<<": {a: 1}') == [{"<<": {"a": 1}}]


def test_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for level in range(1, 30):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]")
    reading = reader.read("\n".join(lines), "f")

    assert "aliases blow up to more than 4 MiB" in str(reading.problems[-1])


def test_merges_cannot_blow_up_either() -> None:
    lines = ["a0: &a0 {" + ", ".join(f"k{n}: xxxxxxxxxxxxxxxx" for n in range(100)) + "}"]
    lines += [f"b{n}: {{<<: *a0}}" for n in range(2000)]
    reading = reader.read("\n".join(lines), "f")

    assert "aliases blow up" in str(reading.problems[-1])


def test_a_long_text_repeated_is_weighed() -> None:
    text = f"a: &x {'y' * 100_000}\nb: [{', '.join(['*x'] * 100)}]\n"

    assert "aliases blow up" in str(reader.read(text, "f").problems[0])


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 5000, "- " * 5000, "a:\n" + "  - " * 500])
def test_deep_nesting_is_refused_before_it_hurts(text: str) -> None:
    assert [problem.message for problem in reader.read(text, "f").problems] == [
        "is nested deeper than 100 levels"
    ]


def test_number_of_values_is_limited() -> None:
    reading = reader.read("- a\n" * 100, "f", Limits(nodes=50))

    assert [problem.message for problem in reading.problems] == ["holds more than 50 values"]


def test_size_of_a_text_is_limited() -> None:
    reading = reader.read("a: 1\n" * 10, "f", Limits(bytes=10))

    assert reading.documents == ()
    assert "is too big" in reading.problems[0].message
