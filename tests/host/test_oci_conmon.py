"""A container's conmon: apart from podpy's session, and what is done where one of them has died."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from renderers import oci_config
from runtime.kernel import cgroups, processes
from runtime.oci import container as oci
from runtime.oci import ending
from runtime.oci.container import Container, State
from runtime.oci.creation import Supervision
from tests.fixtures.bench import FOREVER, UID, Bench, create, until

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.host


def test_conmon_and_the_program_are_no_part_of_this_session(pod: Bench) -> None:
    container = pod.run("app", f"echo up; grep SigIgn /proc/self/status; {FOREVER}")
    pod.says("app", "SigIgn")
    conmon = oci.conmon_pid(container)

    assert conmon is not None
    assert os.getsid(conmon) == conmon
    assert os.getsid(conmon) != os.getsid(0)
    ignored = next(x.text for x in pod.lines("app") if b"SigIgn" in x.text)
    assert not int(ignored.split()[1], 16) >> (signal.SIGPIPE - 1) & 1


def test_conmon_moves_to_the_cgroup_it_is_given(pod: Bench) -> None:
    container = Container.of(pod.paths, UID, "app")
    pod.made.append(container)
    os.makedirs(pod.log_dir("app"))
    own = f"/{pod.paths.instance}/{UID}/conmon"
    watch = Supervision(log_path=f"{pod.log_dir('app')}/0.log", conmon_cgroup=own)
    config = oci_config.render(pod.spec(container, FOREVER))

    pod.inside.call(create, pod.engine, container, config, watch, pod.seen)

    conmon = oci.conmon_pid(container)
    assert conmon is not None
    assert own in processes.cgroups(conmon).values()
    ending.stop([(container, signal.SIGKILL, 0)])
    cgroups.remove(pod.seen, own)


def test_the_exit_command_runs_after_the_record_is_written(pod: Bench) -> None:
    container = Container.of(pod.paths, UID, "app")
    pod.made.append(container)
    os.makedirs(pod.log_dir("app"))
    note = f"{pod.paths.run_dir}/note"
    watch = Supervision(
        log_path=f"{pod.log_dir('app')}/0.log",
        exit_command=("/bin/cp", f"{container.bundle}/exit/exit", note),
    )
    config = oci_config.render(pod.spec(container, "exit 5"))
    pod.inside.call(create, pod.engine, container, config, watch, pod.seen)

    pod.inside.call(oci.start, pod.engine, container)

    until(lambda: os.path.exists(note) and os.path.getsize(note) > 0)
    with open(note, encoding="ascii") as file:
        assert file.read() == "5"


CRASH = """
import json, os, signal, sys
sys.path.insert(0, {root!r})
from runtime.kernel import cgroups, namespaces
from runtime.oci import container as oci, creation, engine as engines
from runtime.paths import Paths
paths = Paths(**{paths!r})
with namespaces.enter(paths.pod({uid!r})) as inside:
    seen = inside.call(cgroups.view)
    engine = inside.call(engines.find, paths.run_dir, seen, paths.instance)
    container = oci.Container.of(paths, {uid!r}, "app")
    watch = creation.Supervision(log_path={log!r})
    config = json.load(open({config!r}))
    creating = inside.call(creation.begin, engine, container, config, watch, seen)
    if {answered}:
        inside.call(creating.finish)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("answered", [True, False])
def test_a_container_created_before_a_crash_is_finished(pod: Bench, *, answered: bool) -> None:
    container = Container.of(pod.paths, UID, "app")
    pod.made.append(container)
    os.makedirs(pod.log_dir("app"))
    config = f"{pod.paths.run_dir}/config.json"
    with open(config, "w", encoding="utf-8") as file:
        json.dump(oci_config.render(pod.spec(container, "echo up; exit 4")), file)
    body = CRASH.format(
        root=os.getcwd(),
        paths={field: getattr(pod.paths, field) for field in type(pod.paths).__fields__},
        uid=UID,
        log=f"{pod.log_dir('app')}/0.log",
        config=config,
        answered=answered,
    )
    crashed = subprocess.run([sys.executable, "-c", body], check=False, timeout=60)
    assert crashed.returncode == -signal.SIGKILL
    until(lambda: oci.state(container) is State.CREATED)

    recovered = pod.inside.call(ending.recover, pod.engine, container, pod.seen)

    assert recovered is State.RUNNING
    assert pod.wait(container).code == 4


def kill_conmon(container: Container) -> None:
    conmon = oci.conmon_pid(container)
    assert conmon is not None
    os.kill(conmon, signal.SIGKILL)
    until(lambda: oci.conmon_pid(container) is None)


def test_a_created_container_without_conmon_is_cleared_away(pod: Bench) -> None:
    container = pod.create("app", FOREVER)
    kill_conmon(container)

    recovered = pod.inside.call(ending.recover, pod.engine, container, pod.seen)

    assert recovered is State.GONE
    assert oci.state(container) is State.GONE
    assert cgroups.processes(pod.seen, container.cgroup) == ()


def test_a_container_whose_conmon_died_first_ends_without_a_code(pod: Bench) -> None:
    container = pod.run("app", FOREVER)
    kill_conmon(container)
    assert oci.state(container) is State.RUNNING

    ending.stop([(container, signal.SIGKILL, 0)])

    ended = oci.ended(container, pod.seen)
    assert ended is not None
    assert ended.code is None


def test_a_container_that_comes_to_be_while_it_is_stopped_is_killed(pod: Bench) -> None:
    container = pod.create("app", FOREVER)
    # Its conmon is there and its process not yet known, as where podpy was killed over a creation.
    known = f"{container.bundle}/pid"
    os.rename(known, f"{known}.later")
    appears = threading.Timer(0.3, os.rename, (f"{known}.later", known))
    appears.start()

    ending.stop([(container, signal.SIGKILL, 0)])

    appears.join()
    assert oci.pid(container) is None
    assert oci.conmon_pid(container) is None
