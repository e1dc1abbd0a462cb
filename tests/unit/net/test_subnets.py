"""Which subnets are free, and which cannot stand beside what the host has."""

from __future__ import annotations

import pytest

from manifests.faults import HostFault
from runtime.net import subnets
from runtime.net.subnets import Used


@pytest.mark.parametrize(
    ("taken", "prefix", "chosen"),
    [
        ([], 24, "10.64.0.0/24"),
        ([], 16, "10.64.0.0/16"),
        (["10.64.0.0/24"], 24, "10.64.1.0/24"),
        (["10.64.0.7/32", "10.64.1.0/24"], 24, "10.64.2.0/24"),
        (["10.64.3.0/24"], 16, "10.65.0.0/16"),
        (["10.0.0.0/8"], 16, "172.16.0.0/16"),
        (["10.64.0.0/11", "172.16.0.0/12"], 24, "192.168.0.0/24"),
        (["10.64.0.0/11", "172.16.0.0/12", "192.168.0.0/16"], 16, "10.128.0.0/16"),
        (["10.64.0.0/16", "10.64.0.0/12"], 24, "10.80.0.0/24"),
    ],
)
def test_a_subnet_overlaps_with_nothing_taken(taken: list[str], prefix: int, chosen: str) -> None:
    assert subnets.choose(taken, prefix) == chosen


def test_no_free_subnet_is_a_fault_of_the_host() -> None:
    with pytest.raises(HostFault, match="no /24 subnet is free"):
        subnets.choose(["0.0.0.0/0"])


def test_the_gateway_is_the_first_address() -> None:
    assert subnets.gateway_of("10.64.8.0/24") == "10.64.8.1"


CONNECTED = Used(subnet="192.0.2.7/24", by="eth0")
ROUTED = Used(subnet="10.0.0.0/8", by="wg0", routed=True)


@pytest.mark.parametrize(
    ("wished", "clash"),
    [
        ("10.90.0.0/24", None),
        ("10.0.0.0/8", ROUTED),
        ("10.0.0.0/7", ROUTED),
        ("192.0.2.0/28", CONNECTED),
        ("192.0.2.0/24", CONNECTED),
        ("192.0.0.0/16", CONNECTED),
        ("192.0.3.0/24", None),
    ],
)
def test_a_wished_subnet_may_be_part_of_what_is_only_routed(
    wished: str, clash: Used | None
) -> None:
    assert subnets.overlapping(wished, [CONNECTED, ROUTED]) == clash
