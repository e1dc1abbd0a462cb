"""What a container may: its cgroup limits, capabilities, seccomp filter, its root and terminal."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from renderers import capabilities, oci_config
from runtime.kernel import cgroup_usage
from runtime.oci import host
from runtime.oci.engine import Kind
from tests.fixtures.bench import FOREVER, Bench

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.host


def test_the_memory_limit_is_in_force_and_named_as_the_cause(pod: Bench) -> None:
    if "memory" not in pod.seen.controllers:
        pytest.skip("no memory controller in this cgroup view")
    limit = 16 << 20
    hungry = "x=$(head -c 200000000 /dev/zero | tr '\\0' x)"
    container = pod.run("app", hungry, resources=oci_config.Resources(memory_limit=limit))

    ended = pod.wait(container)

    assert ended.oom_killed
    assert ended.code != 0


def test_cpu_and_pids_limits_reach_the_kernel(pod: Bench) -> None:
    if pod.seen.v2 or not {"cpu", "pids"} <= pod.seen.controllers:
        pytest.skip("reads the files of cgroup v1")
    wanted = oci_config.Resources(cpu_shares=204, cpu_quota=20_000, pids_limit=33)

    said = pod.output(
        "app",
        "cd /sys/fs/cgroup; cat cpu/cpu.shares cpu/cpu.cfs_quota_us pids/pids.max",
        resources=wanted,
    )

    assert said.split() == ["204", "20000", "33"]


def test_usage_is_read_while_it_runs(pod: Bench) -> None:
    container = pod.run("app", f"echo up; {FOREVER}")
    pod.says("app", "up")

    used = cgroup_usage.usage(pod.seen, container.cgroup)

    assert used.pids is None or used.pids >= 1
    assert used.memory is None or used.memory > 0


def test_the_default_capabilities_are_the_processs_own(pod: Bench) -> None:
    said = pod.output("app", "grep Cap /proc/self/status")

    masks = {line.split(":")[0]: int(line.split()[1], 16) for line in said.splitlines()}
    default = capabilities.DEFAULT & set(capabilities.from_mask(host.capabilities()))
    assert set(capabilities.from_mask(masks["CapEff"])) == default
    assert set(capabilities.from_mask(masks["CapBnd"])) == default
    assert masks["CapInh"] == masks["CapAmb"] == 0


def test_another_user_than_root_keeps_only_the_bound(pod: Bench) -> None:
    said = pod.output("app", "id -u; id -G; grep Cap /proc/self/status", uid=1000, gid=1000,
                      additional_gids=(2000,))  # fmt: skip

    assert said.splitlines()[:2] == ["1000", "1000 2000"]
    assert "CapEff:\t0000000000000000" in said
    assert "CapBnd:\t0000000000000000" not in said


@pytest.mark.parametrize(
    "forbidden",
    ["unshare -m true", "mount -t tmpfs none /tmp", "unshare -U true"],
)
def test_the_default_seccomp_profile_refuses(pod: Bench, forbidden: str) -> None:
    # With CAP_SYS_ADMIN in the bound the profile would allow them: so they fail by the profile,
    # and by capabilities as well.
    said = pod.output("app", f"grep Seccomp: /proc/self/status; {forbidden} 2>&1 || echo refused")

    assert "Seccomp:\t2" in said
    assert "refused" in said


def test_unconfined_has_no_filter_and_no_new_privileges_is_set(pod: Bench) -> None:
    said = pod.output(
        "app",
        "grep -E 'Seccomp:|NoNewPrivs' /proc/self/status",
        seccomp=oci_config.SeccompType.UNCONFINED,
        no_new_privileges=True,
    )

    assert said.split() == ["NoNewPrivs:", "1", "Seccomp:", "0"]


def test_a_profile_of_the_users_own_is_in_force(pod: Bench) -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 122}],
    }

    said = pod.output(
        "app",
        "mkdir /tmp/x 2>&1",
        seccomp=oci_config.SeccompType.LOCALHOST,
        seccomp_profile=json.dumps(profile),
    )

    assert "quota" in said.lower()


def test_the_second_container_uses_the_filter_compiled_for_the_first(pod: Bench) -> None:
    if pod.engine.kind is not Kind.CRUN:
        pytest.skip("only crun takes compiled filters")
    script = "grep Seccomp: /proc/self/status; unshare -m true 2>&1 || echo refused"
    first = pod.output("one", script)

    second = pod.output("two", script)

    kept = os.listdir(f"{pod.paths.oci_state}/.filters")
    assert len(kept) == 1
    assert first == second
    assert "refused" in second


def test_a_read_only_root_and_the_masks_of_proc_hold(pod: Bench) -> None:
    said = pod.output(
        "app",
        "touch /x 2>&1; wc -c < /proc/timer_list; echo 1 2>&1 > /proc/sys/vm/swappiness;"
        " touch /sys/fs/cgroup/x 2>&1; true",
        readonly_rootfs=True,
    )

    assert "touch: /x: Read-only file system" in said
    assert "\n0" in said
    assert said.count("Read-only") >= 2


def test_a_privileged_container_has_what_podpy_has(pod: Bench) -> None:
    available = capabilities.from_mask(host.capabilities())

    said = pod.output(
        "app",
        "grep -E 'CapEff|Seccomp:' /proc/self/status; mount -t tmpfs none /tmp && echo mounted",
        privileged=True,
        capabilities=capabilities.resolve(privileged=True, available=available),
    )

    assert f"CapEff:\t{host.capabilities():016x}" in said
    assert "Seccomp:\t0" in said
    assert "mounted" in said


def test_a_terminal_is_one(pod: Bench) -> None:
    said = pod.output("app", "tty; test -t 0 && test -t 1 && echo terminal", terminal=True)

    assert "/dev/pts/0" in said
    assert "terminal" in said
