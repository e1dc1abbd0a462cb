from __future__ import annotations

import pytest

from manifests import expansion


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "1"),
        ("x$(A)y$(B)z", "x1y2z"),
        ("$(MISSING)", "$(MISSING)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$$$$(A)", "$$(A)"),
        ("$A ${A} $", "$A ${A} $"),
        ("$(A", "$(A"),
        ("$()", "$()"),
        ("$(LOOP)", "$(A)"),
        ("$($(A))", "$($(A))"),
    ],
)
def test_references_are_expanded_once_as_the_kubelet_does(text: str, expanded: str) -> None:
    assert expansion.expand(text, {"A": "1", "B": "2", "LOOP": "$(A)"}) == expanded


def test_names_are_those_that_are_asked_for() -> None:
    assert expansion.names("$(A)$$(B)$(C D)$E") == ["A", "C D"]
