"""Limits under cgroup v2: the kernel has them, enforces them, and systemd does not take them off.

The machines of other tests have the controllers in cgroup v1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

TIGHT = f"""\
apiVersion: v1
kind: Pod
metadata:
  name: tight
  annotations: {{io.podman.annotations.pids-limit/app: "20"}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: {samples.IMAGE}
    command: [sleep, "100000"]
    resources:
      requests: {{cpu: 100m}}
      limits: {{memory: 64Mi, cpu: 250m}}
"""
GREEDY = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: greedy}}
spec:
  restartPolicy: Never
  containers:
  - name: app
    image: {samples.IMAGE}
    command: [sh, -c, "x=0123456789abcdef; while true; do x=$x$x; done"]
    resources: {{limits: {{memory: 16Mi}}}}
"""
# In the host's PID namespace nothing but the cgroup tells what belongs to the container.
STRAY = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: stray}}
spec:
  hostPID: true
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: {samples.IMAGE}
    command: [sh, -c, "setsid sleep 77777 & exec sleep 100000"]
"""


def play(machine: Machine, manifest: str) -> str:
    """Play a manifest of one pod with the container `app`; return its cgroup's directory."""
    machine.write("/root/pod.yaml", manifest)
    machine.sh("podpy kube play /root/pod.yaml")
    uid = machine.sh("podpy get pods -o 'jsonpath={.items[0].metadata.uid}'")
    return f"/sys/fs/cgroup/podpy/{uid.strip()}/app"


def number(machine: Machine, path: str, name: str) -> int:
    """Return the number behind `name` in a file of `name number` lines."""
    return int(machine.sh(f"awk '$1 == \"{name}\" {{print $2}}' {path}"))


def test_limits_are_those_of_the_manifest(machine: Machine) -> None:
    cgroup = play(machine, TIGHT)

    def value(file: str) -> str:
        return machine.sh(f"cat {cgroup}/{file}").strip()

    assert value("memory.max") == str(64 << 20)
    assert value("memory.swap.max") == "0"
    assert value("memory.oom.group") == "1"
    assert value("cpu.max") == "25000 100000"
    assert 1 < int(value("cpu.weight")) < 100  # 100 is the weight of those that ask for nothing
    assert value("pids.max") == "20"
    assert machine.sh(f"cat $(cat {cgroup}/cgroup.procs | sed 's,.*,/proc/&/comm,')") == "sleep\n"


def test_limits_are_enforced(machine: Machine) -> None:
    cgroup = play(machine, TIGHT)

    forks = machine.run(
        *["podpy", "exec", "tight", "--", "sh", "-c"], "for i in $(seq 40); do sleep 1 & done; wait"
    )
    machine.sh("podpy exec tight -- timeout 5 sh -c 'while :; do :; done' || true")

    assert "Resource temporarily unavailable" in forks.stderr
    assert number(machine, f"{cgroup}/pids.events", "max") > 0
    assert number(machine, f"{cgroup}/cpu.stat", "nr_throttled") > 0


@pytest.mark.parametrize("what", ["daemon-reload", "daemon-reexec"])
def test_systemd_leaves_limits_alone(machine: Machine, what: str) -> None:
    cgroup = play(machine, TIGHT)
    limits = f"cd {cgroup}; cat memory.max cpu.max pids.max"
    before = machine.sh(limits)

    machine.sh(f"systemctl {what}; systemd-run --wait -p MemoryMax=50M -p CPUQuota=10% true")

    assert machine.sh(limits) == before


def test_who_takes_too_much_memory_is_oom_killed_in_status(machine: Machine) -> None:
    cgroup = play(machine, GREEDY)

    state = "podpy get pod greedy -o 'jsonpath={.status.containerStatuses[0].state.terminated"
    machine.until(f"{state}.reason}}' | grep .")

    assert machine.sh(f"{state}.reason}}'").strip() == "OOMKilled"
    assert machine.sh(f"{state}.exitCode}}'").strip() == "137"
    assert machine.sh("podpy get pod greedy -o 'jsonpath={.status.phase}'").strip() == "Failed"
    assert machine.run("test", "-e", cgroup).status == 1  # what has ended holds nothing


def test_a_program_that_takes_too_much_memory_takes_the_whole_container_with_it(
    machine: Machine,
) -> None:
    play(machine, GREEDY.replace('"x=', '"(x=').replace('done"]', 'done) & exec sleep 100000"]'))

    state = "podpy get pod greedy -o 'jsonpath={.status.containerStatuses[0].state.terminated"
    machine.until(f"{state}.reason}}' | grep .")

    assert machine.sh(f"{state}.reason}}'").strip() == "OOMKilled"


def test_a_container_sees_its_own_cgroup_as_the_root_and_cannot_write_to_it(
    machine: Machine,
) -> None:
    play(machine, TIGHT)

    def inside(command: str) -> str:
        return machine.sh(f"podpy exec tight -- sh -c '{command}'").strip()

    assert inside("cat /proc/1/cgroup /proc/self/cgroup") == "0::/\n0::/"
    assert inside("cat /sys/fs/cgroup/memory.max") == str(64 << 20)
    assert inside("readlink /proc/self/ns/cgroup") == inside("readlink /proc/1/ns/cgroup")
    assert inside("readlink /proc/1/ns/cgroup") != machine.sh("readlink /proc/1/ns/cgroup").strip()
    assert "Read-only" in inside("echo max 2>&1 >/sys/fs/cgroup/memory.max || true")


def test_cgroups_that_a_privileged_container_made_go_with_it(machine: Machine) -> None:
    cgroup = play(machine, samples.sleeper("nested", "{privileged: true}"))
    machine.sh("podpy exec nested -- mkdir -p /sys/fs/cgroup/one/two")
    machine.sh(f"test -d {cgroup}/one/two")

    machine.sh("podpy kube down /root/pod.yaml")

    assert machine.run("test", "-e", cgroup).status == 1


def test_what_a_container_left_in_the_hosts_pid_namespace_dies_with_it(machine: Machine) -> None:
    play(machine, STRAY)
    machine.sh("pgrep -f 'sleep 77777'")

    machine.sh("podpy kube down /root/pod.yaml")

    assert machine.run("pgrep", "-f", "sleep 77777").status == 1


def test_top_tells_memory_and_cpu(machine: Machine) -> None:
    play(machine, TIGHT)
    machine.sh("podpy exec tight -- timeout 3 sh -c 'while :; do :; done' || true")

    head, line = machine.sh("podpy top pods").splitlines()

    assert head.split()[0] == "NAME"
    assert line.split()[0] == "tight"
    assert "<unknown>" not in line
