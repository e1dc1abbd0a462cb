"""manifests.places: the line of a field, by its path as reasons have it."""

from __future__ import annotations

import pytest

from manifests.places import Text
from manifests.sources import File

TEXT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: web
    annotations: {podpy.dev/network: front}
  spec:
    template:
      metadata:
        labels:
          app: web
      spec:
        containers:
        - name: one
          image: a
        - name: two
          image: b
          args:
          - x
          - y
"""


@pytest.mark.parametrize(
    ("paths", "line"),
    [
        ([("spec", "template", "spec", "containers", "two", "image")], 23),
        ([("spec", "template", "spec", "containers", 0, "image")], 21),
        ([("spec", "template", "spec", "containers", "two", "args", 1)], 26),
        # What is not written is told by what is written above it.
        ([("spec", "template", "metadata", "labels", "tier")], 16),
        ([("spec", "template", "spec", "containers", "three", "image")], 19),
        ([("metadata", "annotations", "podpy.dev/network")], 12),
        # Of several places it is the one that is written.
        (
            [
                ("spec", "template", "metadata", "annotations", "podpy.dev/network"),
                ("metadata", "annotations", "podpy.dev/network"),
            ],
            12,
        ),
        ([("nothing",)], 8),
    ],
)
def test_a_field_is_found_by_its_path(paths: list[tuple[str | int, ...]], line: int) -> None:
    assert Text(File(name="a.yaml", data=TEXT.encode())).line(1, paths) == line


def test_an_object_that_is_not_there_has_no_line_and_no_secret_is_shown() -> None:
    text = Text(File(name="a.yaml", data=b"hunter2: 1"))

    assert text.line(3, [("a",)]) == 0
    assert "hunter2" not in repr(text)
