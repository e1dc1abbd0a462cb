"""Ask the kernel's netfilter directly: the rules' generation, and elements in and out of our sets.

Every change of any rule, whoever makes it, gives the rules a new generation. `change` carries out
one transaction, and only on the generation that its caller knows: whoever remembers the generation
of an own change knows for sure that the table is as it was left, without reading it. Loading whole
tables, and listing them, is runtime.net.nftables.
"""

from __future__ import annotations

import _socket as socket  # without selectors and enums: 2 ms of every command
import errno
import struct
import threading

from manifests.faults import HostFault
from manifests.value import Value
from runtime.net import netlink, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FAMILY = 12
_TABLES = 10 << 8
_NEW_ELEMENTS, _DELETE_ELEMENTS, _GET_GENERATION = _TABLES | 12, _TABLES | 14, _TABLES | 16
_BEGIN, _END = 16, 17
_GENERATION = 1
_TABLE, _SET, _ELEMENTS = 1, 2, 3
_ITEM, _KEY, _DATA, _FLAGS, _VALUE = 1, 1, 2, 3, 1
_INTERVAL_END = 1
_INET = 1
HEADER = struct.Struct("=BBH")
_U32 = struct.Struct("!I")
_PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132}
_LINK_BYTES = 16
_AT_ONCE = 800
"""Elements in one message: an attribute's length has 16 bits."""


class Elements(Value):
    """Elements of one set or map of our `inet` table; `types` are of the words of its keys and
    of its data (() for a set), `items` (key, data) as nft writes them, "tcp . 80"."""

    name: str
    key_types: tuple[str, ...]
    data_types: tuple[str, ...] = ()
    items: tuple[tuple[str, str], ...]


def generation() -> int | None:
    """Return the number of the rules as they are now; None where the kernel has no nftables."""
    with netlink.Socket(FAMILY) as kernel:
        kernel.send(kernel.numbered(_GET_GENERATION, 0, header(socket.AF_UNSPEC)))
        for kind, _flags, _sequence, body in wire.split(kernel.receive("nftables")):
            if kind != wire.ERROR:
                number = wire.attributes(body, HEADER.size)[_GENERATION]
                return int(_U32.unpack(number)[0])
    return None


def change(
    table: str, at: int, *, remove: Sequence[Elements] = (), add: Sequence[Elements] = ()
) -> int:
    """Take elements out and put others in, at once, if the rules are still of generation `at`.

    Returns the generation that this makes. Raises HostFault when anybody changed any rule since,
    one of `remove` is not there, or one of `add` leads elsewhere: nothing is changed then.
    """
    what = f"nft table {table}: elements cannot be changed"
    kernel = netlink.Socket(FAMILY)
    try:
        begin = header(socket.AF_UNSPEC, _TABLES >> 8)
        begin += wire.attribute(_GENERATION, _U32.pack(at))
        changes = [
            kernel.numbered(kind, flags | wire.ACK, body)
            for kind, flags, groups in (
                (_DELETE_ELEMENTS, 0, remove),
                (_NEW_ELEMENTS, wire.CREATE | wire.EXCL, add),
            )
            for elements in groups
            for body in _bodies(table, elements)
        ]
        if not changes:
            return at
        end = kernel.numbered(_END, 0, header(socket.AF_UNSPEC, _TABLES >> 8))
        kernel.send(kernel.numbered(_BEGIN, 0, begin), *changes, end)
        _confirm(kernel, len(changes), what)
    finally:
        # The kernel lets a socket go only when what it has deleted is unused everywhere: 10 ms.
        threading.Thread(target=kernel.close, daemon=True).start()
    return following(at)


def following(generation: int) -> int:
    """Return the generation that one transaction makes of this one."""
    return (generation + 1) & 0xFFFFFFFF or 1


def _confirm(kernel: netlink.Socket, waiting: int, what: str) -> None:
    while waiting:
        for kind, _flags, _sequence, body in wire.split(kernel.receive(what)):
            if kind != wire.ERROR:
                continue
            number = -wire.I32.unpack_from(body)[0]
            if number == errno.ERESTART:
                raise netlink.failure(number, what, "somebody else has just changed rules")
            if number:
                raise netlink.failure(number, what)
            waiting -= 1


def _bodies(table: str, elements: Elements) -> Iterator[bytes]:
    packed = [item for key, data in elements.items for item in _items(elements, key, data)]
    head = header(_INET) + wire.text(_TABLE, table) + wire.text(_SET, elements.name)
    for start in range(0, len(packed), _AT_ONCE):
        yield head + wire.nested(_ELEMENTS, *packed[start : start + _AT_ONCE])


def _items(elements: Elements, key: str, data: str) -> Iterator[bytes]:
    """Give the element; a subnet is two: its first address, and the end that follows the last."""
    address, slash, prefix = key.partition("/")
    packed = _words(elements.key_types, address if slash else key)
    content = (
        wire.nested(_DATA, wire.attribute(_VALUE, _words(elements.data_types, data)))
        if data
        else b""
    )
    yield wire.nested(_ITEM, wire.nested(_KEY, wire.attribute(_VALUE, packed)), content)
    if slash:
        end = _U32.pack(_U32.unpack(packed)[0] + (1 << (32 - int(prefix))))
        flags = wire.attribute(_FLAGS, _U32.pack(_INTERVAL_END))
        yield wire.nested(_ITEM, flags, wire.nested(_KEY, wire.attribute(_VALUE, end)))


def _words(types: Iterable[str], text: str) -> bytes:
    """Pack "tcp . 8080": every word of a concatenation fills whole registers of four bytes."""
    return b"".join(_word(kind, word) for kind, word in zip(types, text.split(" . "), strict=True))


def _word(kind: str, word: str) -> bytes:
    match kind:
        case "ipv4_addr":
            return socket.inet_aton(word)
        case "inet_proto":
            return bytes([_PROTOCOLS[word], 0, 0, 0])
        case "inet_service":
            return struct.pack("!Hxx", int(word))
        case "ifname":
            return word.encode().ljust(_LINK_BYTES, b"\0")
    raise HostFault(f"nft type {kind}: podpy has no such elements")


def header(family: int, resource: int = 0) -> bytes:
    """Return what begins every message of netfilter's."""
    return HEADER.pack(family, 0, socket.htons(resource))
