"""runtime.rootless.outside: files of /proc/net in, who listens out."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from runtime.rootless import outside

if TYPE_CHECKING:
    from runtime.net.listeners import Listener


def listening(protocol: str, name: str) -> list[Listener]:
    with open(f"/proc/self/net/{name}", encoding="ascii") as file:
        return list(outside.parse(protocol, file))


@pytest.mark.parametrize(
    ("kind", "protocol", "family", "address", "seen"),
    [
        (socket.SOCK_STREAM, "TCP", socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.SOCK_DGRAM, "UDP", socket.AF_INET, "0.0.0.0", "0.0.0.0"),
        (socket.SOCK_STREAM, "TCP", socket.AF_INET6, "::", "0.0.0.0"),
        (socket.SOCK_STREAM, "TCP", socket.AF_INET6, "::1", ""),
    ],
)
def test_a_listening_socket_is_found_as_the_kernel_writes_it(
    kind: int, protocol: str, family: int, address: str, seen: str
) -> None:
    name = protocol.lower() + ("6" if family == socket.AF_INET6 else "")
    with socket.socket(family, kind) as opened:
        try:
            opened.bind((address, 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        if protocol == "TCP":
            opened.listen()
        port = opened.getsockname()[1]

        found = [one for one in listening(protocol, name) if one.port == port]

    assert [one.address for one in found] == ([seen] if seen else [])
