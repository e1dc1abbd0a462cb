"""Talk rtnetlink: carry out requests (runtime.net.requests), and list links, addresses, routes.

`Socket().apply([...])` sends any number of runtime.net.requests in one system call and reads an
answer to each; `links()` and the other lists hold only what podpy compares. A Socket acts in the
network namespace of the thread that opened it. pyroute2 knows all of this and takes 190 ms to
import, three times what starting a pod takes.
"""

from __future__ import annotations

import _socket as socket  # without selectors and enums: 2 ms of every command
import errno

from manifests.value import Value
from runtime.net import netlink, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from manifests.faults import HostFault
    from runtime.net.requests import Message


class Link(Value):
    """A network interface; `master` is the index of the bridge that it is a port of, or 0.

    `peer_namespace` is the number by which this namespace knows that of the other end; -1 for none.
    """

    index: int
    name: str
    kind: str = ""
    up: bool = False
    mtu: int = 0
    mac: str = ""
    master: int = 0
    alias: str = ""
    hairpin: bool = False
    peer_namespace: int = -1


class Address(Value):
    index: int
    address: str
    prefix: int


class Route(Value):
    """`destination` "" is the default route; `gateway` "" is a network directly on the link."""

    destination: str
    prefix: int
    gateway: str = ""
    index: int = 0
    table: int = wire.MAIN_TABLE


class Socket(netlink.Socket):
    """A conversation with the kernel about the links of the opening thread's namespace."""

    def __init__(self) -> None:
        super().__init__(socket.NETLINK_ROUTE)

    def apply(self, messages: Sequence[Message]) -> None:
        """Carry out all messages in their order, in one system call.

        Every message is tried; then the first failure is raised as HostFault, caused by the
        OSError.
        """
        if not messages:
            return
        first = self._sequence + 1
        self.send(*(self.numbered(one.kind, one.flags | wire.ACK, one.body) for one in messages))
        failure: HostFault | None = None
        waiting = len(messages)
        while waiting:
            for kind, flags, sequence, body in wire.split(self.receive(messages[0].what)):
                if kind != wire.ERROR or sequence < first:
                    continue
                waiting -= 1
                fault = _fault(messages[sequence - first], flags, body)
                failure = failure or fault
        if failure is not None:
            raise failure

    def links(self) -> list[Link]:
        ask = wire.LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + wire.u32(
            wire.IFLA_EXT_MASK, wire.SKIP_STATISTICS
        )
        return [_read_link(body) for body in self.dump(wire.GETLINK, ask, "links")]

    def link(self, name: str = "", *, index: int = 0) -> Link | None:
        """Return one link, by name or index; None where there is none. No list is read."""
        what = f"link {name or index}"
        ask = wire.LINK.pack(socket.AF_UNSPEC, 0, index, 0, 0) + wire.u32(
            wire.IFLA_EXT_MASK, wire.SKIP_STATISTICS
        )
        if name:
            ask += wire.text(wire.IFLA_IFNAME, name)
        self.send(self.numbered(wire.GETLINK, 0, ask))
        while True:
            for kind, _flags, sequence, body in wire.split(self.receive(what)):
                if sequence != self._sequence:
                    continue
                if kind != wire.ERROR:
                    return _read_link(body)
                number = -wire.I32.unpack_from(body)[0]
                if number == errno.ENODEV:
                    return None
                raise netlink.failure(number, f"{what} cannot be read")

    def addresses(self, family: int = socket.AF_INET) -> list[Address]:
        ask = wire.ADDRESS.pack(family, 0, 0, 0, 0)
        return [_read_address(body) for body in self.dump(wire.GETADDR, ask, "addresses")]

    def routes(self, family: int = socket.AF_INET) -> list[Route]:
        """Return the unicast routes of every table; those to local addresses are left out."""
        ask = wire.ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
        return [
            _read_route(body)
            for body in self.dump(wire.GETROUTE, ask, "routes")
            if wire.ROUTE.unpack_from(body)[7] == wire.UNICAST
        ]


def index_of(name: str) -> int | None:
    """Return the index of a link of the calling thread's namespace; None when there is none."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return None


def _read_link(body: bytes) -> Link:
    _family, _type, index, flags, _change = wire.LINK.unpack_from(body)
    found = wire.attributes(body, wire.LINK.size)
    info = wire.attributes(found.get(wire.IFLA_LINKINFO, b""), 0)
    port = wire.attributes(info.get(wire.INFO_PORT_DATA, b""), 0)
    return Link(
        index=index,
        name=wire.read_text(found.get(wire.IFLA_IFNAME)),
        kind=wire.read_text(info.get(wire.INFO_KIND)),
        up=bool(flags & wire.IFF_UP),
        mtu=wire.read_u32(found.get(wire.IFLA_MTU)),
        mac=found.get(wire.IFLA_ADDRESS, b"").hex(":"),
        master=wire.read_u32(found.get(wire.IFLA_MASTER)),
        alias=wire.read_text(found.get(wire.IFLA_IFALIAS)),
        peer_namespace=wire.read_i32(found.get(wire.IFLA_LINK_NETNSID), -1),
        hairpin=port.get(wire.PORT_HAIRPIN, b"\0") != b"\0",
    )


def _read_address(body: bytes) -> Address:
    family, prefix, _flags, _scope, index = wire.ADDRESS.unpack_from(body)
    found = wire.attributes(body, wire.ADDRESS.size)
    number = found.get(wire.IFA_LOCAL) or found.get(wire.IFA_ADDRESS, b"")
    return Address(index=index, address=socket.inet_ntop(family, number), prefix=prefix)


def _read_route(body: bytes) -> Route:
    family, prefix, _source, _tos, table, *_rest = wire.ROUTE.unpack_from(body)
    found = wire.attributes(body, wire.ROUTE.size)
    destination, gateway = found.get(wire.RTA_DST), found.get(wire.RTA_GATEWAY)
    return Route(
        destination=socket.inet_ntop(family, destination) if destination else "",
        prefix=prefix,
        gateway=socket.inet_ntop(family, gateway) if gateway else "",
        index=wire.read_u32(found.get(wire.RTA_OIF)),
        table=wire.read_u32(found.get(wire.RTA_TABLE)) or table,
    )


def _fault(message: Message, flags: int, body: bytes) -> HostFault | None:
    """Read the answer to `message`: None when it was carried out."""
    number = -wire.I32.unpack_from(body)[0]
    if number == 0 or number in message.done_already:
        return None
    said = ""
    if flags & wire.TLVS:
        # The request's header follows the number, and its body where it was not left out.
        request = (
            wire.HEADER.unpack_from(body, 4)[0] if not flags & wire.CAPPED else wire.HEADER.size
        )
        said = wire.read_text(wire.attributes(body, 4 + request).get(1))
    return netlink.failure(number, message.what, said)
