"""Webhooks over real connections: signed ones have a Sync followed, all others do nothing."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import socket
import time
from typing import TYPE_CHECKING

import pytest

from reconciler.agent import webhooks
from reconciler.agent.marks import Marks
from reconciler.agent.webhooks import Webhooks
from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge
from tests.fixtures.objects import config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

SECRET = b"open sesame"


class Served:
    """A server for the Sync `shop`, and what it has woken and said."""

    def __init__(self, folder: Path) -> None:
        self.key = folder / "key"
        self.key.write_bytes(SECRET + b"\n")
        self.key.chmod(0o600)
        self.woken: list[str] = []
        self.delays: list[float] = []
        self.said: list[str] = []
        files = {"shop": str(self.key)}
        self.hooks = Webhooks(
            ("127.0.0.1", 0),
            lambda name: files.get(name, ""),
            self.wake,
            self.said.append,
            Marks(str(folder / "webhooks")),
        )

    def wake(self, name: str, delay: float) -> None:
        self.woken.append(name)
        self.delays.append(delay)

    def post(
        self,
        path: str,
        body: bytes = b"{}",
        secret: bytes = SECRET,
        method: str = "POST",
        header: str = "X-Hub-Signature-256",
    ) -> int:
        return post(self.hooks.port, path, body, secret, method, header)


def post(
    port: int,
    path: str,
    body: bytes,
    secret: bytes,
    method: str = "POST",
    header: str = "X-Hub-Signature-256",
) -> int:
    """Send a request signed in this header; return the status of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    digest = hmac.new(secret, body, hashlib.sha256).hexdigest()
    with contextlib.closing(connection):
        connection.request(method, path, body, {header: f"sha256={digest}"})
        return connection.getresponse().status


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    made.hooks.start()
    yield made
    made.hooks.close()


def test_a_signed_request_wakes_its_sync_once(served: Served) -> None:
    assert served.post("/hooks/shop") == 202
    assert served.post("/hooks/shop") == 409
    assert served.post("/hooks/shop", b'{"after": "2"}') == 202
    assert served.woken == ["shop", "shop"]


def test_what_one_agent_was_sent_the_next_one_does_not_take(tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        served = Served(tmp_path)
        served.hooks.start()
        answers.append(served.post("/hooks/shop"))
        served.hooks.close()
        with open(tmp_path / "webhooks", "a", encoding="utf-8") as file:
            file.write("12")  # Killed while it wrote.

    assert answers == [202, 409]


def test_a_script_that_sends_the_same_each_time_is_heard_each_time_and_not_at_once(
    served: Served,
) -> None:
    answers = [served.post("/hooks/shop", header="X-Signature") for _ in range(3)]

    assert answers == [202, 202, 202]
    assert served.delays[0] == 0
    assert 0 < served.delays[1] <= webhooks.REST_SECONDS < served.delays[2]


def test_what_is_not_signed_right_wakes_nothing(served: Served) -> None:
    assert served.post("/hooks/shop", secret=b"wrong") == 401
    assert served.post("/hooks/other") == 404
    assert served.post("/elsewhere") == 404
    assert served.post("/hooks/shop", method="GET") == 501
    assert served.woken == []
    assert SECRET.decode() not in "".join(served.said)


def test_a_secret_that_others_can_read_is_none(served: Served) -> None:
    served.key.chmod(0o644)

    assert served.post("/hooks/shop") == 503
    assert "can be read by others" in served.said[0]


def test_a_body_that_is_too_long_is_not_read(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.hooks.port), 20) as sender:
        length = webhooks.LARGEST_BODY + 1
        sender.sendall(f"POST /hooks/shop HTTP/1.0\r\nContent-Length: {length}\r\n\r\n".encode())
        answer = sender.recv(100)

    assert b" 413 " in answer


def test_silent_connections_do_not_keep_others_out_for_long(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "SECONDS", 0.5)
    monkeypatch.setattr(webhooks._Handler, "timeout", 0.5)

    def heard() -> bool:
        try:
            return served.post("/hooks/shop", str(time.monotonic()).encode()) == 202
        except (ConnectionError, http.client.HTTPException):
            return False

    with contextlib.ExitStack() as silent:
        for _ in range(webhooks.CONNECTIONS):
            address = ("127.0.0.1", served.hooks.port)
            slow = silent.enter_context(socket.create_connection(address, 20))
        slow.sendall(b"POST /hooks/shop HTTP/1.0\r\nContent-Length: 100\r\n\r\nx")
        wait_until(heard, "a signed request is heard")


def test_headers_that_never_end_do_not_keep_others_out(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "SECONDS", 0.5)

    with contextlib.ExitStack() as slow:
        address = ("127.0.0.1", served.hooks.port)
        senders = [
            slow.enter_context(socket.create_connection(address, 20))
            for _ in range(webhooks.CONNECTIONS)
        ]
        for sender in senders:
            sender.sendall(b"POST /hooks/shop HTTP/1.0\r\nX-Slow: ")

        def heard() -> bool:
            for sender in senders:
                with contextlib.suppress(OSError):
                    sender.sendall(b"x")
            try:
                return served.post("/hooks/shop", str(time.monotonic()).encode()) == 202
            except (ConnectionError, http.client.HTTPException):
                return False

        wait_until(heard, "a signed request is heard")


def test_the_agent_asks_the_source_when_a_forge_tells_of_a_push(
    podpy: Podpy, tmp_path: Path
) -> None:
    forge = Forge(tmp_path / "forge")
    forge.commit({"page.yaml": config("page", "1")})
    key = tmp_path / "key"
    key.write_bytes(SECRET)
    key.chmod(0o600)
    add = ("sync", "add", "shop", "--url", forge.url, "--interval", "1h")
    podpy.ok(*add, "--webhook-secret-file", str(key))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    child = podpy.start("agent", "--listen", f"127.0.0.1:{port}")
    try:
        wait_until(lambda: _text(podpy) == "1", "the first revision is followed")
        forge.commit({"page.yaml": config("page", "2")})
        status = post(port, "/hooks/shop", b"pushed", SECRET)
        wait_until(lambda: _text(podpy) == "2", "the second revision is followed")
    finally:
        child.terminate()
        child.communicate(timeout=30)

    assert status == 202


def _text(podpy: Podpy) -> str:
    found = podpy.json("get", "configmaps", "-o", "json")["items"]
    return str(found[0]["data"]["text"]) if found else ""
