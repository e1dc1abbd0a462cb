"""Look at the host's network from a user's namespaces: by way of slirp4netns, which is in it."""

from __future__ import annotations

import socket
import struct

from runtime.net.listeners import Listener
from runtime.net.subnets import Used
from runtime.rootless import record, slirp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from runtime.paths import Paths

_FILES = {"TCP": ("tcp", "tcp6"), "UDP": ("udp", "udp6")}
_STATES = {"TCP": "0A", "UDP": "07"}
"""TCP_LISTEN, and TCP_CLOSE, which UDP sockets that are not connected are in (proc_net_tcp)."""
_MAPPED = bytes(10) + b"\xff\xff"


def listening(paths: Paths, protocols: Collection[str]) -> tuple[Listener, ...]:
    """Return what listens for IPv4 on the host, but what leads into these namespaces."""
    held = record.read(paths)
    if held is None:
        return ()
    led = {(one.protocol, one.address, one.port) for one in slirp.forwards(paths)}
    found: list[Listener] = []
    for protocol in sorted({*protocols} & {*_FILES}):
        for name in _FILES[protocol]:
            try:
                with open(f"/proc/{held.network}/net/{name}", encoding="ascii") as file:
                    found.extend(parse(protocol, file))
            except OSError:
                continue  # Without IPv6, or with the kernel hiding others' processes.
    return tuple(one for one in found if (one.protocol, one.address, one.port) not in led)


def parse(protocol: str, lines: Iterable[str]) -> Iterator[Listener]:
    """Read the lines of /proc/net/{tcp,udp}, or those of IPv6 where they take IPv4. Pure.

    Whether a socket of IPv6 is for that alone is not told there: it counts for both.
    """
    for line in lines:
        words = line.split()
        if len(words) < 10 or words[3] != _STATES[protocol]:
            continue
        written, _, port = words[1].partition(":")
        number = b"".join(
            struct.pack("=I", int(written[at : at + 8], 16)) for at in range(0, len(written), 8)
        )
        if len(number) > 4:
            if number != bytes(16) and not number.startswith(_MAPPED):
                continue
            number = number[12:]
        yield Listener(
            protocol=protocol,
            address=socket.inet_ntoa(number),
            port=int(port, 16),
            inode=int(words[9]),
        )


def used(paths: Paths) -> tuple[Used, ...]:
    """Return the subnets that the host has a route to: pods would not reach what is there."""
    held = record.read(paths)
    if held is None:
        return ()
    try:
        with open(f"/proc/{held.network}/net/route", encoding="ascii") as file:
            return tuple(routes(file))
    except OSError:
        return ()


def routes(lines: Iterable[str]) -> Iterator[Used]:
    """Read the lines of /proc/net/route but for default routes. Pure."""
    for line in lines:
        words = line.split()
        if len(words) < 8 or words[0] == "Iface" or not int(words[7], 16):
            continue
        address = socket.inet_ntoa(struct.pack("=I", int(words[1], 16)))
        prefix = int(words[7], 16).bit_count()
        yield Used(subnet=f"{address}/{prefix}", by=words[0], routed=True)
