"""podpy.pushes: what git tells its hooks."""

from __future__ import annotations

from podpy import pushes


def test_a_push_is_read_line_by_line_and_zeros_mean_deleted() -> None:
    lines = [f"{'0' * 40} {'a' * 40} refs/heads/main\n", f"{'b' * 64} {'0' * 64} refs/tags/v1\n"]

    assert pushes.updates(lines) == (
        pushes.Update(ref="refs/heads/main", new="a" * 40),
        pushes.Update(ref="refs/tags/v1", new=""),
    )
