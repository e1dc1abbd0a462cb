"""reconciler.targets.host.stopping: the part of it that is pure."""

from __future__ import annotations

import pytest

from reconciler.targets.host import stopping


@pytest.mark.parametrize(
    ("grace", "gone", "left"),
    [(30.0, 0.0, 30.0), (30.0, 12.0, 18.0), (30.0, 30.0, 2.0), (5.0, 4.0, 2.0), (1.0, 1.0, 1.0),
     (0.0, 0.0, 0.0), (0.0, 3.0, 0.0)],
)  # fmt: skip
def test_sidecars_have_what_is_left_and_two_seconds_at_least(
    grace: float, gone: float, left: float
) -> None:
    assert stopping.left(grace, gone) == left
