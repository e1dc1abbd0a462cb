"""podpy doctor on this host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host


def test_doctor_tries_what_it_tells_and_leaves_nothing(podpy: Podpy) -> None:
    told = podpy.json("doctor", "-o", "json")

    assert told["healthy"]
    subjects = {one["subject"] for one in told["findings"]}
    assert {"namespaces", "overlayfs", "nftables", "OCI runtime", "cgroups"} <= subjects
    assert podpy.left() == []
