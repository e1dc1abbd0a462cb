"""Say what shall become of links, addresses, routes and neighbours: one Message for each wish.

Pure: runtime.net.rtnetlink.Socket.apply carries Messages out, any number at once.
"""

from __future__ import annotations

import errno

from manifests.value import Value
from runtime.net import wire


class Message(Value):
    """One request: what it is about, for the error, and the errnos that count as done."""

    kind: int
    flags: int
    body: bytes
    what: str
    done_already: tuple[int, ...] = ()


class Peer(Value):
    """The end of a veth that is born in the network namespace behind the descriptor `netns`."""

    name: str
    mac: str
    netns: int


def bridge(name: str, *, mac: str, mtu: int) -> Message:
    """Create a bridge. Its MAC is set, or it would change with its ports'."""
    kind = wire.attribute(wire.INFO_KIND, b"bridge")
    attributes = [
        wire.text(wire.IFLA_IFNAME, name),
        wire.attribute(wire.IFLA_ADDRESS, wire.packed_mac(mac)),
        wire.u32(wire.IFLA_MTU, mtu),
        wire.attribute(wire.IFLA_LINKINFO, kind),
    ]
    body = wire.LINK.pack(0, 0, 0, 0, 0) + b"".join(attributes)
    what = f"link {name}: cannot create the bridge"
    return Message(kind=wire.NEWLINK, flags=wire.CREATE | wire.EXCL, body=body, what=what)


def veth(name: str, *, master: int, mtu: int, peer: Peer) -> Message:
    """Create a pair: `name` up here as a port of `master`, its peer down in its namespace.

    A peer cannot be born up (ENOTCONN). One queue is what a pair uses without XDP; by default the
    kernel makes as many as there are CPUs.
    """
    queues = wire.u32(wire.IFLA_TX_QUEUES, 1) + wire.u32(wire.IFLA_RX_QUEUES, 1)
    other = wire.LINK.pack(0, 0, 0, 0, 0) + b"".join(
        [
            wire.text(wire.IFLA_IFNAME, peer.name),
            wire.attribute(wire.IFLA_ADDRESS, wire.packed_mac(peer.mac)),
            wire.u32(wire.IFLA_MTU, mtu),
            wire.u32(wire.IFLA_NET_NS_FD, peer.netns),
            queues,
        ]
    )
    info = wire.attribute(wire.INFO_KIND, b"veth") + wire.attribute(
        wire.INFO_DATA, wire.attribute(wire.VETH_PEER, other)
    )
    attributes = [
        wire.text(wire.IFLA_IFNAME, name),
        wire.u32(wire.IFLA_MTU, mtu),
        wire.u32(wire.IFLA_MASTER, master),
        queues,
        wire.attribute(wire.IFLA_LINKINFO, info),
    ]
    body = wire.LINK.pack(0, 0, 0, wire.IFF_UP, wire.IFF_UP) + b"".join(attributes)
    what = f"link {name}: cannot create the pair with {peer.name}"
    return Message(kind=wire.NEWLINK, flags=wire.CREATE | wire.EXCL, body=body, what=what)


def set_link(
    name: str,
    *,
    up: bool | None = None,
    mtu: int | None = None,
    alias: str | None = None,
    master: int | None = None,
    hairpin: bool | None = None,
) -> Message:
    """Change what is given of the link; `master` 0 takes it out of its bridge.

    `hairpin` lets a bridge send a frame back by the port that it came from.
    """
    attributes = [wire.text(wire.IFLA_IFNAME, name)]
    if mtu is not None:
        attributes.append(wire.u32(wire.IFLA_MTU, mtu))
    if alias is not None:
        attributes.append(wire.attribute(wire.IFLA_IFALIAS, alias.encode()))
    if master is not None:
        attributes.append(wire.u32(wire.IFLA_MASTER, master))
    if hairpin is not None:
        data = wire.attribute(wire.PORT_HAIRPIN, bytes([hairpin]))
        info = wire.text(wire.INFO_PORT_KIND, "bridge") + wire.attribute(wire.INFO_PORT_DATA, data)
        attributes.append(wire.attribute(wire.IFLA_LINKINFO, info))
    flags, change = (0, 0) if up is None else (wire.IFF_UP if up else 0, wire.IFF_UP)
    body = wire.LINK.pack(0, 0, 0, flags, change) + b"".join(attributes)
    # RTM_SETLINK would pass over what belongs to a bridge's port.
    return Message(kind=wire.NEWLINK, flags=0, body=body, what=f"link {name}: cannot be changed")


