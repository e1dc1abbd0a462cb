"""Port maps, ways out and internal networks: real TCP and UDP through real nftables."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator

import pytest

from podpy import checkup_network
from renderers import nft
from runtime.kernel import namespaces, syscalls, sysctls
from runtime.kernel.inside import Inside
from runtime.net import attach, bridge, connections, nftables, requests, rtnetlink
from tests.fixtures import traces
from tests.fixtures.udp import Answering, bound_udp

pytestmark = pytest.mark.host

OPEN = bridge.BridgeNetwork(
    instance="pp-t", name="open", subnet="10.64.0.0/16", gateway="10.64.0.1", mtu=1500
)
OTHER = OPEN.replace(name="other", subnet="10.65.0.0/24", gateway="10.65.0.1")
SHUT = OPEN.replace(name="shut", subnet="10.66.0.0/24", gateway="10.66.0.1", internal=True)
NETWORKS = (OPEN, OTHER, SHUT)
BRIDGE_NETFILTER = "net/bridge/bridge-nf-call-iptables"
HOST, OUTSIDE = "192.0.2.2", "192.0.2.9"

Join = Callable[[bridge.BridgeNetwork, str], Inside]


def rules(*ports: nft.PortMap) -> nft.RuleSet:
    networks = tuple(
        nft.Network(link=network.link, subnet=network.subnet, internal=network.internal)
        for network in NETWORKS
    )
    return nft.RuleSet(table="pp-t", networks=networks, ports=ports)


def load(*ports: nft.PortMap) -> None:
    nftables.load(nft.table(rules(*ports)))


def port(address: str, host_port: int = 8080, **more: str) -> nft.PortMap:
    protocol = more.pop("protocol", "tcp")
    return nft.PortMap(protocol=protocol, host_port=host_port, address=address, port=80, **more)


def shell(*commands: str) -> None:
    for command in commands:
        subprocess.run(command.split(), check=True, capture_output=True)


@pytest.fixture
def host(apart: Inside) -> Inside:
    """A host with three networks and a link to the outside."""
    apart.call(shell, "ip link set lo up")
    for network in NETWORKS:
        apart.call(bridge.ensure, network)
    return apart


@pytest.fixture
def outside(host: Inside) -> Iterator[Inside]:
    """Another machine, which knows no route to the pods."""
    with Inside("outside") as machine:
        machine.call(syscalls.unshare, syscalls.CLONE_NEWNET)
        netns = f"/proc/self/task/{machine.thread}/ns/net"
        host.call(_plug, netns)
        machine.call(shell, "ip link set lo up", f"ip address add {OUTSIDE}/24 dev up0",
                     "ip link set up0 up")  # fmt: skip
        host.call(shell, f"ip address add {HOST}/24 dev out0", "ip link set out0 up")
        yield machine


def _plug(netns: str) -> None:
    with open(netns, "rb") as file, rtnetlink.Socket() as kernel:
        peer = requests.Peer(name="up0", mac="02:70:00:00:00:09", netns=file.fileno())
        kernel.apply([requests.veth("out0", master=0, mtu=1500, peer=peer)])


@pytest.fixture
def join(host: Inside) -> Iterator[Join]:
    run_dir = tempfile.mkdtemp(prefix=traces.SESSION)
    made: list[Inside] = []

    def joined(network: bridge.BridgeNetwork, address: str) -> Inside:
        uid = f"pod-{len(made)}"
        inside = host.call(namespaces.create, f"{run_dir}/pods/{uid}", hostname=uid)
        made.append(inside)
        place = attach.Attachment(
            instance="pp-t",
            pod=uid,
            bridge=network.link,
            address=address,
            prefix=network.prefix,
            gateway="" if network.internal else network.gateway,
        )
        host.call(attach.attach, inside, place)
        return inside

    yield joined
    for inside in made:
        inside.close()
        host.call(namespaces.remove, inside.pod_dir)
    assert host.call(namespaces.release, run_dir)
    shutil.rmtree(run_dir)


class Server:
    """Answers every TCP connection to port 80 of a pod with the address that it comes from."""

    def __init__(self, inside: Inside, address: str = "0.0.0.0") -> None:
        self.socket = inside.call(socket.create_server, (address, 80))
        self.socket.settimeout(30)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, (peer, _port) = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.sendall(peer.encode())

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()


SHUT_OUT = 0.5
"""Seconds to ask where packets are dropped: what gets through does at once."""


def ask(address: str, number: int = 8080, *, timeout: float = 2.5) -> str:
    """Return what the server at the other end of this port sees as the client's address."""
    try:
        # An address that is asked for a moment before its link is up answers a second later.
        with socket.create_connection((address, number), timeout=timeout) as connection:
            return connection.recv(100).decode()
    except OSError as error:
        return f"no: {type(error).__name__}"


