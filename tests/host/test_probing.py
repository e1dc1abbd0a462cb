"""runtime.probing: what a server in a pod's network answers, asked from outside of it."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from manifests.container import Container, Handler
from manifests.faults import HostFault
from manifests.probes import (
    GRPCAction,
    HTTPGetAction,
    HTTPHeader,
    Probe,
    Scheme,
    TCPSocketAction,
)
from runtime.kernel import namespaces
from runtime.oci.container import Container as OciContainer
from runtime.probing import attempt
from tests.fixtures import certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runtime.kernel.inside import Inside
    from runtime.paths import Paths

    Serve = Callable[[socket.socket], None]

pytestmark = pytest.mark.host


class Pod:
    """Namespaces of a pod with servers in them, each in a thread of its own."""

    def __init__(self, paths: Paths, inside: Inside) -> None:
        self.paths, self.inside = paths, inside
        self.listening: list[tuple[socket.socket, threading.Thread]] = []
        self.asked: list[bytes] = []

    def serve(self, serve: Serve, *, address: str = "127.0.0.1") -> int:
        """Have `serve` answer each connection; return the port."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = self.inside.call(socket.create_server, (address, 0), family=family)

        def work() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(10)
                    with contextlib.suppress(OSError):
                        serve(connection)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.listening.append((server, thread))
        return int(server.getsockname()[1])

    def close(self) -> None:
        """End the servers. One that is only closed stays in accept(2), which a signal has begin
        anew, with whatever socket has the number by then: it took other tests' connections."""
        for server, thread in self.listening:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(15)
            server.close()

    def http(self, *answers: str) -> int:
        """Answer each request by the next of these heads, and keep what was asked."""
        left = list(answers)

        def answer(connection: socket.socket) -> None:
            self.asked.append(connection.recv(4096))
            head = left.pop(0) if len(left) > 1 else left[0]
            connection.sendall(f"HTTP/1.1 {head}\r\nContent-Length: 2\r\n\r\nok".encode())

        return self.serve(answer)

    def target(self, *, container: Container | None = None) -> attempt.Target:
        return attempt.Target(
            pod_dir=self.paths.pod("u"),
            address="127.0.0.1",
            container=container or Container(name="web"),
            where=OciContainer.of(self.paths, "u", "web"),
        )

    def found(self, probe: Probe, seconds: float = 5.0) -> tuple[bool, str]:
        found = attempt.make(self.target(), probe, seconds, lambda: False)
        return found.ok, found.message

    def get(self, port: int, seconds: float = 5.0, **more: Any) -> tuple[bool, str]:
        return self.found(Probe(http_get=HTTPGetAction(port=port, **more)), seconds)


@pytest.fixture
def pod(instance: Paths) -> Iterator[Pod]:
    directory = instance.pod("u")
    os.makedirs(directory)
    inside = namespaces.create(directory)
    made = Pod(instance, inside)
    inside.call(subprocess.run, ["ip", "link", "set", "lo", "up"], check=True)
    try:
        yield made
    finally:
        made.close()
        inside.close()
        namespaces.remove(directory)
        assert namespaces.release(instance.run_dir)


@pytest.mark.parametrize(
    ("head", "ok", "said"),
    [
        ("200 OK", True, ""),
        ("204 No Content", True, ""),
        ("304 Not Modified", True, ""),
        ("404 Not Found", False, "HTTP probe failed with statuscode: 404"),
        ("500 Oh", False, "HTTP probe failed with statuscode: 500"),
        ("302 Found\r\nLocation: http://elsewhere.invalid/", True, ""),
    ],
)
def test_a_status_decides(pod: Pod, head: str, ok: bool, said: str) -> None:
    assert pod.get(pod.http(head)) == (ok, said)


def test_a_request_has_the_headers_that_are_asked_for(pod: Pod) -> None:
    headers = (HTTPHeader(name="Host", value="shop.test"), HTTPHeader(name="X-A", value="b"))
    port = pod.http("200 OK")

    assert pod.get(port, path="a/b?c=d#e", http_headers=headers) == (True, "")
    assert pod.get(port) == (True, "")
    first, second = (one.decode() for one in pod.asked)
    assert first.startswith("GET /a/b?c=d HTTP/1.1\r\n")
    assert "\r\nHost: shop.test\r\nX-A: b\r\n" in first
    assert first.count("Host:") == 1
    assert f"\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: podpy-probe/1\r\n" in second


def test_redirects_are_followed_on_the_same_host(pod: Pod) -> None:
    there = pod.http("503 No")
    here = pod.http(f"302 Found\r\nLocation: http://127.0.0.1:{there}/x")
    round_ = pod.http("302 Found\r\nLocation: /again")

    assert pod.get(here) == (False, "HTTP probe failed with statuscode: 503")
    ok, said = pod.get(round_)
    assert not ok
    assert said.endswith("stopped after 10 redirects")


