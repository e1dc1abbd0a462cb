"""podpy.selectors: label selectors as kubectl's -l takes them."""

from __future__ import annotations

import pytest

from manifests.faults import Invalid
from podpy import selectors

LABELS = {"app": "web", "tier": "front", "canary": ""}


@pytest.mark.parametrize(
    "text",
    [
        *("", "app=web", "app==web", "app = web", "tier!=db", "none!=db", "canary", "!legacy"),
        *("app in (web, api)", "tier notin (db,cache)", "app=web,tier in (front,back),!legacy"),
        *("canary=", "app,tier"),
    ],
)
def test_selector_selects(text: str) -> None:
    assert selectors.parse(text).matches(LABELS)


@pytest.mark.parametrize(
    "text", ["app=api", "app!=web", "legacy", "!app", "app in (api)", "tier notin (front)", "app="]
)
def test_selector_leaves_out(text: str) -> None:
    assert not selectors.parse(text).matches(LABELS)


@pytest.mark.parametrize("text", ["=web", "app=web,", "app in web", "app>1", "a b"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is not understood"):
        selectors.parse(text)
