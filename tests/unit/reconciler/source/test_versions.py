"""reconciler.source.versions: the newest of a range."""

from __future__ import annotations

import pytest

from reconciler.source import versions

TAGS = ("v1.9.0", "1.10.0", "v2.0.0-rc.1", "nightly", "latest")


@pytest.mark.parametrize(
    ("range_", "tag"),
    [
        ("^1", "1.10.0"),
        ("~1.9", "v1.9.0"),
        (">=2.0.0-0", "v2.0.0-rc.1"),
        ("*", "1.10.0"),
        ("3", ""),
    ],
)
def test_the_newest_version_in_a_range_is_chosen(range_: str, tag: str) -> None:
    assert versions.newest(range_, TAGS) == tag
