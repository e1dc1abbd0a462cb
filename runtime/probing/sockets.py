"""Open a connection from inside a pod's network, for whoever is outside: a connected socket out.

A socket belongs for ever to the network namespace that it was made in, so only that one call is
made inside. Everything that waits has one deadline, however slowly the other side answers.
"""

from __future__ import annotations

import io
import os
import socket
import time

from manifests.faults import Fault
from runtime.kernel import namespaces

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Unanswered(Fault):
    """No answer came: the message says why, as the kubelet words it."""


class Late(Unanswered):
    """The deadline passed."""


def until(seconds: float) -> float:
    """Return the deadline that lies so many seconds ahead, on the monotonic clock."""
    return time.monotonic() + seconds


def left(deadline: float) -> float:
    """Return the seconds that are left; raises Late where there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise Late("i/o timeout")
    return seconds


def place(host: str, port: int) -> str:
    """Write HOST:PORT, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connect(pod_dir: str, host: str, port: int, deadline: float) -> socket.socket:
    """Return a connection to a port, made in the network of the pod whose directory is `pod_dir`.

    A name is looked up by this host. Raises Unanswered, as `dial tcp 10.0.0.2:80: connect: ...`.
    """
    about = f"dial tcp {place(host, port)}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unanswered(f"{about}: lookup {host}: no such host") from error
    family, kind, protocol, _, address = found[0]
    with namespaces.enter(pod_dir) as inside:
        made = inside.call(socket.socket, family, kind | socket.SOCK_CLOEXEC, protocol)
    try:
        made.settimeout(left(deadline))
        made.connect(address)
    except TimeoutError as error:
        made.close()
        raise Late(f"{about}: i/o timeout") from error
    except OSError as error:
        made.close()
        raise Unanswered(f"{about}: connect: {_worded(error)}") from error
    except Late as late:
        made.close()
        raise Late(f"{about}: {late.message}") from late
    return made


def _worded(error: OSError) -> str:
    return (os.strerror(error.errno) if error.errno else str(error)).lower()


class Reading(io.RawIOBase):
    """What comes in on a connection, as a file that ends with Late at the deadline."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._connection.settimeout(left(self._deadline))
        try:
            return self._connection.recv_into(buffer)
        except TimeoutError as error:
            raise Late("i/o timeout") from error
        except OSError as error:
            raise Unanswered(f"read: {_worded(error)}") from error


def send(connection: socket.socket, data: bytes, deadline: float) -> None:
    """Send all of `data`. Raises Unanswered."""
    connection.settimeout(left(deadline))
    try:
        connection.sendall(data)
    except TimeoutError as error:
        raise Late("i/o timeout") from error
    except OSError as error:
        raise Unanswered(f"write: {_worded(error)}") from error
