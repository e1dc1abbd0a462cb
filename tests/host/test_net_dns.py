"""A network's dnsmasq: real questions over UDP, asked and answered in a test's own namespace."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator

import pytest

from manifests.faults import HostFault
from runtime.kernel import cgroups, processes
from runtime.kernel.inside import Inside
from runtime.net import bridge, dns
from runtime.paths import Paths

pytestmark = pytest.mark.host

NETWORK = bridge.BridgeNetwork(
    instance="pp-t", name="default", subnet="10.64.0.0/16", gateway="10.64.0.1", mtu=1500
)
WEB = "10.64.0.5\tweb.shop.svc.cluster.local www.shop.svc.cluster.local\n"
A, PTR, AAAA = 1, 12, 28
NO_ERROR, NO_SUCH_NAME, REFUSED = 0, 3, 5


@pytest.fixture
def paths() -> Iterator[Paths]:
    """Folders that the name server may read after it has given up root."""
    root = tempfile.mkdtemp(prefix="pp-t-")
    os.chmod(root, 0o711)
    yield Paths(
        state_dir=f"{root}/lib", run_dir=f"{root}/run", log_dir=f"{root}/log", instance="pp-t"
    )
    shutil.rmtree(root)


@pytest.fixture
def host(apart: Inside, paths: Paths) -> Iterator[Inside]:
    apart.call(subprocess.run, ["ip", "link", "set", "lo", "up"], check=True)
    apart.call(bridge.ensure, NETWORK)
    yield apart
    dns.remove(paths, NETWORK.name)
    assert dns.drift(paths, NETWORK, cgroups.view()) == (
        "the name server of network default was not running",
    )


@pytest.fixture
def upstream(host: Inside, paths: Paths) -> Iterator[str]:
    """A name server that knows every name as 192.0.2.80, and the resolv.conf that names it."""
    server = host.call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.9", 53))

    def serve() -> None:
        while True:
            data, peer = server.recvfrom(512)
            if data == b"end":
                return
            end = data.index(b"\0", 12) + 5
            answer = struct.pack("!HHHIH4s", 0xC00C, A, 1, 60, 4, socket.inet_aton("192.0.2.80"))
            head = struct.pack("!HHHHHH", *struct.unpack("!H", data[:2]), 0x8180, 1, 1, 0, 0)
            server.sendto(head + data[12:end] + answer, peer)

    thread = threading.Thread(target=serve)
    thread.start()
    path = f"{os.path.dirname(paths.run_dir)}/resolv.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write("nameserver 127.0.0.9\n")
    yield path
    with host.call(socket.socket, socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"end", ("127.0.0.9", 53))
    thread.join()
    server.close()


def ask(name: str, kind: int = A, server: str = "10.64.0.1") -> tuple[int, list[str]]:
    """Ask one question; the answer's code and its addresses."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!xHH", kind, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(question, (server, 53))
        data = client.recv(512)
    _id, flags, _questions, answers, _authorities, _more = struct.unpack("!HHHHHH", data[:12])
    at, found = len(question), []
    for _ in range(answers):
        kind, _class, _ttl, size = struct.unpack("!HHIH", data[at + 2 : at + 12])
        if kind == A:
            found.append(socket.inet_ntoa(data[at + 12 : at + 16]))
        at += 12 + size
    return flags & 0xF, sorted(found)


