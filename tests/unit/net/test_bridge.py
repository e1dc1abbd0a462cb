"""What podpy decides about a bridge before it touches the host."""

from __future__ import annotations

import pytest

from manifests.faults import HostFault
from runtime.net import bridge
from runtime.net.rtnetlink import Address, Link

NETWORK = bridge.BridgeNetwork(
    instance="podpy", name="default", subnet="10.64.0.0/16", gateway="10.64.0.1", mtu=1500
)
LINK = Link(
    index=7,
    name=NETWORK.link,
    kind="bridge",
    up=True,
    mtu=1500,
    alias="podpy podpy network default",
)
ADDRESS = Address(index=7, address="10.64.0.1", prefix=16)


def test_names_fit_and_differ_by_instance_and_network() -> None:
    other = NETWORK.replace(name="default" + "x" * 60)
    elsewhere = NETWORK.replace(instance="podpy2")

    names = {NETWORK.link, other.link, elsewhere.link}

    assert len(names) == 3
    assert all(len(name) <= 15 and name.startswith("pp-") for name in names)


def test_a_bridge_as_it_should_be_has_no_drift() -> None:
    assert bridge.drift(NETWORK, [LINK], [ADDRESS]) == ()


@pytest.mark.parametrize(
    ("links", "addresses", "said"),
    [
        ([], [], "was missing"),
        ([LINK.replace(up=False)], [ADDRESS], "was down"),
        ([LINK.replace(alias="")], [ADDRESS], "had the alias ''"),
        ([LINK.replace(mtu=9000)], [ADDRESS], "had an mtu of 9000, not 1500"),
        ([LINK], [], "lacked the address 10.64.0.1/16"),
        ([LINK], [ADDRESS.replace(index=8)], "lacked the address 10.64.0.1/16"),
        (
            [LINK],
            [ADDRESS, ADDRESS.replace(address="10.9.9.9")],
            "had the address 10.9.9.9/16, too",
        ),
    ],
)
def test_drift_is_worded(links: list[Link], addresses: list[Address], said: str) -> None:
    (wrong,) = bridge.drift(NETWORK, links, addresses)

    assert said in wrong
    assert NETWORK.link in wrong


def test_a_link_of_another_kind_is_not_touched() -> None:
    with pytest.raises(HostFault, match="is a vxlan, not a bridge"):
        bridge.drift(NETWORK, [LINK.replace(kind="vxlan")], [])


def test_a_mac_is_local_and_follows_the_address() -> None:
    assert bridge.mac_of("10.64.1.255") == "02:70:0a:40:01:ff"
