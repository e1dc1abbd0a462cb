"""manifests.yaml.marks: the place of each field."""

from __future__ import annotations

import pytest

from manifests.yaml.marks import Marks

TEXT = """\
# a comment
kind: Pod
spec:
  containers:
  - name: web
    ports: [{containerPort: 80}, {containerPort: 81}]
  - &side
    name: side
    command:
    - sh
  again: *side
---
base: &base
  x: 1
derived:
  <<: *base
  z: 2
"""


@pytest.mark.parametrize(
    ("document", "path", "place"),
    [
        (0, (), (2, 1)),
        (0, ("kind",), (2, 1)),
        (0, ("spec",), (3, 1)),
        (0, ("spec", "containers", 0), (5, 5)),
        (0, ("spec", "containers", 0, "ports", 1, "containerPort"), (6, 35)),
        (0, ("spec", "containers", 1, "command", 0), (10, 7)),
        (0, ("spec", "again", "name"), (8, 5)),
        (1, ("derived", "x"), (14, 3)),
        (1, ("derived", "z"), (17, 3)),
    ],
)
def test_fields_have_the_place_of_their_key(
    document: int, path: tuple[str | int, ...], place: tuple[int, int]
) -> None:
    assert Marks(TEXT).position(document, path) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("status",), (2, 1)),
        (("spec", "volumes", 3, "name"), (3, 1)),
        (("spec", "containers", 9), (4, 3)),
        (("spec", "containers", "name"), (4, 3)),
        (("kind", "x"), (2, 1)),
    ],
)
def test_what_is_not_written_has_the_place_of_the_nearest_above(
    path: tuple[str | int, ...], place: tuple[int, int]
) -> None:
    assert Marks(TEXT).position(0, path) == place


def test_a_document_that_is_not_there_has_no_place() -> None:
    assert Marks("a: 1").position(3, ("a",)) == (0, 0)


def test_marks_end_quietly_at_a_mistake() -> None:
    assert Marks("a: 1\n---\nb: [").position(0, ("a",)) == (1, 1)


def test_deep_nesting_does_not_hurt() -> None:
    assert Marks("[" * 50_000).position(0, ()) == (0, 0)
