"""Forget UDP connections that a change of port maps has made stale, in the kernel's conntrack.

Where a datagram goes is decided with the first of its connection, and every later one keeps that
alive: a client that goes on sending from one socket would never reach the pod that takes the place
of another, or that comes after it had begun. A TCP connection ends by itself. Needs nothing but
netlink; without the kernel's nf_conntrack_netlink (`available`) such clients wait until they have
been silent for half a minute, or two.
"""

from __future__ import annotations

import _socket as socket  # without selectors and enums: 2 ms of every command
import errno
import struct

from manifests.faults import HostFault
from manifests.value import Value
from runtime.net import netlink, nfnetlink, rtnetlink, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Maps = Mapping[str, Mapping[str, str]]

_CONNECTIONS = 1 << 8
_GET, _DELETE = _CONNECTIONS | 1, _CONNECTIONS | 2
_ORIGINAL, _REPLY, _ID, _ZONE, _FILTER = 1, 2, 12, 18, 25
_ADDRESSES, _PORTS = 1, 2
_SOURCE_ADDRESS, _TARGET_ADDRESS = 1, 2
_PROTOCOL, _SOURCE_PORT, _TARGET_PORT = 1, 2, 3
_FILTER_ORIGINAL = 1
_BY_PROTOCOL, _BY_TARGET_PORT = 1 << 3, 1 << 5
_UDP = 17
_PORT = struct.Struct("!H")
_ABSENT = (errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT)
_AT_ONCE = 100
"""Answers wait in the socket's buffer, which has room for a few hundred."""


class Connection(Value):
    """A UDP connection: whom it was begun with, and who answers it. `names` tells it again."""

    address: str
    port: int
    answered_by: tuple[str, int]
    names: bytes


def available() -> bool:
    """Say whether this kernel lists connections at all."""
    with netlink.Socket(nfnetlink.FAMILY) as kernel:
        try:
            _listed(kernel, frozenset({0}))
        except HostFault as fault:
            if netlink.failed_with(fault, *_ABSENT):
                return False
            raise
    return True


def forget_stale(before: Maps, now: Maps) -> int:
    """Forget the UDP connections to this host's ports whose way changed from `before` to `now`.

    Both are the elements of renderers.nft's maps: "udp . 53" -> "10.64.0.5 . 53". Returns how many
    there were; none where the kernel does not list connections.
    """
    changed = frozenset(_changed(before, now))
    if not changed:
        return 0
    with netlink.Socket(nfnetlink.FAMILY) as kernel:
        try:
            found = _listed(kernel, frozenset(port for _address, port in changed))
        except HostFault as fault:
            if netlink.failed_with(fault, *_ABSENT):
                return 0
            raise
        ours = {one for one in found if _concerned(one, changed)}
        ends = frozenset(_ends(before)) | frozenset(_ends(now))
        local = _local_addresses() if ours else frozenset()
        stale = [one for one in ours if is_stale(one, now, ends, local)]
        for start in range(0, len(stale), _AT_ONCE):
            _forget(kernel, stale[start : start + _AT_ONCE])
    return len(stale)


def is_stale(one: Connection, now: Maps, ends: frozenset[str], local: frozenset[str]) -> bool:
    """Say whether a connection leads elsewhere than a new one would. Pure.

    `ends` are addresses of pods before and now, `local` those of this host. What others have
    translated, or only passes through this host, is not podpy's.
    """
    wanted = now.get("addressed_ports", {}).get(f"{one.address} . udp . {one.port}", "")
    wanted = wanted or now.get("ports", {}).get(f"udp . {one.port}", "")
    address, port = one.answered_by
    if f"{address} . {port}" == wanted:
        return False
    if one.answered_by == (one.address, one.port):
        return bool(wanted) and one.address in local
    return address in ends


