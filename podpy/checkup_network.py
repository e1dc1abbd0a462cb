"""Examine what of this host's network keeps pods from the outside, or others from pods.

The host's firewall is left alone: an accept in podpy's table does not undo a drop in another one,
so all that podpy can do is say which chain it is and what to write there. For podpy.checkup.
"""

from __future__ import annotations

from manifests.faults import Fault
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime.net.nftables import Chain

DOCKER = "iptables -I DOCKER-USER -i pp-+ -j ACCEPT; iptables -I DOCKER-USER -o pp-+ -j ACCEPT"
UFW = "ufw route allow in on BRIDGE; ufw route allow out on BRIDGE (podpy network ls: the bridges)"
FIREWALLD = "firewall-cmd --permanent --zone=trusted --add-interface=BRIDGE; firewall-cmd --reload"
ACCEPT = 'accept there what has iifname "pp-*" or oifname "pp-*"'
LET_IN = 'accept there udp and tcp port 53 with iifname "pp-*": pods ask their name server'


class Block(Value):
    """Something of the host's that may keep traffic of pods; `hint` is what to do about it."""

    text: str
    hint: str


def blocks(own: str) -> tuple[Block, ...]:
    """Return what of this host's firewall, but the table `own`, may be in the way."""
    from runtime.net import nftables

    return (*of_chains(nftables.chains(), own), *_legacy())


def of_chains(chains: Iterable[Chain], own: str) -> Iterator[Block]:
    """Judge the chains of all tables. Pure."""
    foreign = [chain for chain in chains if (chain.family, chain.table) != ("inet", own)]
    names = {chain.name for chain in foreign}
    if "firewalld" in {chain.table for chain in foreign}:
        text = "firewalld rejects what no zone of it lets through, from pods and to them"
        yield Block(text=text, hint=FIREWALLD)
    dropping = [chain for chain in foreign if chain.policy == "drop"]
    for chain in dropping:
        title = f"{chain.family} {chain.table} {chain.name}"
        if chain.hook == "forward":
            text = f"chain {title} drops forwarded traffic by default"
            yield Block(text=text, hint=_let_through(names))
        elif chain.hook == "input":
            yield Block(text=f"chain {title} drops what comes to this host by default", hint=LET_IN)


def _let_through(names: set[str]) -> str:
    """Say what to do, in the words of whoever made the chains of these names."""
    if "DOCKER-USER" in names:
        return DOCKER
    return UFW if "ufw-user-forward" in names else ACCEPT


def _legacy() -> Iterator[Block]:
    """Rules of iptables-legacy are beside nftables, and only its own program lists them."""
    from runtime import proc

    try:
        with open("/proc/net/ip_tables_names", encoding="ascii") as file:
            if "filter" not in file.read().split():
                return
    except OSError:
        return
    tool = proc.find("iptables-legacy")
    try:
        listed = proc.run(tool, "-S", timeout=10).text if tool else ""
    except Fault:
        listed = ""
    yield from of_legacy(listed)


def of_legacy(listed: str) -> Iterator[Block]:
    """Judge the list of iptables-legacy -S; "" where it could not be made. Pure."""
    if not listed:
        text = "rules of iptables-legacy are in force that cannot be listed"
        yield Block(text=text, hint="see iptables-legacy -S for a policy DROP")
    if "-P FORWARD DROP" in listed:
        docker = "-N DOCKER-USER" in listed
        hint = (DOCKER if docker else "iptables -I FORWARD -i pp-+ -j ACCEPT").replace(
            "iptables ", "iptables-legacy "
        )
        text = "chain FORWARD of iptables-legacy drops forwarded traffic by default"
        yield Block(text=text, hint=hint)
