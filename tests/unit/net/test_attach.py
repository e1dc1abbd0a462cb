"""What podpy reads from a list of links about the pods that are joined."""

from __future__ import annotations

import pytest

from runtime.net import attach
from runtime.net.rtnetlink import Link

WANTED = attach.Attachment(
    instance="podpy", pod="uid-1", bridge="pp-0", address="10.64.0.5", prefix=16
)
BRIDGE = Link(index=7, name="pp-0", kind="bridge", up=True, mtu=1500)
END = BRIDGE.replace(
    index=9, name=WANTED.link, kind="veth", master=7, alias="podpy podpy pod uid-1"
)


def test_a_name_fits_and_differs_by_instance_and_pod() -> None:
    names = {
        WANTED.link,
        WANTED.replace(pod="uid-2").link,
        WANTED.replace(instance="other").link,
    }

    assert len(names) == 3
    assert all(len(name) <= 15 and name.startswith("pv-") for name in names)


def test_a_joined_pod_has_no_drift() -> None:
    assert attach.drift(WANTED, {BRIDGE.name: BRIDGE, END.name: END}) == ()


@pytest.mark.parametrize(
    ("links", "said"),
    [
        ([BRIDGE], "to the pod is missing"),
        ([BRIDGE, END.replace(up=False)], "is down"),
        ([BRIDGE, END.replace(mtu=9)], "has an mtu of 9, not 1500"),
        ([BRIDGE, END.replace(master=0)], "is not on bridge pp-0"),
        ([END], "is not on bridge pp-0"),
        ([BRIDGE, END.replace(alias="x")], "has the alias 'x'"),
    ],
)
def test_drift_is_worded(links: list[Link], said: str) -> None:
    (wrong,) = attach.drift(WANTED, {link.name: link for link in links})

    assert said in wrong


def test_where_bridges_pass_packets_to_rules_a_link_sends_back_to_its_own_pod() -> None:
    links = {BRIDGE.name: BRIDGE, END.name: END}

    (wrong,) = attach.drift(WANTED, links, hairpin=True)

    assert "sends nothing back to its own pod" in wrong
    assert attach.drift(WANTED, {**links, END.name: END.replace(hairpin=True)}, hairpin=True) == ()
