"""Pods' namespaces: pinned, entered again, repaired and dropped, on the real kernel."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from manifests.faults import HostFault
from runtime.kernel import mounts, namespaces, syscalls
from tests.fixtures import traces
from tests.fixtures.command import wait_until

pytestmark = [pytest.mark.host, pytest.mark.usefixtures("host_mounts")]

KINDS = ("mnt", "net", "ipc", "uts")


@pytest.fixture
def run_dir() -> Iterator[str]:
    path = tempfile.mkdtemp(prefix=traces.SESSION)
    (Path(path) / "pods").mkdir()
    yield path
    for name in os.listdir(f"{path}/pods"):
        namespaces.remove(f"{path}/pods/{name}")
    assert namespaces.release(path)
    shutil.rmtree(path)


@pytest.fixture
def pod_dir(run_dir: str) -> str:
    return f"{run_dir}/pods/uid-1"


def ids() -> dict[str, int]:
    """The calling thread's namespaces."""
    return {kind: os.stat(f"/proc/thread-self/ns/{kind}").st_ino for kind in KINDS}


def hostname() -> str:
    return os.uname().nodename


def program(body: str) -> str:
    """Run `body` in a fresh Python and return what it prints."""
    root = str(Path(__file__).parents[2])
    setup = f"import sys; sys.path.insert(0, {root!r})\nfrom runtime.kernel import namespaces\n"
    done = subprocess.run(
        [sys.executable, "-c", setup + body], capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def test_a_pod_has_namespaces_of_its_own(pod_dir: str) -> None:
    with namespaces.create(pod_dir, hostname="web-0") as inside:
        found = inside.call(ids)

        assert all(found[kind] != own for kind, own in ids().items())
        assert inside.call(hostname) == "web-0"
        assert hostname() != "web-0"


def test_programs_started_inside_are_born_inside(pod_dir: str) -> None:
    with namespaces.create(pod_dir, hostname="web-0") as inside:
        done = inside.call(subprocess.run, ["uname", "-n"], capture_output=True, check=True)

    assert done.stdout == b"web-0\n"


def test_the_host_sees_one_mount_a_pod(pod_dir: str) -> None:
    before = len(list(mounts.table()))

    with namespaces.create(pod_dir) as inside:
        inside.call(os.mkdir, f"{pod_dir}/volume")
        inside.call(mounts.tmpfs, f"{pod_dir}/volume")

        # One for the pod, one for the directory of all pods.
        assert len(list(mounts.table())) == before + 2
        assert not mounts.is_mounted(f"{pod_dir}/volume")


def test_a_fresh_process_enters_again_with_no_process_left(pod_dir: str) -> None:
    program(f"namespaces.create({pod_dir!r}, hostname='web-0').close()")

    with namespaces.enter(pod_dir) as inside:
        assert inside.call(hostname) == "web-0"
        entered = inside.call(ids)
    assert int(program(
        f"inside = namespaces.enter({pod_dir!r})\n"
        "print(inside.call(__import__('os').stat, '/proc/thread-self/ns/net').st_ino)"
    )) == entered["net"]  # fmt: skip


def test_a_pod_on_the_hosts_network_keeps_it(pod_dir: str) -> None:
    with namespaces.create(pod_dir, network=False) as inside:
        assert inside.call(ids)["net"] == ids()["net"]
        assert inside.call(ids)["ipc"] != ids()["ipc"]

    with namespaces.enter(pod_dir) as inside:
        assert inside.call(ids)["net"] == ids()["net"]


def test_what_the_host_mounts_later_is_seen_inside_and_not_the_other_way(
    run_dir: str, pod_dir: str
) -> None:
    shared = f"{run_dir}/shared"
    os.makedirs(f"{shared}/from-host")
    os.makedirs(f"{shared}/from-pod")
    mounts.bind(shared, shared, propagation=mounts.Propagation.SHARED)
    try:
        with namespaces.create(pod_dir) as inside:
            mounts.tmpfs(f"{shared}/from-host")
            inside.call(mounts.tmpfs, f"{shared}/from-pod")

            assert inside.call(mounts.is_mounted, f"{shared}/from-host")
            assert not mounts.is_mounted(f"{shared}/from-pod")
            mounts.umount(f"{shared}/from-host", lazy=False)
    finally:
        mounts.umount(shared)


def test_the_first_pods_do_not_hide_each_others_pins(run_dir: str) -> None:
    pods = f"{run_dir}/pods"
    first, second = f"{pods}/uid-1", f"{pods}/uid-2"
    lock = os.open(pods, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    late = threading.Thread(target=lambda: namespaces.create(second).close())
    late.start()
    # It has found no mount yet, and waits for its turn to make one.
    wait_until(lambda: f":{os.stat(pods).st_ino} 0 EOF" in waiting_locks(), "a second podpy")
    mounts.bind(pods, pods, recursive=False)
    os.close(lock)
    namespaces.create(first).close()
    late.join()

    assert [mount.target for mount in mounts.table()].count(pods) == 1
    assert namespaces.pinned(first)
    assert namespaces.pinned(second)


def waiting_locks() -> str:
    lines = Path("/proc/locks").read_text().splitlines()
    return "\n".join(line for line in lines if "->" in line)


def test_a_second_set_of_namespaces_is_refused(pod_dir: str) -> None:
    with namespaces.create(pod_dir), pytest.raises(HostFault, match="has namespaces already"):
        namespaces.create(pod_dir)


def test_removing_is_complete_and_may_be_repeated(run_dir: str, pod_dir: str) -> None:
    namespaces.create(pod_dir).close()
    assert namespaces.pinned(pod_dir)
    assert not namespaces.release(run_dir), "the directory is still needed"

    namespaces.remove(pod_dir)
    namespaces.remove(pod_dir)

    assert not namespaces.pinned(pod_dir)
    with pytest.raises(namespaces.Unpinned):
        namespaces.enter(pod_dir)
    assert namespaces.release(run_dir)
    assert namespaces.release(run_dir)


@pytest.fixture
def resident(pod_dir: str) -> Iterator[int]:
    """A process that lives in the pod, as its conmon does."""
    with namespaces.create(pod_dir) as inside:
        child = inside.call(subprocess.Popen, ["sleep", "60"])
    yield child.pid
    child.kill()
    child.wait()


def test_a_lost_mount_pin_is_restored_from_a_living_process(pod_dir: str, resident: int) -> None:
    with namespaces.enter(pod_dir) as inside:
        before = inside.call(ids)
    namespaces.remove(pod_dir)

    namespaces.repin(pod_dir, resident)

    with namespaces.enter(pod_dir) as inside:
        assert inside.call(ids) == before


def test_a_lost_inner_pin_is_noticed_and_restored(pod_dir: str, resident: int) -> None:
    with namespaces.enter(pod_dir) as inside:
        before = inside.call(ids)
        inside.call(mounts.umount, f"{pod_dir}/ns/net")
    with pytest.raises(namespaces.Unpinned, match="its net namespace is not pinned"):
        namespaces.enter(pod_dir)

    namespaces.repin(pod_dir, resident)

    with namespaces.enter(pod_dir) as inside:
        assert inside.call(ids) == before


def test_a_process_outside_cannot_give_its_namespaces(pod_dir: str) -> None:
    namespaces.create(pod_dir).close()

    with pytest.raises(HostFault, match="is in the host's mount namespace"):
        namespaces.repin(pod_dir, os.getpid())


@pytest.mark.parametrize("propagation", ["private", "shared", "slave"])
def test_pods_can_be_pinned_below_any_kind_of_mount_on_every_cpu(propagation: str) -> None:
    body = """
import os, tempfile, shutil
for cpu in sorted(os.sched_getaffinity(0)):
    os.sched_setaffinity(0, {cpu})
    path = tempfile.mkdtemp(prefix=SESSION)
    for number in range(4):
        namespaces.create(f"{path}/pods/{number}").close()
        namespaces.enter(f"{path}/pods/{number}").close()
    for number in range(4):
        namespaces.remove(f"{path}/pods/{number}")
    assert namespaces.release(path)
    shutil.rmtree(path)
"""
    root = str(Path(__file__).parents[2])
    setup = f"import sys; sys.path.insert(0, {root!r})\nfrom runtime.kernel import namespaces\n"
    setup += f"SESSION = {traces.SESSION!r}\n"
    argv = ["unshare", "-m", "--propagation", propagation, sys.executable, "-c", setup + body]

    done = subprocess.run(argv, capture_output=True, check=False, timeout=60)

    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.skipif(not os.path.ismount("/sys/fs/cgroup/unified"), reason="not a hybrid host")
def test_a_pod_on_a_hybrid_host_sees_no_second_cgroup_mount(pod_dir: str) -> None:
    with namespaces.create(pod_dir) as inside:
        assert inside.call(os.listdir, "/sys/fs/cgroup/unified") == []
    assert os.listdir("/sys/fs/cgroup/unified")


def test_half_made_namespaces_are_not_taken_for_a_pod(pod_dir: str) -> None:
    namespaces.create(pod_dir).close()
    syscalls.umount(f"{pod_dir}/mnt", syscalls.MNT_DETACH)

    assert not namespaces.pinned(pod_dir)
    namespaces.create(pod_dir).close()
    assert namespaces.pinned(pod_dir)
