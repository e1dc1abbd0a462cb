"""What differs of the nft table, as nft lists it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from renderers import nft, nft_drift

RULES = nft.RuleSet(
    table="pp-t",
    networks=(
        nft.Network(link="pp-open", subnet="10.64.0.0/16"),
        nft.Network(link="pp-shut", subnet="10.65.0.0/24", internal=True),
    ),
    ports=(
        nft.PortMap(protocol="TCP", host_port=8080, address="10.64.0.5", port=80),
        nft.PortMap(
            protocol="udp", host_port=53, address="10.64.0.6", port=53, host_ip="192.0.2.2"
        ),
    ),
)
WANTED = nft.elements(RULES)


def listing() -> dict[str, Any]:
    """RULES as nft 1.0.6 lists it, with two of the chains."""
    entries: list[dict[str, Any]] = [
        {"metainfo": {"version": "1.0.6"}},
        {"table": {"family": "inet", "name": "pp-t", "handle": 7}},
        {"set": {"name": "links", "handle": 1, "elem": ["pp-open", "pp-shut"]}},
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
        {"chain": {"name": "host_ports", "handle": 9}},
        {"chain": {"name": "forward", "prio": 0, "policy": "accept", "handle": 12}},
        {"rule": {"chain": "forward", "handle": 13, "comment": "a", "expr": [{"drop": None}]}},
        {"rule": {"chain": "forward", "handle": 14, "comment": "b", "expr": [{"accept": None}]}},
    ]
    return {"nftables": entries}


def element(key: list[str | int], value: list[str | int]) -> list[dict[str, Any]]:
    return [{"concat": key}, {"concat": value}]


def changed(kind: str, called: str, /, **fields: Any) -> dict[str, Any]:
    listed = copy.deepcopy(listing())
    for entry in listed["nftables"]:
        if called in (entry.get(kind, {}).get("name"), entry.get(kind, {}).get("comment")):
            entry[kind].update(fields)
    return listed


def without(text: str) -> dict[str, Any]:
    return {"nftables": [entry for entry in listing()["nftables"] if text not in str(entry)]}


def drift(listed: dict[str, Any]) -> tuple[str, ...]:
    found = nft_drift.read(listed)
    return (
        *nft_drift.parts_changed(nft_drift.read(listing()).parts, found.parts),
        *nft_drift.elements_changed(WANTED, found.elements),
    )


def test_the_table_as_it_was_made_has_no_drift() -> None:
    assert drift(listing()) == ()


def test_handles_tell_nothing() -> None:
    assert drift(changed("rule", "a", handle=99)) == ()


def test_a_wrapped_element_is_read_like_a_bare_one() -> None:
    wrapped = {"elem": {"val": {"concat": ["tcp", 8080]}, "comment": "x"}}

    assert drift(changed("map", "ports", elem=[[wrapped, {"concat": ["10.64.0.5", 80]}]])) == ()


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (changed("set", "links", elem=["pp-open"]), "nft set links lacked pp-shut"),
        (
            changed("set", "internal", elem=["pp-open", "pp-shut"]),
            "nft set internal had pp-open, without a network that wants it",
        ),
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
        (changed("chain", "forward", policy="drop"), "nft chain forward was changed"),
        (without("host_ports"), "nft chain host_ports was missing"),
        (without("'a'"), "nft rules of forward were changed"),
        (changed("rule", "a", expr=[{"accept": None}]), "nft rules of forward were changed"),
        (
            {"nftables": [*listing()["nftables"], {"chain": {"name": "x", "prio": 1}}]},
            "nft chain x was added by somebody",
        ),
    ],
)
def test_drift_is_worded(listed: dict[str, Any], said: str) -> None:
    assert drift(listed) == (said,)
