"""Hear from the kernel that links, addresses or nft rules have changed, in every namespace of ours.

The messages say enough to leave out what is none of podpy's: the names and aliases of its links,
and the name of its table, are in them. What exactly has changed is found by looking, as always.
"""

from __future__ import annotations

import _socket as socket
import os

from runtime.net import attach, nfnetlink, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SOL_NETLINK, _LISTEN_ALL_NSID = 270, 8
_LINKS, _ADDRESSES = 0x1, 0x10
"""RTMGRP_LINK, RTMGRP_IPV4_IFADDR (linux/rtnetlink.h)."""
_RULES = 1 << 6
"""NFNLGRP_NFTABLES, the seventh group (linux/nfnetlink.h)."""
_LABEL = 3
"""IFA_LABEL (linux/if_addr.h)."""
_BRIDGES = "pp-"
_BYTES = 1 << 16
_BUFFER = 1 << 20


class Changes:
    """Two netlink sockets. `instance` is the name that podpy's links and table carry."""

    def __init__(self, instance: str) -> None:
        self._instance = instance.encode()
        self._links = _listening(socket.NETLINK_ROUTE, _LINKS | _ADDRESSES)
        # What happens in pods' namespaces comes, too: the host's ends of their links name them.
        self._links.setsockopt(_SOL_NETLINK, _LISTEN_ALL_NSID, 1)
        self._rules = _listening(nfnetlink.FAMILY, _RULES)

    def descriptors(self) -> tuple[int, int]:
        """What becomes readable when something has changed."""
        return self._links.fileno(), self._rules.fileno()

    def heard(self) -> bool:
        """Take all that has come; tell whether some of it is podpy's."""
        concerned = False
        for body in _messages(self._links):
            concerned = concerned or body is None or self._is_link_of_ours(*body)
        for body in _messages(self._rules):
            concerned = concerned or body is None or self._instance + b"\0" in body[1]
        return concerned

    def _is_link_of_ours(self, kind: int, body: bytes) -> bool:
        """Tell by the alias of a link; of an address, by the name of its link."""
        if kind == wire.DELADDR:
            label = wire.read_text(wire.attributes(body, wire.ADDRESS.size).get(_LABEL))
            return label.startswith(_BRIDGES) or label == attach.INNER
        alias = b"podpy " + self._instance + b" "
        return kind in (wire.NEWLINK, wire.DELLINK) and alias in body

    def close(self) -> None:
        self._links.close()
        self._rules.close()


def _listening(family: int, groups: int) -> socket.socket:
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    opened.setblocking(False)
    opened.bind((0, groups))
    os.set_inheritable(opened.fileno(), False)
    return opened


def _messages(opened: socket.socket) -> Iterator[tuple[int, bytes] | None]:
    """Yield (kind, body) of every message that has come; None for some that were lost."""
    while True:
        try:
            data = opened.recv(_BYTES)
        except BlockingIOError:
            return
        except OSError:  # ENOBUFS: more has happened than the buffer holds
            yield None
            continue
        for kind, _flags, _sequence, body in wire.split(data):
            yield kind, body
