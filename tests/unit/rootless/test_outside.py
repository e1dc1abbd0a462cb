"""runtime.rootless.outside: files of /proc/net in, who listens out."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

from runtime.rootless import outside

if TYPE_CHECKING:
    from runtime.net.listeners import Listener


ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
pp-1\t0000400A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""
"""As proc_net_route writes it on a little-endian host."""


@pytest.mark.skipif(sys.byteorder != "little", reason="the text above is a little-endian host's")
def test_subnets_of_the_host_are_read_but_for_the_way_out() -> None:
    found = [(one.subnet, one.by) for one in outside.routes(ROUTES.splitlines())]

    assert found == [("192.0.2.0/24", "eth0"), ("10.64.0.0/16", "pp-1")]


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
