"""manifests.field_paths: `metadata.labels['KEY']`."""

from __future__ import annotations

import pytest

from manifests import field_paths


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("metadata.labels['app']", ("labels", "app")),
        ("metadata.annotations['example.org/a[0]']", ("annotations", "example.org/a[0]")),
        ("metadata.labels['']", ("labels", "")),
        ("metadata.labels", None),
        ("metadata.labels['app'", None),
        ("metadata.labels['a'b']", None),
        ("metadata.name['app']", None),
        ("xmetadata.labels['app']", None),
    ],
)
def test_only_labels_and_annotations_have_a_key(text: str, found: tuple[str, str] | None) -> None:
    assert field_paths.keyed(text) == found
