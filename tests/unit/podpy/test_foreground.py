"""podpy.foreground: the exit status that ended pods come to."""

from __future__ import annotations

import pytest

from manifests.observed import Phase
from podpy import foreground

GOOD, BAD = Phase.SUCCEEDED, Phase.FAILED


@pytest.mark.parametrize(
    ("phases", "propagation", "status"),
    [
        ([GOOD, GOOD], "any", 0),
        ([GOOD, BAD], "any", 1),
        ([GOOD, BAD], "all", 0),
        ([BAD, BAD], "all", 1),
        ([], "all", 0),
        ([BAD], "none", 0),
    ],
)
def test_failures_are_told_as_asked(phases: list[Phase], propagation: str, status: int) -> None:
    assert foreground.status(phases, propagation) == status
