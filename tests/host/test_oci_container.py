"""Containers under the real conmon and OCI runtime: made, limited, stopped, and nothing left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from manifests.faults import HostFault
from renderers import capabilities, oci_config
from runtime.kernel import cgroups, namespaces, processes
from runtime.oci import container as oci
from runtime.oci import engine as engines
from runtime.oci import host
from runtime.oci.conmon import NotCreated
from runtime.oci.container import Container, State
from runtime.oci.creation import Supervision
from runtime.oci.engine import Engine, Kind
from tests.fixtures import bench, traces
from tests.fixtures.bench import UID, Bench, create, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.paths import Paths

pytestmark = pytest.mark.host

FOREVER = "while :; do sleep 0.05; done"
DEAF = f"trap '' TERM; echo up; {FOREVER}"


@pytest.fixture
def pod(instance: Paths) -> Iterator[Bench]:
    with bench.opened(instance) as opened:
        yield opened


def only(kind: Kind, pod_dir: str) -> Engine:
    path = engines.locate(kind)
    conmon = engines.locate("conmon")
    if path is None or conmon is None:
        pytest.skip(f"{kind} is not installed")
    return Engine(kind=kind, path=path, version=engines.version(path), conmon=conmon)


@pytest.mark.parametrize("kind", list(Kind))
def test_both_runtimes_make_start_and_end_a_container(instance: Paths, kind: Kind) -> None:
    with bench.opened(instance, only(kind, "")) as pod:
        container = pod.create("app", "echo hello; echo oops >&2; exit 3")
        assert oci.state(container) is State.CREATED

        pod.inside.call(oci.start, pod.engine, container)
        ended = pod.wait(container)

        assert ended.code == 3
        assert not ended.oom_killed
        assert time.time() - ended.at < 60
        assert sorted((x.stream, x.text) for x in pod.lines("app")) == [
            ("stderr", b"oops"),
            ("stdout", b"hello"),
        ]
        assert oci.state(container) is State.STOPPED


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
        oci.stop([(container, signal.SIGKILL, 0)])
        oci.remove(container, pod.seen)
        oci.remove(container, pod.seen)

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

    oci.stop([(container, signal.SIGTERM, 20)])

    assert pod.wait(container).code == 7
    assert pod.lines("app")[-1].text == b"bye"


def test_those_that_ignore_the_signal_are_killed_after_one_common_grace(pod: Bench) -> None:
    deaf = [pod.run(name, DEAF) for name in ("one", "two", "three")]
    for name in ("one", "two", "three"):
        pod.says(name, "up")

    began = time.monotonic()
    oci.stop([(container, signal.SIGTERM, 0.5) for container in deaf])

    assert time.monotonic() - began >= 0.5
    assert [pod.wait(container).code for container in deaf] == [137, 137, 137]


def test_each_has_a_grace_of_its_own(pod: Bench) -> None:
    containers = {name: pod.run(name, DEAF) for name in ("soon", "late")}
    for name in containers:
        pod.says(name, "up")
    stopping = [(containers["late"], signal.SIGTERM, 600), (containers["soon"], signal.SIGTERM, 0)]
    thread = threading.Thread(target=oci.stop, args=(stopping,))
    thread.start()

    assert pod.wait(containers["soon"]).code == 137
    assert oci.state(containers["late"]) is State.RUNNING
    oci.kill(containers["late"], signal.SIGKILL)
    thread.join()


def test_a_container_never_started_is_stopped_at_once(pod: Bench) -> None:
    container = pod.create("app", FOREVER)

    oci.stop([(container, signal.SIGTERM, 600)])

    assert oci.state(container) is State.STOPPED


def test_kill_says_whether_it_met_anyone(pod: Bench) -> None:
    container = pod.run("app", FOREVER)

    assert oci.kill(container, signal.SIGKILL)
    assert pod.wait(container).code == 137
    assert not oci.kill(container, signal.SIGKILL)


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

    used = cgroups.usage(pod.seen, container.cgroup)

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
    oci.stop([(container, signal.SIGKILL, 0)])
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
    inside.call(inside.call(creation.begin, engine, container, config, watch, seen).finish)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_container_created_before_a_crash_is_finished(pod: Bench) -> None:
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
    )
    crashed = subprocess.run([sys.executable, "-c", body], check=False, timeout=60)
    assert crashed.returncode == -signal.SIGKILL
    assert oci.state(container) is State.CREATED

    recovered = pod.inside.call(oci.recover, pod.engine, container, pod.seen)

    assert recovered is State.RUNNING
    assert pod.wait(container).code == 4


def test_a_created_container_without_conmon_is_cleared_away(pod: Bench) -> None:
    container = pod.create("app", FOREVER)
    conmon = oci.conmon_pid(container)
    assert conmon is not None
    os.kill(conmon, signal.SIGKILL)
    until(lambda: oci.conmon_pid(container) is None)

    recovered = pod.inside.call(oci.recover, pod.engine, container, pod.seen)

    assert recovered is State.GONE
    assert oci.state(container) is State.GONE
    assert cgroups.processes(pod.seen, container.cgroup) == ()


def test_a_container_whose_conmon_died_first_ends_without_a_code(pod: Bench) -> None:
    container = pod.run("app", FOREVER)
    conmon = oci.conmon_pid(container)
    assert conmon is not None
    os.kill(conmon, signal.SIGKILL)
    until(lambda: oci.conmon_pid(container) is None)
    assert oci.state(container) is State.RUNNING

    oci.stop([(container, signal.SIGKILL, 0)])

    ended = oci.ended(container, pod.seen)
    assert ended is not None
    assert ended.code is None


def test_the_engine_is_found_once_and_remembered(instance: Paths) -> None:
    with bench.opened(instance) as pod:
        written = os.stat(f"{instance.run_dir}/engine.json").st_mtime_ns

        again = pod.inside.call(engines.find, instance.run_dir, pod.seen, instance.instance)

        assert again == pod.engine
        assert os.stat(f"{instance.run_dir}/engine.json").st_mtime_ns == written


def test_runc_takes_over_with_a_reason_where_crun_cannot_run(
    instance: Paths, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    if engines.locate("runc") is None:
        pytest.skip("runc is not installed")
    broken = f"{tmp_path}/bin"
    os.makedirs(broken)
    with open(f"{broken}/crun", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\necho 'this host is too odd' >&2\nexit 1\n")
    os.chmod(f"{broken}/crun", 0o755)
    monkeypatch.setenv("PATH", f"{broken}:{os.environ['PATH']}")
    os.makedirs(instance.pod("one"))
    with namespaces.create(instance.pod("one")) as inside:
        seen = inside.call(cgroups.view)

        found = inside.call(engines.find, instance.run_dir, seen, instance.instance)

        namespaces.remove(instance.pod("one"))
        namespaces.release(instance.run_dir)
        inside.call(cgroups.remove, seen, f"/{instance.instance}")
    assert found.kind is Kind.RUNC
    assert found.reason == "crun cannot run here: this host is too odd"


def test_a_container_that_comes_to_be_while_it_is_stopped_is_killed(pod: Bench) -> None:
    container = pod.create("app", FOREVER)
    # Its conmon is there and its process not yet known, as where podpy was killed over a creation.
    known = f"{container.bundle}/pid"
    os.rename(known, f"{known}.later")
    appears = threading.Timer(0.3, os.rename, (f"{known}.later", known))
    appears.start()

    oci.stop([(container, signal.SIGKILL, 0)])

    appears.join()
    assert oci.pid(container) is None
    assert oci.conmon_pid(container) is None
