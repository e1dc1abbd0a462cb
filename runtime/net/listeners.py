"""Find who listens on ports of this host: sock_diag tells the sockets, /proc whose they are.

A port map takes what comes for its port before a listening process can have it. Which processes
listen is asked of the kernel for TCP sockets that listen and UDP sockets that are not connected.
"""

from __future__ import annotations

import _socket as socket  # without selectors and enums: 2 ms of every command
import errno
import os
import struct

from manifests.faults import HostFault
from manifests.value import Value
from runtime.net import netlink, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SOCK_DIAG, _BY_FAMILY = 4, 20
_REQUEST = struct.Struct("=BBBBI48x")
_ANSWER = struct.Struct("!4xH2x16s28x")
_INODE_AT, _BYTES = 68, 72
_NUMBERS = {"TCP": 6, "UDP": 17}
_STATES = {"TCP": 1 << 10, "UDP": 1 << 7}
_IPV6_ONLY = 11
_MAPPED = bytes(10) + b"\xff\xff"
_UNKNOWN = (errno.ENOENT, errno.EINVAL, errno.EPROTONOSUPPORT, errno.EOPNOTSUPP)
"""What kernels without the module for a protocol answer."""
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - read, not bound


class Listener(Value):
    """A socket that takes what comes for a port; `address` 0.0.0.0 is every IPv4 address."""

    protocol: str
    address: str
    port: int
    inode: int


class Owner(Value):
    pid: int
    name: str


def listening(protocols: Iterable[str]) -> list[Listener]:
    """Return what listens for IPv4 in this network namespace, for TCP and UDP."""
    found: list[Listener] = []
    with netlink.Socket(_SOCK_DIAG) as kernel:
        for protocol in sorted({*protocols} & {*_NUMBERS}):
            for family in (socket.AF_INET, socket.AF_INET6):
                ask = _REQUEST.pack(family, _NUMBERS[protocol], 0, 0, _STATES[protocol])
                try:
                    bodies = kernel.dump(_BY_FAMILY, ask, f"{protocol} sockets")
                except HostFault as fault:
                    if netlink.failed_with(fault, *_UNKNOWN):
                        continue
                    raise
                found.extend(one for body in bodies for one in _read(protocol, body))
    return found


def owner(listener: Listener) -> Owner | None:
    """Return a process that has the socket; None where none can be seen. Looks at every process."""
    wanted = f"socket:[{listener.inode}]"
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            held = os.scandir(f"/proc/{entry}/fd")
            with held:
                if any(os.readlink(one.path) == wanted for one in held):
                    with open(f"/proc/{entry}/comm", encoding="utf-8", errors="replace") as file:
                        return Owner(pid=int(entry), name=file.read().strip())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return None


def _read(protocol: str, body: bytes) -> Iterator[Listener]:
    """Read a socket; nothing where it takes no IPv4."""
    port, number = _ANSWER.unpack_from(body)
    (inode,) = struct.unpack_from("=I", body, _INODE_AT)
    if body[0] == socket.AF_INET:
        address = number[:4]
    elif number.startswith(_MAPPED):
        address = number[12:]
    elif number == bytes(16) and wire.attributes(body, _BYTES).get(_IPV6_ONLY) != b"\1":
        address = bytes(4)
    else:
        return
    yield Listener(protocol=protocol, address=socket.inet_ntoa(address), port=port, inode=inode)