def until(host: Inside, name: str, wanted: tuple[int, list[str]]) -> bool:
    """Ask until the answer is the wanted one: a signal reaches the server a moment later."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if host.call(ask, name) == wanted:
            return True
        time.sleep(0.01)
    return False


def test_pods_names_are_answered_and_followed(host: Inside, paths: Paths) -> None:
    assert dns.publish(paths, "default", WEB)

    assert host.call(dns.ensure, paths, NETWORK, cgroups.view())

    assert host.call(ask, "web.shop.svc.cluster.local") == (NO_ERROR, ["10.64.0.5"])
    assert host.call(ask, "www.shop.svc.cluster.local") == (NO_ERROR, ["10.64.0.5"])
    assert host.call(ask, "web.shop.svc.cluster.local", AAAA) == (NO_ERROR, [])
    assert host.call(ask, "no.shop.svc.cluster.local") == (NO_SUCH_NAME, [])
    assert dns.publish(paths, "default", WEB.replace("0.5", "0.6") + WEB.replace("0.5", "0.7"))
    assert until(host, "web.shop.svc.cluster.local", (NO_ERROR, ["10.64.0.6", "10.64.0.7"]))
    assert dns.publish(paths, "default", "")
    assert until(host, "web.shop.svc.cluster.local", (NO_SUCH_NAME, []))
    assert not dns.publish(paths, "default", "")


def test_it_starts_once_and_again_when_it_was_killed(host: Inside, paths: Paths) -> None:
    assert host.call(dns.ensure, paths, NETWORK, cgroups.view())
    assert not host.call(dns.ensure, paths, NETWORK, cgroups.view())
    assert dns.drift(paths, NETWORK, cgroups.view()) == ()
    with open(f"{paths.networks}/default/dnsmasq.pid", encoding="ascii") as file:
        pidfd = processes.opened(int(file.read()))
    assert pidfd is not None
    processes.signal(pidfd, signal.SIGKILL)
    processes.wait([pidfd], 10)
    os.close(pidfd)

    assert dns.drift(paths, NETWORK, cgroups.view()) == (
        "the name server of network default was not running",
    )
    assert host.call(dns.ensure, paths, NETWORK, cgroups.view())
    assert dns.drift(paths, NETWORK, cgroups.view()) == ()


def test_it_starts_again_when_the_network_has_changed(host: Inside, paths: Paths) -> None:
    host.call(dns.ensure, paths, NETWORK, cgroups.view())
    internal = NETWORK.replace(internal=True)
    assert dns.drift(paths, internal, cgroups.view()) == (
        "the name server of network default had other settings",
    )

    assert host.call(dns.ensure, paths, internal, cgroups.view())

    assert dns.drift(paths, internal, cgroups.view()) == ()


def test_it_listens_on_the_gateway_only_as_nobody(host: Inside, paths: Paths) -> None:
    host.call(dns.ensure, paths, NETWORK, cgroups.view())

    done = host.call(subprocess.run, ["ss", "-Hlntu"], capture_output=True, check=True, text=True)
    listening = sorted(line.split()[4] for line in done.stdout.splitlines())
    with open(f"{paths.networks}/default/dnsmasq.pid", encoding="ascii") as file:
        status = os.stat(f"/proc/{int(file.read())}")

    assert listening == ["10.64.0.1:53", "10.64.0.1:53"]
    assert status.st_uid != 0


def test_it_serves_where_only_root_can_read(host: Inside, paths: Paths) -> None:
    os.chmod(os.path.dirname(paths.run_dir), 0o700)
    dns.publish(paths, "default", "")
    host.call(dns.ensure, paths, NETWORK, cgroups.view())

    dns.publish(paths, "default", WEB)

    assert until(host, "web.shop.svc.cluster.local", (NO_ERROR, ["10.64.0.5"]))


def test_other_names_are_asked_of_the_hosts_servers(
    host: Inside, paths: Paths, upstream: str
) -> None:
    host.call(dns.ensure, paths, NETWORK, cgroups.view(), upstream=upstream)

    assert host.call(ask, "example.org") == (NO_ERROR, ["192.0.2.80"])
    assert host.call(ask, "web.shop.svc.cluster.local") == (NO_SUCH_NAME, [])
    assert host.call(ask, "lonely")[1] == []
    assert host.call(ask, "9.0.64.10.in-addr.arpa", PTR) == (NO_SUCH_NAME, [])


def test_an_internal_network_asks_nobody(host: Inside, paths: Paths, upstream: str) -> None:
    dns.publish(paths, "default", WEB)
    host.call(dns.ensure, paths, NETWORK.replace(internal=True), cgroups.view(), upstream=upstream)

    assert host.call(ask, "example.org") == (REFUSED, [])
    assert host.call(ask, "web.shop.svc.cluster.local") == (NO_ERROR, ["10.64.0.5"])
    dns.stop(paths, "default")


def test_it_does_not_ask_itself(host: Inside, paths: Paths) -> None:
    path = f"{os.path.dirname(paths.run_dir)}/resolv.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write("nameserver 10.64.0.1\n")

    host.call(dns.ensure, paths, NETWORK, cgroups.view(), upstream=path)

    assert host.call(ask, "example.org") == (REFUSED, [])


def test_it_serves_again_on_a_bridge_that_was_deleted_and_made_again(
    host: Inside, paths: Paths
) -> None:
    dns.publish(paths, "default", WEB)
    host.call(dns.ensure, paths, NETWORK, cgroups.view())

    host.call(bridge.remove, NETWORK)
    host.call(bridge.ensure, NETWORK)
    host.call(dns.ensure, paths, NETWORK, cgroups.view())

    assert host.call(ask, "web.shop.svc.cluster.local") == (NO_ERROR, ["10.64.0.5"])


def test_an_address_in_use_is_worded(host: Inside, paths: Paths) -> None:
    with (
        host.call(socket.create_server, ("10.64.0.1", 53)),
        pytest.raises(HostFault, match=r"did not start on 10\.64\.0\.1:53: .*in use"),
    ):
        host.call(dns.ensure, paths, NETWORK, cgroups.view())


def test_another_process_with_the_remembered_pid_is_left_alone(host: Inside, paths: Paths) -> None:
    dns.publish(paths, "default", "")
    with open(f"{paths.networks}/default/dnsmasq.pid", "w", encoding="ascii") as file:
        file.write(f"{os.getpid()}\n")

    dns.publish(paths, "default", WEB)
    dns.stop(paths, "default")

    assert not os.path.exists(f"{paths.networks}/default/dnsmasq.pid")


def test_stopping_what_never_ran_is_success(paths: Paths) -> None:
    dns.stop(paths, "no-such-network")
    dns.remove(paths, "no-such-network")