def refused(answer: str) -> bool:
    return answer.startswith("no:")


def test_a_port_is_reached_from_outside_from_the_host_and_by_localhost(
    host: Inside, outside: Inside, join: Join
) -> None:
    host.call(load, port("10.64.0.5"))

    with Server(join(OPEN, "10.64.0.5")):
        assert outside.call(ask, HOST) == OUTSIDE, "the client's address is kept"
        assert host.call(ask, HOST) == HOST
        assert host.call(ask, "127.0.0.1") == "10.64.0.1"
        assert host.call(ask, "10.64.0.1") == "10.64.0.1"
        assert refused(outside.call(ask, HOST, 8081, timeout=SHUT_OUT))


@pytest.mark.parametrize("through_bridge", ["0", "1"])
def test_pods_reach_a_port_of_the_host_even_their_own(
    host: Inside, outside: Inside, join: Join, through_bridge: str
) -> None:
    if os.path.exists(f"/proc/sys/{BRIDGE_NETFILTER}"):
        host.call(sysctls.write, BRIDGE_NETFILTER, through_bridge)
    elif through_bridge == "1":
        pytest.skip("br_netfilter is not loaded")
    host.call(load, port("10.64.0.5"))
    server, neighbour, stranger = (
        join(OPEN, "10.64.0.5"), join(OPEN, "10.64.0.6"), join(OTHER, "10.65.0.5")
    )  # fmt: skip

    with Server(server):
        assert server.call(ask, HOST) == "10.64.0.1"
        assert neighbour.call(ask, HOST) == "10.64.0.1"
        assert neighbour.call(ask, "10.64.0.1") == "10.64.0.1"
        assert not refused(stranger.call(ask, HOST, timeout=SHUT_OUT))


def test_a_port_of_one_address_is_no_port_of_the_others(
    host: Inside, outside: Inside, join: Join
) -> None:
    local = port("10.64.0.5", 8081, host_ip="127.0.0.1")
    host.call(load, port("10.64.0.5", host_ip=HOST), local)

    with Server(join(OPEN, "10.64.0.5")):
        assert outside.call(ask, HOST) == OUTSIDE
        assert refused(host.call(ask, "127.0.0.1", timeout=SHUT_OUT))
        assert host.call(ask, "127.0.0.1", 8081) == "10.64.0.1"
        assert refused(outside.call(ask, HOST, 8081, timeout=SHUT_OUT))


def test_nobody_else_reaches_the_loopback_of_the_host(
    host: Inside, outside: Inside, join: Join
) -> None:
    host.call(load, port("10.64.0.5", host_ip="127.0.0.1"))
    pod = join(OPEN, "10.64.0.5")
    # Both do what they can to send packets for 127.0.0.1 over the wire.
    for thread, link, gateway in ((pod, "eth0", "10.64.0.1"), (outside, "up0", HOST)):
        thread.call(sysctls.write, f"net/ipv4/conf/{link}/route_localnet", "1")
        thread.call(shell, "ip address delete 127.0.0.1/8 dev lo",
                    f"ip route replace 127.0.0.1/32 via {gateway} dev {link}")  # fmt: skip

    with Server(pod, "10.64.0.5"), host.call(socket.create_server, ("127.0.0.1", 8082)):
        assert host.call(ask, "127.0.0.1") == "10.64.0.1"
        for thread in (pod, outside):
            assert refused(thread.call(ask, "127.0.0.1", timeout=SHUT_OUT))
            assert refused(thread.call(ask, "127.0.0.1", 8082, timeout=SHUT_OUT))


