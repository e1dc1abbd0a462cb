"""The nftables table as text, and its elements."""

from __future__ import annotations

import pytest

from manifests.faults import Invalid
from renderers import nft

WEB = nft.PortMap(protocol="TCP", host_port=8080, address="10.64.0.5", port=80)
DNS = nft.PortMap(protocol="udp", host_port=53, address="10.64.0.6", port=53, host_ip="192.0.2.2")
OPEN = nft.Network(link="pp-open", subnet="10.64.0.0/16")
SHUT = nft.Network(link="pp-shut", subnet="10.65.0.0/24", internal=True)
RULES = nft.RuleSet(table="pp-t", networks=(OPEN, SHUT), ports=(WEB, DNS))


def test_the_table_replaces_the_one_there() -> None:
    text = nft.table(RULES)

    assert text.startswith("add table inet pp-t\ndelete table inet pp-t\ntable inet pp-t {\n")
    assert "elements = { tcp . 8080 : 10.64.0.5 . 80 }" in text
    assert "elements = { 192.0.2.2 . udp . 53 : 10.64.0.6 . 53 }" in text


def test_the_text_does_not_depend_on_the_order_of_what_goes_in() -> None:
    turned = RULES.replace(networks=RULES.networks[::-1], ports=RULES.ports[::-1])

    assert nft.table(turned) == nft.table(RULES)


def test_only_what_differs_goes_in_and_out() -> None:
    before = nft.elements(RULES)
    moved = WEB.replace(address="10.64.0.9")
    after = nft.elements(RULES.replace(networks=(OPEN,), ports=(moved, DNS)))

    remove, add = nft.difference(before, after)

    assert {name: dict(held) for name, held in remove.items() if held} == {
        "links": {"pp-shut": ""},
        "subnets": {"10.65.0.0/24": ""},
        "internal": {"pp-shut": ""},
        "within": {"pp-shut . pp-shut": ""},
        "ports": {"tcp . 8080": "10.64.0.5 . 80"},
    }
    assert {name: dict(held) for name, held in add.items() if held} == {
        "ports": {"tcp . 8080": "10.64.0.9 . 80"}
    }


def test_what_never_changes_is_the_table_without_elements() -> None:
    assert nft.frame("pp-t") == nft.table(nft.RuleSet(table="pp-t"))
    assert "elements" not in nft.frame("pp-t")


def test_every_address_of_the_host_is_not_one_address() -> None:
    every = WEB.replace(host_ip="0.0.0.0")

    assert nft.elements(RULES.replace(ports=(every,)))["ports"] == {"tcp . 8080": "10.64.0.5 . 80"}


def test_one_port_cannot_lead_to_two_pods() -> None:
    both = (WEB, WEB.replace(protocol="tcp", address="10.64.0.9"))

    with pytest.raises(Invalid, match=r"port 8080/tcp .* both 10\.64\.0\.5:80 and 10\.64\.0\.9:80"):
        nft.table(RULES.replace(ports=both))
