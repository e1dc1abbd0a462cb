"""Pack and unpack what netlink's messages are made of: headers, attributes, addresses.

For runtime.net.requests, which says what to do, and runtime.net.rtnetlink and nfnetlink, which say
it to the kernel. Pure. Numbers are from linux/netlink.h, linux/rtnetlink.h and linux/if_link.h.
"""

from __future__ import annotations

import _socket as socket  # without selectors and enums: 2 ms of every command
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NEWLINK, DELLINK, GETLINK = 16, 17, 18
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
NEWNEIGH, DELNEIGH, GETNEIGH = 28, 29, 30
ERROR, DONE = 2, 3

REQUEST, ACK, REPLACE, EXCL, CREATE, DUMP = 0x1, 0x4, 0x100, 0x200, 0x400, 0x300
DUMP_INTERRUPTED = 0x10
CAPPED, TLVS = 0x100, 0x200
"""Of an answer: the request's body was left out; attributes follow."""

IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_MASTER = 1, 3, 4, 10
IFLA_LINKINFO, IFLA_IFALIAS, IFLA_NET_NS_FD, IFLA_EXT_MASK = 18, 20, 28, 29
IFLA_LINK_NETNSID = 37
IFLA_TX_QUEUES, IFLA_RX_QUEUES = 31, 32
INFO_KIND, INFO_DATA, INFO_PORT_KIND, INFO_PORT_DATA = 1, 2, 4, 5
VETH_PEER, PORT_HAIRPIN = 1, 4
SKIP_STATISTICS = 8
IFF_UP = 1
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_TABLE = 1, 4, 5, 15
NDA_DST, NDA_LLADDR = 1, 2
NUD_PERMANENT = 0x80
MAIN_TABLE, STATIC, UNIVERSE, UNICAST = 254, 4, 0, 1

HEADER = struct.Struct("=LHHLL")
LINK = struct.Struct("=BxHiII")
ADDRESS = struct.Struct("=BBBBi")
ROUTE = struct.Struct("=BBBBBBBBI")
NEIGHBOUR = struct.Struct("=BxxxiHBB")
ATTRIBUTE = struct.Struct("=HH")
U32 = struct.Struct("=I")
I32 = struct.Struct("=i")
_KIND = 0x3FFF
"""An attribute's number without its flags "nested" and "big-endian"."""


def packed(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    return HEADER.pack(HEADER.size + len(body), kind, flags, sequence, 0) + body


def split(answer: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    at = 0
    while at < len(answer):
        size, kind, flags, sequence, _port = HEADER.unpack_from(answer, at)
        yield kind, flags, sequence, answer[at + HEADER.size : at + size]
        at += size + 3 & ~3


def attribute(kind: int, value: bytes) -> bytes:
    return ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    """Pack attributes into one, marked as holding others."""
    return attribute(kind | 1 << 15, b"".join(attributes))


def u32(kind: int, value: int) -> bytes:
    return attribute(kind, U32.pack(value))


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def attributes(body: bytes, at: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while at + 4 <= len(body):
        size, kind = ATTRIBUTE.unpack_from(body, at)
        found[kind & _KIND] = body[at + 4 : at + size]
        at += size + 3 & ~3
    return found


def read_text(value: bytes | None) -> str:
    return (value or b"").rstrip(b"\0").decode(errors="replace")


def read_u32(value: bytes | None) -> int:
    return int(U32.unpack(value)[0]) if value else 0


def read_i32(value: bytes | None, missing: int) -> int:
    return int(I32.unpack(value)[0]) if value else missing


def packed_address(address: str) -> tuple[int, bytes]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.inet_pton(family, address)


def packed_mac(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))
