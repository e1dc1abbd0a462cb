"""Open a netlink socket of any family, send to the kernel, and wait for its answers.

runtime.net.rtnetlink (links, addresses, routes) and runtime.net.nfnetlink (nftables, connections)
say what. A Socket acts in the network namespace of the thread that opened it.
"""

from __future__ import annotations

import _socket as socket  # without selectors and enums: 2 ms of every command
import os

from manifests.faults import HostFault, TimedOut
from runtime.net import wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11
_ANSWER_BYTES = 1 << 18
_SECONDS = 20.0
"""How long the kernel may take for one answer: RTNL is held for long while others delete links."""
_DUMP_TRIES = 20


class Socket:
    """A conversation with one of the kernel's netlink families."""

    def __init__(self, family: int) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family)
        self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
        self._socket.settimeout(_SECONDS)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def numbered(self, kind: int, flags: int, body: bytes) -> bytes:
        """Return a message with the next number of this conversation."""
        self._sequence += 1
        return wire.packed(kind, flags | wire.REQUEST, self._sequence, body)

    def send(self, *messages: bytes) -> None:
        self._socket.send(b"".join(messages))

    def receive(self, what: str) -> bytes:
        """Return the next answer; TimedOut names `what` it would have been about."""
        try:
            return self._socket.recv(_ANSWER_BYTES)
        except TimeoutError as error:
            raise TimedOut(f"{what}: the kernel did not answer within {_SECONDS:g} s") from error

    def dump(self, ask: int, body: bytes, what: str) -> list[bytes]:
        """Return the bodies of a whole list; ask again when it changed while it was read."""
        for _try in range(_DUMP_TRIES):
            self.send(self.numbered(ask, wire.DUMP, body))
            steady, found = self._read_list(what)
            if steady:
                return found
        raise TimedOut(f"{what} change faster than they can be listed")

    def _read_list(self, what: str) -> tuple[bool, list[bytes]]:
        steady = True
        found: list[bytes] = []
        while True:
            for kind, flags, sequence, body in wire.split(self.receive(what)):
                if sequence != self._sequence:
                    continue
                steady = steady and not flags & wire.DUMP_INTERRUPTED
                if kind == wire.DONE:
                    return steady, found
                if kind == wire.ERROR:
                    raise failure(-wire.I32.unpack_from(body)[0], f"{what} cannot be listed")
                found.append(body)


def failure(number: int, what: str, said: str = "") -> HostFault:
    """Return the fault of an errno, which is its cause."""
    why = os.strerror(number)
    why = f"{why} ({said})" if said else why
    fault = HostFault(f"{what}: {why}")
    fault.__cause__ = OSError(number, why)
    return fault


def failed_with(fault: HostFault, *numbers: int) -> bool:
    """Say whether a fault of the kernel's was one of these errnos."""
    return isinstance(fault.__cause__, OSError) and fault.__cause__.errno in numbers
