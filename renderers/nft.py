"""Render podpy's one nftables table: networks and port maps in, rule set text out. Pure.

    sets   links, subnets, internal, within      the networks
    maps   ports, addressed_ports                hostPort -> address and port of a pod
    chains prerouting, output -> host_ports      port maps, from outside and from this host
           postrouting                           ways out and back
           input, forward                        what must not get through

Rules never change, so starting and stopping pods adds and removes map elements. Each rule carries
a comment, by which `drift` knows it again whatever way this nft version lists it. Loading and
listing is runtime.net.nftables; nothing outside the table is touched. Needs nft 0.9.4.
"""

from __future__ import annotations

from manifests.faults import Invalid
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    Key = tuple[str | int, ...]


class Network(Value):
    """A bridge whose pods may leave the host by NAT, or, if `internal`, may not leave it."""

    link: str
    subnet: str
    internal: bool = False


class PortMap(Value):
    """A port of the host that leads to a pod's; `host_ip` "" means each address of the host."""

    protocol: str
    host_port: int
    address: str
    port: int
    host_ip: str = ""

    @property
    def key(self) -> Key:
        front = (self.host_ip,) if _addressed(self) else ()
        return (*front, self.protocol.lower(), self.host_port)


class RuleSet(Value):
    """All of one instance: `table` is its name."""

    table: str
    networks: tuple[Network, ...] = ()
    ports: tuple[PortMap, ...] = ()


# Chains in their order: name, hook or "", and rules with the comment of each.
_CHAINS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "host_ports",
        "",
        (
            (
                "dnat ip to ip daddr . meta l4proto . th dport map @addressed_ports",
                "ports of one address of this host",
            ),
            ("dnat ip to meta l4proto . th dport map @ports", "ports of this host"),
        ),
    ),
    (
        "prerouting",
        "type nat hook prerouting priority -100; policy accept;",
        (
            # NAT comes before the kernel drops what claims to go to 127.0.0.1 from elsewhere.
            ('iifname != "lo" ip daddr 127.0.0.0/8 accept', "loopback is only for this host"),
            ("fib daddr type local jump host_ports", "to this host"),
        ),
    ),
    (
        "output",
        "type nat hook output priority -100; policy accept;",
        (("fib daddr type local jump host_ports", "from this host to itself"),),
    ),
    (
        "postrouting",
        "type nat hook postrouting priority 100; policy accept;",
        (
            (
                'ip saddr @subnets oifname != "lo" oifname != @links masquerade',
                "pods on their way out",
            ),
            ("ip saddr 127.0.0.0/8 oifname @links masquerade", "localhost to a port of this host"),
            (
                "ct status dnat ip saddr @subnets oifname @links masquerade",
                "pods to a port of this host",
            ),
            # Their pods have no route by which another address of the host could be answered.
            ("ct status dnat oifname @internal masquerade", "this host to internal networks"),
        ),
    ),
    (
        "input",
        "type filter hook input priority 0; policy accept;",
        (
            # route_localnet, which localhost:hostPort needs, would let pods in here otherwise.
            (
                "iifname @links ip daddr 127.0.0.0/8 ct direction original drop",
                "pods to the loopback of this host",
            ),
            ("iifname @links ip saddr 127.0.0.0/8 drop", "pods that claim to be this host"),
        ),
    ),
    (
        "forward",
        "type filter hook forward priority 0; policy accept;",
        (
            ("iifname @internal iifname . oifname != @within drop", "out of internal networks"),
            ("oifname @internal iifname . oifname != @within drop", "into internal networks"),
        ),
    ),
)
_HOOKED = {"prerouting": -100, "output": -100, "postrouting": 100, "input": 0, "forward": 0}


def table(rules: RuleSet) -> str:
    """Return the text that puts this whole table in the place of the one there, atomically.

    Raises Invalid when two pods want the same port of the host.
    """
    ports, addressed = _port_elements(rules.ports)
    links = {f'"{network.link}"' for network in rules.networks}
    internal = {f'"{network.link}"' for network in rules.networks if network.internal}
    sets = [
        ("set links", "type ifname;", links),
        ("set subnets", "type ipv4_addr; flags interval;", {n.subnet for n in rules.networks}),
        ("set internal", "type ifname;", internal),
        ("set within", "type ifname . ifname;", {f"{name} . {name}" for name in internal}),
        ("map ports", "type inet_proto . inet_service : ipv4_addr . inet_service;", ports),
        (
            "map addressed_ports",
            "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;",
            addressed,
        ),
    ]
    lines = [*_cleared(rules.table), f"table inet {rules.table} {{"]
    for name, kind, elements in sets:
        held = f" elements = {{ {', '.join(sorted(elements))} }};" if elements else ""
        lines.append(f"  {name} {{ {kind}{held} }}")
    for name, hook, body in _CHAINS:
        lines.append(f"  chain {name} {{")
        if hook:
            lines.append(f"    {hook}")
        lines.extend(f'    {rule} comment "{comment}"' for rule, comment in body)
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


def change(table: str, *, remove: Iterable[PortMap] = (), add: Iterable[PortMap] = ()) -> str:
    """Return one transaction that takes port maps out of the table and puts others in.

    It fails as a whole when one of `remove` is not there or one of `add` leads elsewhere already:
    then the table has drifted, and loading `table` anew is the answer. "" when nothing changes.
    """
    lines = []
    for verb, maps in (("delete", remove), ("add", add)):
        for name, elements in zip(("ports", "addressed_ports"), _port_elements(maps), strict=True):
            if elements:
                held = ", ".join(sorted(elements))
                lines.append(f"{verb} element inet {table} {name} {{ {held} }}\n")
    return "".join(lines)