def udp_echo(answering: socket.socket) -> None:
    data, peer = answering.recvfrom(100)
    answering.sendto(data + b" " + peer[0].encode(), peer)


def ask_udp(address: str, number: int) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        client.sendto(b"hello", (address, number))
        return client.recv(100).decode()


def test_udp_is_mapped_beside_tcp_on_the_same_port(
    host: Inside, outside: Inside, join: Join
) -> None:
    host.call(load, port("10.64.0.5"), port("10.64.0.6", protocol="udp"))
    with (
        Server(join(OPEN, "10.64.0.5")),
        join(OPEN, "10.64.0.6").call(bound_udp, ("0.0.0.0", 80)) as answering,
    ):
        for client, address, seen in (
            (outside, HOST, OUTSIDE), (host, "127.0.0.1", "10.64.0.1")
        ):  # fmt: skip
            thread = threading.Thread(target=udp_echo, args=(answering,))
            thread.start()
            assert client.call(ask_udp, address, 8080) == f"hello {seen}"
            thread.join()
        assert outside.call(ask, HOST) == OUTSIDE


def asked(client: socket.socket, address: str, timeout: float = 2.0) -> str:
    """Send from this very socket, and return who answers."""
    client.settimeout(timeout)
    try:
        client.sendto(b"who?", (address, 8080))
        return client.recv(100).decode()
    except (TimeoutError, ConnectionRefusedError):
        return "nobody"


def change(before: nft.RuleSet, now: nft.RuleSet) -> int:
    nftables.load(nft.table(now))
    return connections.forget_stale(nft.elements(before), nft.elements(now))


def test_a_pod_with_port_53_of_the_host_leaves_the_others_their_name_server(
    host: Inside, outside: Inside, join: Join
) -> None:
    host.call(load, port("10.64.0.5", 53, protocol="udp"))
    pod, neighbour = join(OPEN, "10.64.0.5"), join(OPEN, "10.64.0.6")

    with Answering(pod, "pod"), host.call(bound_udp, ("10.64.0.1", 53)) as server:
        thread = threading.Thread(target=udp_echo, args=(server,))
        thread.start()
        assert neighbour.call(ask_udp, "10.64.0.1", 53) == "hello 10.64.0.6"
        thread.join()
        assert outside.call(ask_udp, HOST, 53) == "pod"
        assert neighbour.call(ask_udp, HOST, 53) == "pod"


@pytest.mark.parametrize("host_ip", ["", HOST])
def test_a_udp_client_that_goes_on_sending_reaches_the_pod_that_follows(
    host: Inside, outside: Inside, join: Join, host_ip: str
) -> None:
    none = rules()
    old = rules(port("10.64.0.5", protocol="udp", host_ip=host_ip))
    new = rules(port("10.64.0.6", protocol="udp", host_ip=host_ip))
    host.call(change, none, none)
    one, two = join(OPEN, "10.64.0.5"), join(OPEN, "10.64.0.6")

    with (
        Answering(one, "one"),
        Answering(two, "two"),
        outside.call(bound_udp, ("0.0.0.0", 5000)) as far,
        host.call(bound_udp, ("0.0.0.0", 5001)) as near,
    ):
        assert asked(far, HOST, SHUT_OUT) == asked(near, HOST, SHUT_OUT) == "nobody"
        assert host.call(change, none, old) >= 1
        assert asked(far, HOST) == asked(near, HOST) == "one"
        # Without a change of its way a connection stays.
        assert host.call(change, old, old) == 0
        assert host.call(change, old, new) == 2
        assert asked(far, HOST) == asked(near, HOST) == "two"
        assert host.call(change, new, none) == 2
        assert asked(far, HOST, SHUT_OUT) == asked(near, HOST, SHUT_OUT) == "nobody"


