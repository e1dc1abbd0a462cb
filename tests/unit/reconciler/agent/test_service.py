"""reconciler.agent.service: what systemd is told."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from reconciler.agent import service

if TYPE_CHECKING:
    from pathlib import Path


def test_words_go_to_the_socket_that_systemd_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        service.tell("READY=1", "STATUS=well")
        heard = systemd.recv(100)

    assert heard == b"READY=1\nSTATUS=well"


def test_nobody_is_told_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    service.tell("READY=1")


@pytest.mark.parametrize(
    ("span", "pid", "seconds"),
    [
        ("60000000", None, 30.0),
        ("60000000", "own", 30.0),
        ("60000000", "1", None),
        ("", None, None),
        ("0", None, None),
    ],
)
def test_the_watchdog_is_answered_twice_as_often_as_it_asks(
    span: str, pid: str | None, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", span)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if pid:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)

    assert service.watchdog_seconds() == seconds
