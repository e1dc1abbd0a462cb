"""Hear from the kernel that links, addresses or nft rules have changed, in every namespace of ours.

The messages say enough to leave out what is none of podpy's: the aliases and numbers of its links,
the namespaces behind them, and the name of its table, are in them. What exactly has changed is
found by looking, as always.
"""

from __future__ import annotations

import _socket as socket
import os

from runtime.net import nfnetlink, rtnetlink, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SOL_NETLINK, _LISTEN_ALL_NSID = 270, 8
_LINKS, _ADDRESSES = 0x1, 0x10
"""RTMGRP_LINK, RTMGRP_IPV4_IFADDR (linux/rtnetlink.h)."""
_RULES = 1 << 6
"""NFNLGRP_NFTABLES, the seventh group (linux/nfnetlink.h)."""
HERE = -1
_BYTES = 1 << 16
_BUFFER = 1 << 20


class Changes:
    """Two netlink sockets. `instance` is the name that podpy's links and table carry."""

    def __init__(self, instance: str) -> None:
        self._instance = instance.encode()
        self._alias = f"podpy {instance} ".encode()
        self._links = _listening(socket.NETLINK_ROUTE, _LINKS | _ADDRESSES)
        # What happens in pods' namespaces comes, too: the host's ends of their links name them.
        self._links.setsockopt(_SOL_NETLINK, _LISTEN_ALL_NSID, 1)
        self._rules = _listening(nfnetlink.FAMILY, _RULES)
        self._ours: frozenset[int] = frozenset()
        self._pods: frozenset[int] = frozenset()
        self.refresh()

    def refresh(self) -> None:
        """Learn which links, and which namespaces behind them, are podpy's now."""
        with rtnetlink.Socket() as kernel:
            links = [link for link in kernel.links() if link.alias.encode().startswith(self._alias)]
        self._ours = frozenset(link.index for link in links)
        self._pods = frozenset(link.peer_namespace for link in links) - {HERE}

    def descriptors(self) -> tuple[int, int]:
        """What becomes readable when something has changed."""
        return self._links.fileno(), self._rules.fileno()

    def heard(self) -> bool:
        """Take all that has come; tell whether some of it is podpy's."""
        concerned = False
        for message in _messages(self._links):
            concerned = concerned or message is None or self._is_of_ours(*message)
        for message in _messages(self._rules):
            concerned = concerned or message is None or self._instance + b"\0" in message[2]
        return concerned

    def _is_of_ours(self, namespace: int, kind: int, body: bytes) -> bool:
        """Tell by the alias of a link here, by the link of an address, by the pod's namespace."""
        if kind == wire.DELADDR:
            index = wire.ADDRESS.unpack_from(body)[4]
            return index in self._ours if namespace == HERE else namespace in self._pods
        return kind in (wire.NEWLINK, wire.DELLINK) and self._alias in body

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


def _messages(opened: socket.socket) -> Iterator[tuple[int, int, bytes] | None]:
    """Yield (namespace, kind, body) of every message that has come; None for some that were lost.

    Namespaces are the numbers that this one knows them by, HERE for itself.
    """
    while True:
        try:
            data, ancillary, _, _ = opened.recvmsg(_BYTES, socket.CMSG_SPACE(wire.I32.size))
        except BlockingIOError:
            return
        except OSError:  # ENOBUFS: more has happened than the buffer holds
            yield None
            continue
        namespace = HERE
        for level, kind, value in ancillary:
            if (level, kind) == (_SOL_NETLINK, _LISTEN_ALL_NSID):
                namespace = wire.I32.unpack(value)[0]
        for kind, _flags, _sequence, body in wire.split(data):
            yield namespace, kind, body