def _changed(before: Maps, now: Maps) -> Iterator[tuple[str, int]]:
    """Give (address, port) of every UDP port that leads elsewhere now; "" is each address."""
    for name in ("ports", "addressed_ports"):
        old, new = before.get(name, {}), now.get(name, {})
        for key in {*old, *new}:
            *address, protocol, port = key.split(" . ")
            if protocol == "udp" and old.get(key) != new.get(key):
                yield "".join(address), int(port)


def _concerned(one: Connection, changed: frozenset[tuple[str, int]]) -> bool:
    return bool(changed & {("", one.port), (one.address, one.port)})


def _ends(maps: Maps) -> Iterator[str]:
    for name in ("ports", "addressed_ports"):
        for data in maps.get(name, {}).values():
            yield data.partition(" . ")[0]


def _local_addresses() -> frozenset[str]:
    with rtnetlink.Socket() as kernel:
        return frozenset(item.address for item in kernel.addresses()) | {"127.0.0.1"}


def _listed(kernel: netlink.Socket, ports: frozenset[int]) -> list[Connection]:
    """Return the UDP connections begun with one of these ports of any address."""
    # The kernel leaves out what does not match, from 5.8 on; here it is looked at again.
    by, protocol = _BY_PROTOCOL, wire.attribute(_PROTOCOL, bytes([_UDP]))
    if len(ports) == 1:
        by |= _BY_TARGET_PORT
        protocol += wire.attribute(_TARGET_PORT, _PORT.pack(*ports))
    ask = nfnetlink.header(socket.AF_INET)
    ask += wire.nested(_ORIGINAL, wire.nested(_ADDRESSES), wire.nested(_PORTS, protocol))
    ask += wire.nested(_FILTER, wire.u32(_FILTER_ORIGINAL, by))
    bodies = kernel.dump(_GET, ask, "connections")
    found = (_read(body) for body in bodies)
    return [one for one in found if one is not None and one.port in ports]


def _read(body: bytes) -> Connection | None:
    """Read a connection; None for what is not UDP over IPv4."""
    held = wire.attributes(body, nfnetlink.HEADER.size)
    begun, answered = (_tuple(held.get(kind, b"")) for kind in (_ORIGINAL, _REPLY))
    if begun is None or answered is None:
        return None
    names = wire.nested(_ORIGINAL, held[_ORIGINAL])
    for kind in (_ID, _ZONE):
        if kind in held:
            names += wire.attribute(kind, held[kind])
    _source, (address, port) = begun
    return Connection(address=address, port=port, answered_by=answered[0], names=names)


def _tuple(nested: bytes) -> tuple[tuple[str, int], tuple[str, int]] | None:
    """Return source and target of one direction of a UDP connection."""
    held = wire.attributes(nested, 0)
    addresses = wire.attributes(held.get(_ADDRESSES, b""), 0)
    ports = wire.attributes(held.get(_PORTS, b""), 0)
    if ports.get(_PROTOCOL) != bytes([_UDP]) or _SOURCE_ADDRESS not in addresses:
        return None
    source, target = (
        (socket.inet_ntoa(addresses[address]), int(_PORT.unpack(ports[port])[0]))
        for address, port in ((_SOURCE_ADDRESS, _SOURCE_PORT), (_TARGET_ADDRESS, _TARGET_PORT))
    )
    return source, target


def _forget(kernel: netlink.Socket, connections: list[Connection]) -> None:
    head = nfnetlink.header(socket.AF_INET)
    kernel.send(*(kernel.numbered(_DELETE, wire.ACK, head + one.names) for one in connections))
    waiting = len(connections)
    while waiting:
        for kind, _flags, _sequence, body in wire.split(kernel.receive("connections")):
            number = -wire.I32.unpack_from(body)[0] if kind == wire.ERROR else 0
            # One that has ended meanwhile is as good as forgotten.
            if number not in (0, errno.ENOENT):
                raise netlink.failure(number, "a UDP connection cannot be forgotten")
            waiting -= kind == wire.ERROR
