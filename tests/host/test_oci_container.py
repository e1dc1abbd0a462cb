"""Containers under the real conmon and OCI runtime: made, made again, stopped, and nothing left."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from manifests.faults import HostFault
from renderers import oci_config
from runtime.kernel import cgroups
from runtime.oci import container as oci
from runtime.oci import ending
from runtime.oci.conmon import NotCreated
from runtime.oci.container import State
from tests.fixtures import bench, traces
from tests.fixtures.bench import FOREVER, Bench, until

if TYPE_CHECKING:
    from runtime.paths import Paths

pytestmark = pytest.mark.host

DEAF = f"trap '' TERM; echo up; {FOREVER}"


def test_on_cgroup_v2_a_container_sees_its_own_cgroup_as_the_root(instance: Paths) -> None:
    script = (
        "cat /proc/self/cgroup; grep /sys/fs/cgroup /proc/self/mountinfo;"
        " touch /sys/fs/cgroup/x 2>&1; mkdir /sys/fs/cgroup/y 2>&1; true"
    )
    with bench.opened(instance, v2_alone=True) as pod:
        assert pod.seen.v2

        said = pod.output("app", script).splitlines()

    assert "0::/" in said
    mount = next(line.split() for line in said if " /sys/fs/cgroup " in line)
    assert mount[3] == "/"
    assert "ro" in mount[5].split(",")
    assert sum("Read-only file system" in line for line in said) == 2


def test_on_cgroup_v2_all_is_killed_and_removed(instance: Paths) -> None:
    with bench.opened(instance, v2_alone=True) as pod:
        container = pod.run("app", f"sleep 1000 & echo up; {FOREVER}")
        pod.says("app", "up")

        pod.inside.call(cgroups.kill, pod.seen, container.cgroup)

        assert pod.wait(container).code == 137


def test_nothing_is_left_after_a_container(instance: Paths) -> None:
    with bench.opened(instance) as pod:
        container = pod.run("app", FOREVER)
        ending.stop([(container, signal.SIGKILL, 0)])
        ending.remove(container, pod.seen)
        ending.remove(container, pod.seen)

        assert os.listdir(instance.oci_state) in ([], [".filters"], [".cache", ".filters"])
        assert not any(map(os.path.exists, pod.seen.directories(container.cgroup)))

    assert traces.settled(lambda: traces.of_instance(instance.instance, instance.run_dir)) == []


def test_a_program_that_does_not_exist_is_the_manifests_fault(pod: Bench) -> None:
    with pytest.raises(NotCreated, match="nonesuch") as caught:
        pod.create("app", "", argv=("nonesuch",))

    assert caught.value.reason == "RunContainerError"
    assert "executable file" in caught.value.message
    assert oci.state(pod.made[0]) is State.GONE
    assert cgroups.processes(pod.seen, pod.made[0].cgroup) == ()


def test_a_mount_without_source_is_a_creation_error(pod: Bench) -> None:
    missing = oci_config.Mount(destination="/data", source="/nonesuch")

    with pytest.raises(NotCreated, match="nonesuch") as caught:
        pod.create("app", "true", mounts=(missing,))

    assert caught.value.reason == "CreateContainerError"


def test_a_container_is_made_again_under_the_same_name(pod: Bench) -> None:
    first = pod.run("app", "exit 1")
    assert pod.wait(first).code == 1

    again = pod.run("app", "exit 2", run=1)

    assert pod.wait(again).code == 2


def test_a_living_container_is_not_made_over(pod: Bench) -> None:
    pod.run("app", FOREVER)

    with pytest.raises(HostFault, match="already"):
        pod.create("app", "true")


def test_a_signal_ends_the_program_and_shows_in_its_code(pod: Bench) -> None:
    container = pod.run("app", f"trap 'echo bye; exit 7' TERM; echo up; {FOREVER}")
    pod.says("app", "up")

    ending.stop([(container, signal.SIGTERM, 20)])

    assert pod.wait(container).code == 7
    assert pod.lines("app")[-1].text == b"bye"


def test_those_that_ignore_the_signal_are_killed_after_one_common_grace(pod: Bench) -> None:
    deaf = [pod.run(name, DEAF) for name in ("one", "two", "three")]
    for name in ("one", "two", "three"):
        pod.says(name, "up")

    began = time.monotonic()
    ending.stop([(container, signal.SIGTERM, 0.5) for container in deaf])

    assert time.monotonic() - began >= 0.5
    assert [pod.wait(container).code for container in deaf] == [137, 137, 137]


def test_each_has_a_grace_of_its_own(pod: Bench) -> None:
    containers = {name: pod.run(name, DEAF) for name in ("soon", "late")}
    for name in containers:
        pod.says(name, "up")
    stopping = [(containers["late"], signal.SIGTERM, 600), (containers["soon"], signal.SIGTERM, 0)]
    thread = threading.Thread(target=ending.stop, args=(stopping,))
    thread.start()

    assert pod.wait(containers["soon"]).code == 137
    assert oci.state(containers["late"]) is State.RUNNING
    oci.kill(containers["late"], signal.SIGKILL)
    thread.join()


def test_a_container_never_started_is_stopped_at_once(pod: Bench) -> None:
    container = pod.create("app", FOREVER)

    ending.stop([(container, signal.SIGTERM, 600)])

    assert oci.pid(container) is None
    assert oci.state(container) is State.GONE


def test_a_container_that_never_ran_has_no_end(pod: Bench) -> None:
    container = pod.create("app", FOREVER)
    process, conmon = oci.pid(container), oci.conmon_pid(container)
    assert process is not None
    assert conmon is not None
    for pid in (conmon, process):  # As where podpy is killed before it reads conmon's answer.
        os.kill(pid, signal.SIGKILL)
    until(lambda: oci.pid(container) is None and oci.conmon_pid(container) is None)

    assert oci.look(container) == (State.GONE, None)
    assert oci.ended(container, pod.seen) is None
    ending.remove(container, pod.seen)
    assert not os.path.exists(f"{container.bundle}/pid")


def test_kill_says_whether_it_met_anyone(pod: Bench) -> None:
    container = pod.run("app", FOREVER)

    assert oci.kill(container, signal.SIGKILL)
    assert pod.wait(container).code == 137
    assert not oci.kill(container, signal.SIGKILL)


def test_an_init_system_may_move_below_its_containers_cgroup(pod: Bench) -> None:
    container = pod.run("app", FOREVER)
    pid = oci.pid(container)
    for directory in pod.seen.directories(container.cgroup):
        os.mkdir(f"{directory}/init")
        for name in ("cpuset.cpus", "cpuset.mems") if "/cpuset/" in directory else ():
            # cgroup v1 lets nobody into a new one that has none.
            shutil.copy(f"{directory}/{name}", f"{directory}/init/{name}")
        with open(f"{directory}/init/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(pid))

    assert oci.pid(container) == pid
    assert oci.state(container) is State.RUNNING
    ending.stop([(container, signal.SIGKILL, 0)])
    pod.inside.call(ending.remove, container, pod.seen, pod.engine)
    assert [one for one in pod.seen.directories(container.cgroup) if os.path.exists(one)] == []
