"""Cgroups of the real kernel: made, entered, emptied by force, removed."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from manifests.faults import HostFault
from runtime.kernel import cgroup_usage, cgroups, processes
from tests.fixtures import bench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.kernel.inside import Inside

pytestmark = pytest.mark.host


@pytest.fixture(params=["as it is", "v2 alone"])
def thread(request: pytest.FixtureRequest, apart: Inside) -> Inside:
    """A thread that sees this host's cgroups, or nothing but cgroup v2."""
    if request.param == "v2 alone":
        apart.call(bench.see_v2_alone)
    return apart


@pytest.fixture
def seen(thread: Inside) -> cgroups.View:
    return thread.call(cgroups.view)


@pytest.fixture
def path(thread: Inside, seen: cgroups.View) -> Iterator[str]:
    root = f"/pp-t-{secrets.token_hex(4)}"
    yield f"{root}/pod/app"
    thread.call(cgroups.kill, seen, root)
    thread.call(cgroups.remove, seen, root)
    assert not any(thread.call(os.path.exists, d) for d in seen.directories(root))


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A shell with a child."""
    child = subprocess.Popen(["/bin/sh", "-c", "sleep 1000 & wait"])
    yield child
    child.kill()
    child.wait()


def test_the_view_names_its_version_and_controllers(seen: cgroups.View) -> None:
    assert seen.hierarchies
    assert seen.v2 == (seen.version is cgroups.Version.V2)
    assert seen.v2 or "memory" in seen.controllers


def test_making_twice_and_removing_twice_is_fine(
    thread: Inside, seen: cgroups.View, path: str
) -> None:
    for _round in range(2):
        thread.call(cgroups.create, seen, path)
    assert all(thread.call(os.path.isdir, d) for d in seen.directories(path))

    for _round in range(2):
        thread.call(cgroups.remove, seen, path)
    assert not any(thread.call(os.path.exists, d) for d in seen.directories(path))


def test_v2_hands_its_controllers_down(thread: Inside, seen: cgroups.View, path: str) -> None:
    if not seen.v2:
        pytest.skip("v1 has no such thing")
    thread.call(cgroups.create, seen, path)

    def offered() -> set[str]:
        with open(f"{cgroups.ROOT}{path}/cgroup.controllers", encoding="ascii") as file:
            return set(file.read().split())

    assert thread.call(offered) == set(seen.controllers)


def test_a_process_is_moved_found_and_killed_with_its_children(
    thread: Inside, seen: cgroups.View, path: str, sleeper: subprocess.Popen[bytes]
) -> None:
    thread.call(cgroups.create, seen, path)
    thread.call(cgroups.enter, seen, path, sleeper.pid)
    assert path in processes.cgroups(sleeper.pid).values()
    assert sleeper.pid in thread.call(cgroups.processes, seen, os.path.dirname(path))

    thread.call(cgroups.kill, seen, path)

    assert sleeper.wait(timeout=10) == -signal.SIGKILL
    assert thread.call(cgroups.processes, seen, path) == ()


def test_a_cgroup_in_use_is_not_removed_and_the_reason_names_the_process(
    thread: Inside, seen: cgroups.View, path: str, sleeper: subprocess.Popen[bytes]
) -> None:
    thread.call(cgroups.create, seen, path)
    thread.call(cgroups.enter, seen, path, sleeper.pid)

    with pytest.raises(HostFault, match=str(sleeper.pid)):
        thread.call(cgroups.remove, seen, path, timeout=0.05)


def test_what_no_process_is_in_is_removed_at_once_with_all_below(
    thread: Inside, seen: cgroups.View, path: str, sleeper: subprocess.Popen[bytes]
) -> None:
    thread.call(cgroups.create, seen, f"{path}/deep/deeper")
    thread.call(cgroups.create, seen, f"{path}/beside")
    thread.call(cgroups.enter, seen, f"{path}/deep/deeper", sleeper.pid)

    assert not thread.call(cgroups.removed_at_once, seen, path)
    assert sleeper.poll() is None

    thread.call(cgroups.kill, seen, path)
    sleeper.wait(timeout=10)
    thread.call(cgroups.remove, seen, path)
    thread.call(cgroups.create, seen, f"{path}/deep/deeper")
    for _round in range(2):
        assert thread.call(cgroups.removed_at_once, seen, path)
    assert not any(thread.call(os.path.exists, d) for d in seen.directories(path))


def test_use_is_read_and_gone_is_none(
    thread: Inside, seen: cgroups.View, path: str, sleeper: subprocess.Popen[bytes]
) -> None:
    thread.call(cgroups.create, seen, path)
    thread.call(cgroups.enter, seen, path, sleeper.pid)

    used = thread.call(cgroup_usage.usage, seen, path)
    assert used.cpu is not None
    assert (used.pids is not None) == ("pids" in seen.controllers)
    assert (used.memory is not None) == ("memory" in seen.controllers)

    gone = thread.call(cgroup_usage.usage, seen, f"{path}/gone")
    assert gone == cgroup_usage.Usage(memory=None, cpu=None, pids=None)
    assert thread.call(cgroup_usage.oom_kills, seen, f"{path}/gone") is None


def test_moving_a_process_that_has_ended_is_no_error(
    thread: Inside, seen: cgroups.View, path: str
) -> None:
    ended = subprocess.Popen(["/bin/true"])
    ended.wait()
    thread.call(cgroups.create, seen, path)

    thread.call(cgroups.enter, seen, path, ended.pid)


def test_what_stays_is_moved_out_of_a_sessions_cgroup(
    thread: Inside, seen: cgroups.View, path: str, sleeper: subprocess.Popen[bytes]
) -> None:
    instance = f"{path.split('/')[1]}/podpy"
    thread.call(cgroups.create, seen, path)
    thread.call(cgroups.enter, seen, path, sleeper.pid)
    assert not thread.call(cgroups.sheltered, seen, instance, sleeper.pid)

    thread.call(cgroups.shelter, seen, instance, sleeper.pid)

    assert thread.call(cgroups.sheltered, seen, instance, sleeper.pid)
    assert sleeper.pid not in thread.call(cgroups.processes, seen, path)
