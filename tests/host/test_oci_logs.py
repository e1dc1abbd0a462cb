"""Logs that a real conmon writes: long lines, rotation while it writes, restarts, its own limit."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from runtime.oci import container as oci
from runtime.oci import ending, following, logs, rotation
from runtime.oci.container import State
from tests.fixtures.bench import Bench, until

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.host

LINES = 3000
COUNTING = f"i=0; while [ $i -lt {LINES} ]; do echo line $i; i=$((i+1)); done"
# Written over a second or so, whatever else the machine does: there is time to rotate in between.
SLOWLY = COUNTING.replace("done", "[ $((i % 100)) = 0 ] && sleep 0.02; done")
WANTED = [f"line {number}" for number in range(LINES)]


def texts(lines: list[logs.Line]) -> list[str]:
    return [line.text.decode() for line in lines]


def test_a_line_longer_than_conmons_buffer_is_one_line(pod: Bench) -> None:
    pod.output("app", "head -c 100000 /dev/zero | tr '\\0' x; echo; printf end")

    long, end = pod.lines("app")

    assert (len(long.text), long.partial) == (100_000, False)
    assert (end.text, end.partial) == (b"end", True)


def test_no_line_is_lost_by_rotating_while_conmon_writes(pod: Bench) -> None:
    container = pod.run("app", f"{SLOWLY}; sleep 1000")
    log = logs.path(pod.log_dir("app"), 0)
    rotated = 0
    while not any(
        line.text == WANTED[-1].encode() for line in logs.read(log, logs.Selection(tail=1))
    ):
        rotated += rotation.rotate(log, container.bundle, limit=4000, keep=1000)

    assert rotated > 1
    assert len(logs.parts(log)) == rotated
    assert texts(pod.lines("app")) == WANTED


def test_only_so_many_parts_are_kept(pod: Bench) -> None:
    container = pod.run("app", "while :; do echo again; sleep 0.01; done")
    log = logs.path(pod.log_dir("app"), 0)
    for _round in range(4):
        until(lambda: os.path.getsize(log) > 0)
        assert rotation.rotate(log, container.bundle, limit=0, keep=2)

    assert logs.parts(log) == (f"{log}.2", f"{log}.1")


def test_a_rotation_that_was_cut_off_is_finished(pod: Bench) -> None:
    container = pod.run("app", "echo first; sleep 1000")
    pod.says("app", "first")
    log = logs.path(pod.log_dir("app"), 0)
    os.link(log, f"{log}.1")

    assert rotation.rotate(log, container.bundle, limit=1 << 30, keep=3)

    assert os.path.getsize(log) == 0
    assert texts(pod.lines("app")) == ["first"]


def test_a_small_log_and_a_dead_containers_log_are_left_alone(pod: Bench) -> None:
    container = pod.run("app", "echo first; sleep 1000")
    pod.says("app", "first")
    log = logs.path(pod.log_dir("app"), 0)

    assert not rotation.rotate(log, container.bundle, limit=1 << 20, keep=3)
    ending.stop([(container, signal.SIGKILL, 0)])
    assert not rotation.rotate(log, container.bundle, limit=0, keep=3)
    assert logs.parts(log) == ()


def test_conmon_bounds_the_log_by_itself(pod: Bench) -> None:
    pod.output("app", COUNTING, log_size_max=20_000)

    assert os.path.getsize(logs.path(pod.log_dir("app"), 0)) <= 20_000
    assert pod.lines("app")[-1].text == WANTED[-1].encode()


def test_following_goes_on_through_rotation_and_restart(pod: Bench) -> None:
    container = pod.run("app", f"{COUNTING}; sleep 0.3")
    log = logs.path(pod.log_dir("app"), 0)
    more = threading.Event()
    more.set()
    got: list[logs.Line] = []

    def follow() -> None:
        got.extend(following.follow(pod.log_dir("app"), 0, alive=more.is_set, poll=0.01))

    thread = threading.Thread(target=follow)
    thread.start()
    while oci.state(container) is State.RUNNING:
        rotation.rotate(log, container.bundle, limit=20_000, keep=1000)
    pod.wait(container)
    again = pod.run("app", "echo second run", run=1)
    pod.wait(again)
    more.clear()
    thread.join()

    assert texts(got) == [*WANTED, "second run"]
    assert logs.runs(pod.log_dir("app")) == (0, 1)