def test_udp_of_others_is_not_forgotten(host: Inside, outside: Inside, join: Join) -> None:
    pod = join(OPEN, "10.64.0.5")
    host.call(change, rules(), rules())
    assert host.call(connections.available)

    with (
        outside.call(bound_udp, (OUTSIDE, 8080)) as server,
        pod.call(bound_udp, ("0", 0)) as client,
    ):
        client.sendto(b"hello", (OUTSIDE, 8080))
        _, seen_from = server.recvfrom(100)
        forgotten = host.call(change, rules(), rules(port("10.64.0.5", protocol="udp")))
        server.sendto(b"back", seen_from)

        assert forgotten == 0
        assert client.recv(100) == b"back"


def test_pods_leave_the_host_under_its_address_and_reach_each_other_under_their_own(
    host: Inside, outside: Inside, join: Join
) -> None:
    host.call(load)
    one, two, stranger = (
        join(OPEN, "10.64.0.5"), join(OPEN, "10.64.0.6"), join(OTHER, "10.65.0.5")
    )  # fmt: skip

    with Server(outside), Server(two):
        assert one.call(ask, OUTSIDE, 80) == HOST
        assert one.call(ask, "10.64.0.6", 80) == "10.64.0.5"
        assert stranger.call(ask, "10.64.0.6", 80) == "10.65.0.5"


def test_an_internal_network_is_cut_off_but_for_its_pods_and_this_host(
    host: Inside, outside: Inside, join: Join
) -> None:
    host.call(load, port("10.66.0.5"))
    one, two, stranger = (
        join(SHUT, "10.66.0.5"), join(SHUT, "10.66.0.6"), join(OPEN, "10.64.0.5")
    )  # fmt: skip
    # A pod may give itself a default route; it must not help.
    two.call(shell, "ip route add default via 10.66.0.1")

    with Server(one), Server(outside), Server(stranger):
        assert two.call(ask, "10.66.0.5", 80) == "10.66.0.6"
        assert host.call(ask, "10.66.0.5", 80) == "10.66.0.1"
        assert host.call(ask, HOST) == "10.66.0.1"
        assert host.call(ask, "127.0.0.1") == "10.66.0.1"
        assert refused(two.call(ask, OUTSIDE, 80, timeout=SHUT_OUT))
        assert refused(two.call(ask, "10.64.0.5", 80, timeout=SHUT_OUT))
        assert refused(outside.call(ask, HOST, timeout=SHUT_OUT))
        assert refused(stranger.call(ask, "10.66.0.5", 80, timeout=SHUT_OUT))


def test_the_firewall_of_the_host_is_left_alone_and_its_block_told(
    host: Inside,
) -> None:
    host.call(
        nftables.load,
        "add table ip filter\n"
        "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }\n"
        "add chain ip filter DOCKER-USER\n",
    )
    before = host.call(nftables.listed, "pp-t")

    host.call(load)
    told = host.call(checkup_network.blocks, "pp-t")
    host.call(nftables.load, nft.removal("pp-t"))
    host.call(nftables.load, nft.removal("pp-t"))

    assert before is None
    (block,) = told
    assert block.text == "chain ip filter FORWARD drops forwarded traffic by default"
    assert block.hint == checkup_network.DOCKER
    assert host.call(nftables.listed, "pp-t") is None
    assert host.call(checkup_network.blocks, "pp-t") == told


def test_the_nft_program_serves_where_there_is_no_library(host: Inside) -> None:
    text = nft.table(rules(port("10.64.0.5")))

    assert host.call(nftables.run_program, text)[0] == 0
    status, output, _ = host.call(nftables.run_program, "list table inet pp-t\n", json=True)

    assert status == 0
    assert '"ports"' in output
    missing = host.call(nftables.run_program, "list table inet pp-no\n", json=True)
    assert "No such file" in missing[2]
