"""podpy cp: which word names a file in a pod, and under which name a copy lands."""

from __future__ import annotations

import pytest

from manifests.faults import Invalid
from podpy.commands import cp


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("web:/etc/hosts", ("web", "/etc/hosts", "")),
        ("web:log", ("web", "log", "")),
        ("shop/web:/a:b", ("web", "/a:b", "shop")),
        ("deploy/web:/a", ("deploy/web", "/a", "")),
        ("deployments.apps/web:/a", ("deployments.apps/web", "/a", "")),
    ],
)
def test_a_path_in_a_pod_is_read(word: str, read: tuple[str, str, str]) -> None:
    found = cp.remote(word)

    assert found is not None
    assert (found.pod, found.path, found.namespace) == read


@pytest.mark.parametrize("word", ["file", "./a:b", "/srv/a:b", ".", "../x:y", ":x"])
def test_a_path_on_this_host_is_none_in_a_pod(word: str) -> None:
    assert cp.remote(word) is None


def test_a_pod_without_a_path_is_refused() -> None:
    with pytest.raises(Invalid, match='"web:" names no file'):
        cp.remote("web:")
