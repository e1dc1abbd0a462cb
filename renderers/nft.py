"""Render podpy's one nftables table: networks and port maps in, rule set text out. Pure.

    sets   links, subnets, internal, within      the networks
    maps   ports, addressed_ports                hostPort -> address and port of a pod
    chains prerouting, output -> host_ports      port maps, from outside and from this host
           postrouting                           ways out and back
           input, forward                        what must not get through

Rules never change: networks and pods come and go as elements of the sets and maps (`elements`), so
the whole table is loaded only where it is not there or is not as podpy made it. What differs from
nft's list of it is renderers.nft_drift; loading is runtime.net. Nothing outside the table is
touched. Needs nft 0.9.4.
"""

from __future__ import annotations

from manifests.faults import Invalid
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Elements = Mapping[str, Mapping[str, str]]


EVERY_ADDRESS = frozenset({"", "0.0.0.0"})  # noqa: S104 - read, not bound


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
    def map(self) -> str:
        return "addressed_ports" if self.host_ip not in EVERY_ADDRESS else "ports"

    @property
    def key(self) -> str:
        """The element's key, as nft writes it."""
        front = "" if self.host_ip in EVERY_ADDRESS else f"{self.host_ip} . "
        return f"{front}{self.protocol.lower()} . {self.host_port}"


class RuleSet(Value):
    """All of one instance: `table` is its name."""

    table: str
    networks: tuple[Network, ...] = ()
    ports: tuple[PortMap, ...] = ()


class SetType(Value):
    """A set, or with `data` a map: the types of the words of its elements."""

    key: tuple[str, ...]
    data: tuple[str, ...] = ()
    interval: bool = False


_ENDPOINT = ("ipv4_addr", "inet_service")
SETS = {
    "links": SetType(key=("ifname",)),
    "subnets": SetType(key=("ipv4_addr",), interval=True),
    "internal": SetType(key=("ifname",)),
    "within": SetType(key=("ifname", "ifname")),
    "ports": SetType(key=("inet_proto", "inet_service"), data=_ENDPOINT),
    "addressed_ports": SetType(key=("ipv4_addr", "inet_proto", "inet_service"), data=_ENDPOINT),
}

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
            # A pod may have port 53 of this host; the others' questions are for their name server.
            (
                "iifname @links fib daddr . iif type local meta l4proto { tcp, udp } th dport 53 "
                "accept",
                "pods to their name server",
            ),
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


def table(rules: RuleSet) -> str:
    """Return the text that puts this whole table in the place of the one there, atomically.

    Raises Invalid when two pods want the same port of the host.
    """
    return _text(rules.table, elements(rules))


def frame(table: str) -> str:
    """Return the table's text without elements: what is the same whatever runs."""
    return _text(table, {})


def elements(rules: RuleSet) -> Elements:
    """Return the elements of every set and map: key -> data, "" in a set, as nft writes them."""
    internal = [network.link for network in rules.networks if network.internal]
    found: dict[str, dict[str, str]] = {
        "links": dict.fromkeys((network.link for network in rules.networks), ""),
        "subnets": dict.fromkeys((network.subnet for network in rules.networks), ""),
        "internal": dict.fromkeys(internal, ""),
        "within": dict.fromkeys((f"{link} . {link}" for link in internal), ""),
        "ports": {},
        "addressed_ports": {},
    }
    for item in rules.ports:
        target = f"{item.address} . {item.port}"
        other = found[item.map].setdefault(item.key, target)
        if other != target:
            raise Invalid(
                f"port {port_text(item.key)} of this host cannot lead to both "
                f"{target_text(other)} and {target_text(target)}"
            )
    return found


def difference(here: Elements, wanted: Elements) -> tuple[Elements, Elements]:
    """Return what to take out of `here` and what to put in, so that it becomes `wanted`."""
    remove, add = {}, {}
    for name in SETS:
        old, new = here.get(name, {}), wanted.get(name, {})
        remove[name] = {key: data for key, data in old.items() if new.get(key) != data}
        add[name] = {key: data for key, data in new.items() if old.get(key) != data}
    return remove, add


def removal(table: str) -> str:
    """Return the text that removes the table; gone already is success."""
    return "\n".join([*_cleared(table), ""])


def port_text(key: str) -> str:
    """Return a key of the maps as people write ports: 192.0.2.2:53/udp."""
    *address, protocol, port = key.split(" . ")
    return "".join([*(f"{word}:" for word in address), f"{port}/{protocol}"])


def target_text(data: str) -> str:
    return data.replace(" . ", ":")


def _text(table: str, held: Elements) -> str:
    lines = [*_cleared(table), f"table inet {table} {{"]
    for name, kind in SETS.items():
        lines.append(f"  {_set(name, kind, held.get(name, {}))}")
    for name, hook, body in _CHAINS:
        lines.append(f"  chain {name} {{")
        if hook:
            lines.append(f"    {hook}")
        lines.extend(f'    {rule} comment "{comment}"' for rule, comment in body)
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


def _set(name: str, kind: SetType, held: Mapping[str, str]) -> str:
    types = " . ".join(kind.key)
    if kind.data:
        types += f" : {' . '.join(kind.data)}"
    flags = " flags interval;" if kind.interval else ""
    written = sorted(
        _quoted(kind, key) + (f" : {data}" if data else "") for key, data in held.items()
    )
    inside = f" elements = {{ {', '.join(written)} }};" if written else ""
    return f"{'map' if kind.data else 'set'} {name} {{ type {types};{flags}{inside} }}"


def _quoted(kind: SetType, key: str) -> str:
    words = zip(kind.key, key.split(" . "), strict=True)
    return " . ".join(f'"{word}"' if of == "ifname" else word for of, word in words)


def _cleared(table: str) -> tuple[str, str]:
    # A table can be deleted only where it is; adding it first costs nothing where it is.
    return f"add table inet {table}", f"delete table inet {table}"