def removal(table: str) -> str:
    """Return the text that removes the table; gone already is success."""
    return "\n".join([*_cleared(table), ""])


def drift(wanted: RuleSet, listed: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Say what differs between the wanted table and nft's JSON list of it (None: not there)."""
    if listed is None:
        return (f"nft table {wanted.table} was missing",)
    found = _Listed(listed)
    wrong = []
    networks = wanted.networks
    for name, want in (
        ("links", {network.link for network in networks}),
        ("subnets", {network.subnet for network in networks}),
        ("internal", {network.link for network in networks if network.internal}),
        ("within", {f"{n.link} . {n.link}" for n in networks if n.internal}),
    ):
        if found.sets.get(name) != want:
            wrong.append(f"nft set {name} was not as podpy made it")
    for name in ("ports", "addressed_ports"):
        here = {m.key: (m.address, m.port) for m in wanted.ports if _map_of(m) == name}
        wrong.extend(_port_drift(here, found.maps.get(name)))
    for name, _hook, body in _CHAINS:
        if found.chains.get(name) != (_HOOKED.get(name), "accept" if name in _HOOKED else None):
            wrong.append(f"nft chain {name} was not as podpy made it")
        elif found.rules.get(name, []) != [comment for _rule, comment in body]:
            wrong.append(f"the rules of nft chain {name} were not as podpy made them")
    return tuple(wrong)


def _port_drift(
    wanted: Mapping[Key, tuple[str, int]], found: Mapping[Key, tuple[str, int]] | None
) -> list[str]:
    if found is None:
        return ["an nft map of ports was missing"]
    wrong = []
    for key in sorted({*wanted, *found}, key=repr):
        said = f"port {_shown(key)}"
        if key not in wanted:
            wrong.append(f"{said} led to {_target(found[key])}, without a pod that wants it")
        elif key not in found:
            wrong.append(f"{said} did not lead to {_target(wanted[key])}")
        elif found[key] != wanted[key]:
            wrong.append(f"{said} led to {_target(found[key])}, not {_target(wanted[key])}")
    return wrong


class _Listed:
    """nft's JSON, sorted by what it is."""

    def __init__(self, listed: Mapping[str, Any]) -> None:
        self.sets: dict[str, set[str]] = {}
        self.maps: dict[str, dict[Key, tuple[str, int]]] = {}
        self.chains: dict[str, tuple[int | None, str | None]] = {}
        self.rules: dict[str, list[str]] = {}
        for entry in listed.get("nftables", []):
            for kind, body in entry.items():
                self._take(kind, body)

    def _take(self, kind: str, body: Mapping[str, Any]) -> None:
        if kind == "set":
            self.sets[body["name"]] = {_set_element(item) for item in body.get("elem", [])}
        elif kind == "map":
            self.maps[body["name"]] = {
                tuple(_words(key)): (target[0], target[1])
                for key, value in body.get("elem", [])
                for target in [_words(value)]
            }
        elif kind == "chain":
            self.chains[body["name"]] = (body.get("prio"), body.get("policy"))
        elif kind == "rule":
            self.rules.setdefault(body["chain"], []).append(body.get("comment", ""))


def _set_element(item: Any) -> str:
    if isinstance(item, dict) and "prefix" in item:
        return f"{item['prefix']['addr']}/{item['prefix']['len']}"
    return " . ".join(str(word) for word in _words(item))


def _words(item: Any) -> list[Any]:
    """Return the parts of a concatenation, whatever nft has wrapped around it."""
    if isinstance(item, dict):
        if "elem" in item:
            return _words(item["elem"]["val"])
        if "concat" in item:
            return list(item["concat"])
    return [item]


def _port_elements(maps: Iterable[PortMap]) -> tuple[set[str], set[str]]:
    seen: dict[Key, PortMap] = {}
    elements: dict[str, set[str]] = {"ports": set(), "addressed_ports": set()}
    for item in maps:
        other = seen.setdefault(item.key, item)
        if other != item:
            both = (
                f"{_target((other.address, other.port))} and {_target((item.address, item.port))}"
            )
            raise Invalid(f"port {_shown(item.key)} of this host cannot lead to both {both}")
        key = " . ".join(str(word) for word in item.key)
        elements[_map_of(item)].add(f"{key} : {item.address} . {item.port}")
    return elements["ports"], elements["addressed_ports"]


def _map_of(item: PortMap) -> str:
    return "addressed_ports" if _addressed(item) else "ports"


def _addressed(item: PortMap) -> bool:
    return item.host_ip not in ("", "0.0.0.0")  # noqa: S104 - read, not bound


def _cleared(table: str) -> tuple[str, str]:
    # A table can be deleted only where it is; adding it first costs nothing where it is.
    return f"add table inet {table}", f"delete table inet {table}"


def _shown(key: Key) -> str:
    *address, protocol, port = key
    return "".join([*(f"{word}:" for word in address), f"{port}/{protocol}"])


def _target(target: tuple[str, int]) -> str:
    return f"{target[0]}:{target[1]}"
