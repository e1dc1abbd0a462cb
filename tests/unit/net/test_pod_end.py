"""What a pod has lost of its network, as /proc tells it."""

from __future__ import annotations

import pytest

from runtime.net.attach import Attachment
from runtime.net.pod_end import missing

PLACE = Attachment(
    instance="pp-t", pod="u", bridge="pp-0", address="10.64.0.5", prefix=16, gateway="10.64.0.1"
)
ADDRESSES = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.64.0.0/29 2 0 2
        |-- 10.64.0.0
           /16 link UNICAST
        |-- 10.64.0.5
           /32 host LOCAL
        |-- 10.64.0.50
           /32 link UNICAST
"""
HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
DEFAULT = "eth0\t00000000\t01004000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
SUBNET = "eth0\t0000400A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"


def test_a_pod_with_its_address_and_routes_has_lost_nothing() -> None:
    assert missing(ADDRESSES, HEAD + DEFAULT + SUBNET, PLACE) == ()


def test_a_pod_of_an_internal_network_needs_no_default_route() -> None:
    assert missing(ADDRESSES, HEAD + SUBNET, PLACE.replace(gateway="")) == ()


@pytest.mark.parametrize(
    ("addresses", "routes", "said"),
    [
        (ADDRESSES.replace("0.5\n", "0.6\n"), DEFAULT + SUBNET, "lost its address 10.64.0.5"),
        (ADDRESSES.replace("LOCAL", "OTHER"), DEFAULT + SUBNET, "lost its address 10.64.0.5"),
        (ADDRESSES, SUBNET, "lost its default route to 10.64.0.1"),
        (ADDRESSES, DEFAULT, "link was down"),
        (ADDRESSES, DEFAULT + SUBNET.replace("0000FFFF", "00FFFFFF"), "link was down"),
    ],
)
def test_what_is_lost_is_worded(addresses: str, routes: str, said: str) -> None:
    (wrong,) = missing(addresses, HEAD + routes, PLACE)

    assert said in wrong
