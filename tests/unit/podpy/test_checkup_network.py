"""Which firewalls of the host doctor speaks of."""

from __future__ import annotations

import pytest

from podpy import checkup_network
from runtime.net.nftables import Chain

FORWARD = Chain(family="inet", table="filter", name="forward", hook="forward", policy="drop")
OWN = FORWARD.replace(table="podpy")


@pytest.mark.parametrize(
    ("chains", "text", "hint"),
    [
        ([FORWARD], "chain inet filter forward drops forwarded", checkup_network.ACCEPT),
        (
            [FORWARD.replace(family="ip"), Chain(family="ip", table="filter", name="DOCKER-USER")],
            "chain ip filter forward drops forwarded",
            checkup_network.DOCKER,
        ),
        (
            [FORWARD, Chain(family="ip", table="filter", name="ufw-user-forward")],
            "drops forwarded",
            checkup_network.UFW,
        ),
        (
            [FORWARD.replace(name="INPUT", hook="input")],
            "chain inet filter INPUT drops what comes to this host",
            checkup_network.LET_IN,
        ),
        (
            [Chain(family="inet", table="firewalld", name="filter_FORWARD", hook="forward")],
            "firewalld rejects",
            checkup_network.FIREWALLD,
        ),
    ],
)
def test_a_chain_that_drops_is_told_with_what_to_do(
    chains: list[Chain], text: str, hint: str
) -> None:
    (block,) = checkup_network.of_chains([*chains, OWN], "podpy")

    assert text in block.text
    assert block.hint == hint


def test_chains_that_let_through_are_not_told() -> None:
    chains = [OWN, FORWARD.replace(policy="accept"), FORWARD.replace(hook="output")]

    assert list(checkup_network.of_chains(chains, "podpy")) == []


def test_rules_of_iptables_legacy_are_judged_by_its_own_list() -> None:
    (dropping,) = checkup_network.of_legacy("-P INPUT ACCEPT\n-P FORWARD DROP\n-N DOCKER-USER\n")
    (unknown,) = checkup_network.of_legacy("")

    assert "iptables-legacy drops forwarded traffic" in dropping.text
    assert "iptables-legacy -I DOCKER-USER" in dropping.hint
    assert "cannot be listed" in unknown.text
    assert list(checkup_network.of_legacy("-P FORWARD ACCEPT\n")) == []
