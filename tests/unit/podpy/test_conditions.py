from __future__ import annotations

from typing import Any

import pytest

from manifests.faults import Invalid
from podpy import conditions

POD: dict[str, Any] = {
    "status": {
        "phase": "Running",
        "conditions": [
            {"type": "Initialized", "status": "True"},
            {"type": "Ready", "status": "False"},
        ],
    }
}


@pytest.mark.parametrize(
    ("text", "there", "gone"),
    [
        ("condition=Initialized", True, False),
        ("condition=initialized=True", True, False),
        ("condition=Ready", False, False),
        ("condition=Ready=false", True, False),
        ("condition=Complete", False, False),
        ("jsonpath={.status.phase}=Running", True, False),
        ("jsonpath={.status.phase}=Pending", False, False),
        ("jsonpath=.status.phase=Running", True, False),
        ("jsonpath={.status.phase}", True, False),
        ("jsonpath={.status.podIP}", False, False),
        ("create", True, False),
        ("delete", False, True),
    ],
)
def test_an_object_meets_a_condition_or_not(text: str, there: bool, gone: bool) -> None:
    condition = conditions.parse(text)

    assert condition.met(POD) is there
    assert condition.met(None) is gone


@pytest.mark.parametrize(
    "text", ["", "ready", "condition", "condition=", "delete=true", "jsonpath={.a", "phase=Running"]
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        conditions.parse(text)
