"""podpy.yaml_text: what it writes is read back, as kubectl reads it, as the same data."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.yaml import reader
from renderers import yaml_text

TEXTS = [
    *("", " ", "a", "a b", "yes", "No", "on", "null", "~", "0644", "0o17", "1e3", "12:30:45"),
    *("2001-12-14", "-", "- a", "? x", "a: b", "a:", ":a", "#a", "a #b", "&a", "*a", "!a", "%a"),
    *("@a", "`a", "'a'", '"a"', "[a]", "{a}", "a, b", "...", "---", "a\tb", "\ta", "a\x00b"),
    *("line\n", "two\nlines", "two\nlines\n", "three\n\n\n", "\nfirst", " indented\nline\n"),
    *("a \nb\n", "a\n\nb\n", "a\n  b\n", "tab\there\nand\n", "\n", "\n\n", "é ü 😀", "\u2028x\x85"),
    *("x" * 300, "a\r\nb\r\n", "\ufeffbom", "key=value", "--flag", "/path/to", "a@b.c", "50%"),
]


def roundtrip(value: Any) -> Any:
    reading = reader.read(yaml_text.dumps(value), "f")
    assert reading.problems == ()
    (document,) = reading.documents
    return document.value


@pytest.mark.parametrize("text", TEXTS, ids=[ascii(text)[:30] for text in TEXTS])
def test_text_stays_the_text_it_was(text: str) -> None:
    value = {"key": text, "list": [text, {"in": text}, [text]], f"k{text}": 1}

    assert roundtrip(value) == value


def test_other_values_stay_what_they_were() -> None:
    value = {
        "true": True,
        "none": [1, 1.5, -7, False, 10**12],
        "empty": {"list": [], "map": {}, "inside": [[], {}]},
        "nested": [[1, [2, {"deep": {"deeper": ["x"]}}]], {"a": 1, "b": [{"c": 2}]}],
    }

    assert roundtrip(value) == value


def test_it_is_laid_out_as_kubectl_does() -> None:
    value = {"kind": "Pod", "spec": {"containers": [{"name": "a", "args": ["x", "yes"]}]}}

    assert yaml_text.dumps(value) == (
        'kind: Pod\nspec:\n  containers:\n  - name: a\n    args:\n    - x\n    - "yes"\n'
    )
