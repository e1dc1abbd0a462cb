"""Processes that are watched by pidfd."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from runtime.kernel import processes


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as child:
        # The kernel ends Popen's wait a moment before it shows the new program's words.
        while not processes.command_line(child.pid):
            time.sleep(0.001)
        yield child
        child.kill()


def test_a_process_is_alive_until_it_is_killed_even_unreaped(
    sleeper: subprocess.Popen[bytes],
) -> None:
    started = processes.start_time(sleeper.pid)
    assert started is not None
    assert processes.alive(sleeper.pid, started)
    pidfd = processes.opened(sleeper.pid, started)
    assert pidfd is not None

    assert processes.signal(pidfd, signal.SIGKILL)
    ended = processes.wait([pidfd], 10)

    os.close(pidfd)
    assert ended == {pidfd}
    assert not processes.alive(sleeper.pid, started)


def test_another_process_with_the_same_pid_is_not_taken_for_it(
    sleeper: subprocess.Popen[bytes],
) -> None:
    started = processes.start_time(sleeper.pid) or 0

    assert not processes.alive(sleeper.pid, started + 1)
    assert processes.opened(sleeper.pid, started + 1) is None


def test_what_it_is_is_asked_once_it_is_open(sleeper: subprocess.Popen[bytes]) -> None:
    def ends_and_its_number_becomes_ours(pid: int) -> bool:
        sleeper.kill()
        sleeper.wait()
        return pid == sleeper.pid

    pidfd = processes.opened_where(sleeper.pid, ends_and_its_number_becomes_ours)

    assert pidfd is not None
    assert not processes.signal(pidfd, signal.SIGKILL)
    os.close(pidfd)


def test_a_process_that_is_not_the_wanted_one_is_not_opened(
    sleeper: subprocess.Popen[bytes],
) -> None:
    before = os.listdir("/proc/self/fd")

    assert processes.opened_where(sleeper.pid, lambda _pid: False) is None
    assert processes.opened_where(None, lambda _pid: True) is None
    assert os.listdir("/proc/self/fd") == before


def test_what_is_gone_is_none_and_empty() -> None:
    with subprocess.Popen(["true"]) as child:
        child.wait()

    assert processes.start_time(child.pid) is None
    assert processes.opened(child.pid) is None
    assert processes.cgroups(child.pid) == {}
    assert processes.children(child.pid) == ()
    assert processes.command_line(child.pid) == ()


def test_waiting_ends_at_the_deadline(sleeper: subprocess.Popen[bytes]) -> None:
    pidfd = processes.opened(sleeper.pid)
    assert pidfd is not None

    assert processes.wait([pidfd], 0.01) == set()

    os.close(pidfd)


def test_a_signal_to_a_reaped_process_is_told() -> None:
    child = subprocess.Popen(["sleep", "60"])
    pidfd = os.pidfd_open(child.pid)
    child.kill()
    child.wait()

    assert not processes.signal(pidfd, signal.SIGTERM)

    os.close(pidfd)


def test_children_and_command_lines_are_found(sleeper: subprocess.Popen[bytes]) -> None:
    assert sleeper.pid in processes.children(os.getpid())
    assert processes.command_line(sleeper.pid) == ("sleep", "60")


def test_own_cgroup_is_read() -> None:
    found = processes.cgroups(os.getpid())

    assert found
    assert all(path.startswith("/") for path in found.values())


def test_a_process_is_below_the_cgroup_that_it_is_in_and_those_above_it() -> None:
    own = next(path for path in processes.cgroups(os.getpid()).values())

    assert processes.is_below(os.getpid(), own.rstrip("/"))
    assert not processes.is_below(os.getpid(), f"{own.rstrip('/')}/no-such-cgroup")
    assert not processes.is_below(2**22 + 1, own.rstrip("/"))
