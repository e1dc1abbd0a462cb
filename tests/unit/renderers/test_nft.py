"""The nftables table, as text and as nft lists it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from manifests.faults import Invalid
from renderers import nft

WEB = nft.PortMap(protocol="TCP", host_port=8080, address="10.64.0.5", port=80)
DNS = nft.PortMap(protocol="udp", host_port=53, address="10.64.0.6", port=53, host_ip="192.0.2.2")
OPEN = nft.Network(link="pp-open", subnet="10.64.0.0/16")
SHUT = nft.Network(link="pp-shut", subnet="10.65.0.0/24", internal=True)
RULES = nft.RuleSet(table="pp-t", networks=(OPEN, SHUT), ports=(WEB, DNS))


def listing() -> dict[str, Any]:
    """RULES as nft 1.0.6 lists it, without what is not compared."""
    entries: list[dict[str, Any]] = [
        {"metainfo": {"version": "1.0.6"}},
        {"table": {"family": "inet", "name": "pp-t"}},
        {"set": {"name": "links", "elem": ["pp-open", "pp-shut"]}},
        {
            "set": {
                "name": "subnets",
                "elem": [
                    {"prefix": {"addr": "10.64.0.0", "len": 16}},
                    {"prefix": {"addr": "10.65.0.0", "len": 24}},
                ],
            }
        },
        {"set": {"name": "internal", "elem": ["pp-shut"]}},
        {"set": {"name": "within", "elem": [{"concat": ["pp-shut", "pp-shut"]}]}},
        {"map": {"name": "ports", "elem": [element(["tcp", 8080], ["10.64.0.5", 80])]}},
        {
            "map": {
                "name": "addressed_ports",
                "elem": [element(["192.0.2.2", "udp", 53], ["10.64.0.6", 53])],
            }
        },
        {"chain": {"name": "host_ports"}},
    ]
    for name, priority in (
        ("prerouting", -100), ("output", -100), ("postrouting", 100), ("input", 0), ("forward", 0)
    ):  # fmt: skip
        entries.append({"chain": {"name": name, "prio": priority, "policy": "accept"}})
    chain = ""
    for line in nft.table(RULES).splitlines():
        words = line.split()
        if words[:1] == ["chain"]:
            chain = words[1]
        elif " comment " in line:
            entries.append({"rule": {"chain": chain, "comment": line.split('"')[-2]}})
    return {"nftables": entries}


def element(key: list[str | int], value: list[str | int]) -> list[dict[str, Any]]:
    return [{"concat": key}, {"concat": value}]


def changed(kind: str, called: str, /, **fields: Any) -> dict[str, Any]:
    listed = copy.deepcopy(listing())
    for entry in listed["nftables"]:
        if entry.get(kind, {}).get("name") == called:
            entry[kind].update(fields)
    return listed


def test_the_table_replaces_the_one_there() -> None:
    text = nft.table(RULES)

    assert text.startswith("add table inet pp-t\ndelete table inet pp-t\ntable inet pp-t {\n")
    assert "elements = { tcp . 8080 : 10.64.0.5 . 80 }" in text
    assert "elements = { 192.0.2.2 . udp . 53 : 10.64.0.6 . 53 }" in text


def test_the_text_does_not_depend_on_the_order_of_what_goes_in() -> None:
    turned = RULES.replace(networks=RULES.networks[::-1], ports=RULES.ports[::-1])

    assert nft.table(turned) == nft.table(RULES)


def test_an_empty_rule_set_has_no_empty_element_list() -> None:
    assert "elements" not in nft.table(nft.RuleSet(table="pp-t"))


def test_changes_are_one_transaction_of_elements() -> None:
    new = WEB.replace(address="10.64.0.9")

    assert nft.change("pp-t", remove=[WEB, DNS], add=[new]) == (
        "delete element inet pp-t ports { tcp . 8080 : 10.64.0.5 . 80 }\n"
        "delete element inet pp-t addressed_ports { 192.0.2.2 . udp . 53 : 10.64.0.6 . 53 }\n"
        "add element inet pp-t ports { tcp . 8080 : 10.64.0.9 . 80 }\n"
    )
    assert nft.change("pp-t") == ""


def test_every_address_of_the_host_is_not_one_address() -> None:
    assert nft.change("pp-t", add=[WEB.replace(host_ip="0.0.0.0")]).startswith(
        "add element inet pp-t ports "
    )


def test_one_port_cannot_lead_to_two_pods() -> None:
    both = (WEB, WEB.replace(protocol="tcp", address="10.64.0.9"))

    with pytest.raises(Invalid, match=r"port 8080/tcp .* both 10\.64\.0\.5:80 and 10\.64\.0\.9:80"):
        nft.table(RULES.replace(ports=both))


def test_the_table_as_it_was_made_has_no_drift() -> None:
    assert nft.drift(RULES, listing()) == ()


def test_a_wrapped_element_is_read_like_a_bare_one() -> None:
    wrapped = [{"elem": {"val": {"concat": ["tcp", 8080]}, "comment": "x"}}]
    listed = changed("map", "ports", elem=[[*wrapped, {"concat": ["10.64.0.5", 80]}]])

    assert nft.drift(RULES, listed) == ()


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (None, "nft table pp-t was missing"),
        (changed("set", "links", elem=["pp-open"]), "nft set links was not as podpy made it"),
        (changed("map", "ports", elem=[]), "port 8080/tcp did not lead to 10.64.0.5:80"),
        (
            changed("map", "ports", elem=[element(["tcp", 8080], ["10.64.0.9", 80])]),
            "port 8080/tcp led to 10.64.0.9:80, not 10.64.0.5:80",
        ),
        (
            changed(
                "map",
                "addressed_ports",
                elem=[
                    element(["192.0.2.2", "udp", 53], ["10.64.0.6", 53]),
                    element(["192.0.2.2", "tcp", 9], ["10.64.0.7", 9]),
                ],
            ),
            "port 192.0.2.2:9/tcp led to 10.64.0.7:9, without a pod that wants it",
        ),
        (changed("map", "ports", name="other"), "an nft map of ports was missing"),
        (
            changed("chain", "forward", policy="drop"),
            "nft chain forward was not as podpy made it",
        ),
        (
            {"nftables": [e for e in listing()["nftables"] if "input" not in str(e.get("rule"))]},
            "the rules of nft chain input were not as podpy made them",
        ),
    ],
)
def test_drift_is_worded(listed: dict[str, Any] | None, said: str) -> None:
    assert nft.drift(RULES, listed) == (said,)
