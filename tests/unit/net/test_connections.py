"""Which UDP connections a change of port maps makes stale."""

from __future__ import annotations

import pytest

from runtime.net.connections import Connection, is_stale

HOST, POD, OLD, ELSEWHERE = "192.0.2.2", "10.64.0.5", "10.64.0.4", "198.51.100.7"
NOW = {
    "ports": {"udp . 53": f"{POD} . 5353"},
    "addressed_ports": {f"{HOST} . udp . 54": f"{POD} . 5454"},
}
ENDS = frozenset({POD, OLD})
LOCAL = frozenset({HOST, "127.0.0.1"})


def connection(address: str, port: int, *answered_by: str | int) -> Connection:
    whom, of = str(answered_by[0]), int(answered_by[1])
    return Connection(address=address, port=port, answered_by=(whom, of), names=b"")


@pytest.mark.parametrize(
    ("one", "stale"),
    [
        pytest.param(connection(HOST, 53, POD, 5353), False, id="leads where it should"),
        pytest.param(connection(HOST, 53, OLD, 5353), True, id="leads to another pod"),
        pytest.param(connection(HOST, 53, POD, 53), True, id="leads to another port of the pod"),
        pytest.param(connection(HOST, 53, HOST, 53), True, id="began before there was a pod"),
        pytest.param(connection(HOST, 54, OLD, 5454), True, id="port of one address"),
        pytest.param(connection("127.0.0.1", 54, "127.0.0.1", 54), False, id="another address"),
        pytest.param(connection(HOST, 55, OLD, 5555), True, id="the pod is gone, none follows"),
        pytest.param(connection(HOST, 55, HOST, 55), False, id="a server of the host's own"),
        pytest.param(connection(ELSEWHERE, 53, ELSEWHERE, 53), False, id="passes through"),
        pytest.param(connection(HOST, 53, ELSEWHERE, 53), False, id="translated by others"),
    ],
)
def test_what_leads_elsewhere_than_a_new_one_would_is_stale(one: Connection, stale: bool) -> None:
    assert is_stale(one, NOW, ENDS, LOCAL) is stale
