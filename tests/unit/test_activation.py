from __future__ import annotations

import os

import pytest

from runtime import activation


def test_sockets_are_known_and_passed_on_to_a_process_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "2")

    assert activation.environment(activation.passed()) == {"LISTEN_PID": "1", "LISTEN_FDS": "2"}


def test_another_processes_sockets_are_not_taken_for_ones_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getppid()))
    monkeypatch.setenv("LISTEN_FDS", "2")

    assert activation.passed() == 0
    assert activation.environment(0) == {}