def test_certificates_are_not_verified(pod: Pod, tmp_path: Path) -> None:
    certificates.make(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "host.crt", tmp_path / "host.key")

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    assert pod.get(pod.serve(answer), scheme=Scheme.HTTPS) == (True, "")
    ok, said = pod.get(pod.http("200 OK"), scheme=Scheme.HTTPS)
    assert (ok, ": tls: " in said) == (False, True)


def trickle(connection: socket.socket) -> None:
    connection.recv(4096)
    while True:
        connection.sendall(b"H")
        threading.Event().wait(0.05)


def test_a_server_that_answers_ever_so_slowly_is_late(pod: Pod) -> None:
    ok, said = pod.get(pod.serve(trickle), seconds=0.5)

    assert not ok
    assert said.endswith(
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    )


def test_what_is_no_http_is_told(pod: Pod) -> None:
    ok, said = pod.get(pod.serve(lambda connection: connection.sendall(b"SSH-2.0-x\r\n")))

    assert not ok
    assert "malformed HTTP response" in said


def test_a_port_that_nobody_listens_on_refuses(pod: Pod) -> None:
    probe = Probe(tcp_socket=TCPSocketAction(port=1))

    assert pod.found(probe) == (False, "dial tcp 127.0.0.1:1: connect: connection refused")


def test_ports_have_names_and_addresses_may_be_ipv6(pod: Pod) -> None:
    port = pod.serve(lambda _connection: None, address="::1")

    assert pod.found(Probe(tcp_socket=TCPSocketAction(port=port, host="::1"))) == (True, "")
    ok, said = pod.found(Probe(tcp_socket=TCPSocketAction(port=port, host="nosuch.invalid")))
    assert (ok, "no such host" in said) == (False, True)
    assert pod.found(Probe(tcp_socket=TCPSocketAction(port="web"))) == (
        False,
        "couldn't find port: web",
    )


def test_a_handler_takes_any_answer(pod: Pod) -> None:
    port = pod.http("500 Oh")
    attempt.ask(pod.target(), Handler(http_get=HTTPGetAction(port=port, path="/drain")), 5.0)

    assert pod.asked[0].startswith(b"GET /drain ")
    with pytest.raises(HostFault, match="connection refused"):
        attempt.ask(pod.target(), Handler(tcp_socket=TCPSocketAction(port=1)), 5.0)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


OK_HEADERS = frame(1, 4, 1, b"\x88")
TRAILERS = frame(1, 5, 1, b"\x00\x0bgrpc-status\x010")


@pytest.mark.parametrize(
    ("frames", "ok", "said"),
    [
        (OK_HEADERS + frame(0, 0, 1, b"\0\0\0\0\2\x08\x01") + TRAILERS, True, ""),
        (frame(4, 0, 0, b"") + frame(6, 0, 0, b"12345678") + OK_HEADERS
         + frame(0, 0, 1, b"\0\0\0\0\2") + frame(0, 8, 1, b"\1\x08\x01\0") + TRAILERS, True, ""),
        (OK_HEADERS + frame(0, 0, 1, b"\0\0\0\0\2\x08\x02") + TRAILERS, False,
         'service unhealthy (responded with "NOT_SERVING")'),
        (OK_HEADERS + frame(0, 0, 1, b"\0\0\0\0\0") + TRAILERS, False,
         'service unhealthy (responded with "UNKNOWN")'),
        (frame(1, 5, 1, b"\x88"), False, "error: health rpc probe failed: no answer: the server "
         "knows no such service, or no health service"),
        (frame(3, 0, 1, b"\0\0\0\x08"), False,
         "error: health rpc probe failed: the server has cancelled the call"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False,
         "error: health rpc probe failed: the server does not speak HTTP/2"),
        (b"", False, "error: health rpc probe failed: connection closed"),
    ],
)  # fmt: skip
def test_grpc_asks_for_the_health_of_a_service(
    pod: Pod, frames: bytes, ok: bool, said: str
) -> None:
    asked: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        asked.append(connection.recv(4096))
        connection.sendall(frames)

    grpc = GRPCAction(port=pod.serve(answer), service="shop")

    assert pod.found(Probe(grpc=grpc)) == (ok, said)
    assert asked[0].startswith(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert b"/grpc.health.v1.Health/Check" in asked[0]
    assert asked[0].endswith(b"\0\0\0\0\6\x0a\4shop")


def test_grpc_has_a_deadline(pod: Pod) -> None:
    def silent(connection: socket.socket) -> None:
        connection.recv(4096)
        threading.Event().wait(3)

    said = "timeout: health rpc did not complete within 0.5s"
    assert pod.found(Probe(grpc=GRPCAction(port=pod.serve(silent))), 0.5) == (False, said)