def delete_link(name: str) -> Message:
    """Delete the link (and a veth's peer); gone already is done. 21 ms for a veth that is up."""
    body = wire.LINK.pack(0, 0, 0, 0, 0) + wire.text(wire.IFLA_IFNAME, name)
    what = f"link {name}: cannot be deleted"
    return Message(kind=wire.DELLINK, flags=0, body=body, what=what, done_already=(errno.ENODEV,))


def address(index: int, address: str, prefix: int) -> Message:
    """Give the link `index` an address; there already is done."""
    return _address(wire.NEWADDR, wire.CREATE | wire.REPLACE, index, address, prefix)


def delete_address(index: int, address: str, prefix: int) -> Message:
    """Take an address from the link `index`; gone already is done."""
    return _address(wire.DELADDR, 0, index, address, prefix)


def _address(kind: int, flags: int, index: int, address: str, prefix: int) -> Message:
    family, number = wire.packed_address(address)
    body = (
        wire.ADDRESS.pack(family, prefix, 0, 0, index)
        + wire.attribute(wire.IFA_LOCAL, number)
        + wire.attribute(wire.IFA_ADDRESS, number)
    )
    verb = "be given" if kind == wire.NEWADDR else "lose"
    return Message(
        kind=kind,
        flags=flags,
        body=body,
        what=f"link {index}: cannot {verb} the address {address}/{prefix}",
        done_already=(errno.EADDRNOTAVAIL,) if kind == wire.DELADDR else (),
    )


def default_route(gateway: str) -> Message:
    """Send everything without a route of its own to `gateway`; replaces another default route."""
    family, number = wire.packed_address(gateway)
    body = wire.ROUTE.pack(
        family, 0, 0, 0, wire.MAIN_TABLE, wire.STATIC, wire.UNIVERSE, wire.UNICAST, 0
    )
    body += wire.attribute(wire.RTA_GATEWAY, number)
    what = f"cannot route by default to {gateway}"
    return Message(kind=wire.NEWROUTE, flags=wire.CREATE | wire.REPLACE, body=body, what=what)


def neighbour(index: int, address: str, mac: str) -> Message:
    """State for good that `address` is at `mac` on the link `index`, so that nobody asks."""
    family, number = wire.packed_address(address)
    body = wire.NEIGHBOUR.pack(family, index, wire.NUD_PERMANENT, 0, 0)
    body += wire.attribute(wire.NDA_DST, number) + wire.attribute(
        wire.NDA_LLADDR, wire.packed_mac(mac)
    )
    what = f"link {index}: cannot note the neighbour {address}"
    return Message(kind=wire.NEWNEIGH, flags=wire.CREATE | wire.REPLACE, body=body, what=what)


def delete_neighbour(index: int, address: str) -> Message:
    """Forget a neighbour; forgotten already is done."""
    family, number = wire.packed_address(address)
    body = wire.NEIGHBOUR.pack(family, index, 0, 0, 0) + wire.attribute(wire.NDA_DST, number)
    what = f"link {index}: cannot forget the neighbour {address}"
    done = (errno.ENOENT, errno.ENODEV)
    return Message(kind=wire.DELNEIGH, flags=0, body=body, what=what, done_already=done)
