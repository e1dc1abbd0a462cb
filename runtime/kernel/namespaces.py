"""Make a pod's namespaces, keep them without a process, and enter them again.

    pod_dir/mnt                 the pod's mount namespace: the one mount that the host sees
    pod_dir/ns/{net,ipc,uts}    the others, pinned inside that mount namespace; no file of a kind
                                that the pod shares with the host

`create` and `enter` give a thread that sits inside (runtime.kernel.inside). The pins survive podpy
and every process of the pod. What is mounted inside is runtime.kernel.mounts; links are
runtime.net.attach.
"""

from __future__ import annotations

import errno
import fcntl
import os

from manifests.faults import HostFault
from runtime.kernel import mounts, syscalls
from runtime.kernel.inside import Inside

_KINDS = {
    "net": syscalls.CLONE_NEWNET,
    "ipc": syscalls.CLONE_NEWIPC,
    "uts": syscalls.CLONE_NEWUTS,
}
_UNIFIED = "/sys/fs/cgroup/unified"


class Unpinned(HostFault):
    """A pin of the pod is gone: `repin` while one of its processes lives, else make it anew."""


def create(pod_dir: str, *, network: bool = True, ipc: bool = True, hostname: str = "") -> Inside:
    """Make and pin the namespaces of the pod whose directory is `pod_dir`; return it entered.

    `network` and `ipc` False leave the host's in place. The mount namespace sees later mounts of
    the host (rslave) and gives none back. Where podpy is killed before the end, nothing is pinned
    and the kernel drops all of it.
    """
    kinds = [kind for kind in _KINDS if (network or kind != "net") and (ipc or kind != "ipc")]
    _make_files(pod_dir, kinds)
    run_dir = os.path.dirname(os.path.dirname(pod_dir))
    lock = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        _guard(os.path.dirname(pod_dir))
        if pinned(pod_dir):
            raise HostFault(
                f"{pod_dir}: has namespaces already", hint="enter them, or remove them first"
            )
        return _create_pinned(pod_dir, kinds, hostname)
    finally:
        os.close(lock)


def _create_pinned(pod_dir: str, kinds: list[str], hostname: str) -> Inside:
    # Since Linux 6.15 or so a mount namespace can be pinned only in one with a smaller number, and
    # numbers are handed out in a batch to each CPU: where podpy does not run in the host's first
    # mount namespace, only namespaces made on some CPUs can be pinned (EINVAL on the others).
    # The CPUs that podpy may not use at the moment (taskset) count, too.
    for cpu in (None, *range(os.cpu_count() or 1)):
        inside = Inside(pod_dir)
        try:
            inside.call(_make, pod_dir, kinds, hostname, cpu)
            if _pin_mount_namespace(pod_dir, f"/proc/self/task/{inside.thread}/ns/mnt"):
                return inside
        except BaseException:
            inside.close()
            raise
        inside.close()
    raise HostFault(
        f"{pod_dir}: the kernel refuses to pin the pod's mount namespace on every CPU",
        hint="run podpy in the host's own mount namespace: nsenter -t 1 -m podpy ...",
    )


def scratch() -> Inside:
    """Return a thread in namespaces as a pod's, which nothing pins: they go with it, however podpy
    ends."""
    inside = Inside("scratch")
    try:
        inside.call(_unshare, "scratch", [*_KINDS], None)
    except BaseException:
        inside.close()
        raise
    return inside


def enter(pod_dir: str) -> Inside:
    """Return a thread inside the pinned namespaces of the pod; raises Unpinned when one is gone."""
    inside = Inside(pod_dir)
    try:
        inside.call(_join, pod_dir, pins=True)
    except BaseException:
        inside.close()
        raise
    return inside


def pinned(pod_dir: str) -> bool:
    """Say whether the pod's mount namespace is pinned, and with it, unless tampered with, all."""
    return _is_namespace(f"{pod_dir}/mnt")


def repin(pod_dir: str, pid: int) -> None:
    """Restore the pins that are gone from a living process that sits in the pod's namespaces.

    That is the pod's conmon: a container has a mount namespace of its own. Pins that are there
    stay. Raises HostFault when `pid` is gone or in no namespace of its own.
    """
    theirs = f"/proc/{pid}/ns/mnt"
    try:
        if os.path.samestat(os.stat(theirs), os.stat("/proc/thread-self/ns/mnt")):
            raise HostFault(f"{pod_dir}: process {pid} is in the host's mount namespace")
    except OSError as error:
        raise HostFault(f"{pod_dir}: process {pid} is gone: {error.strerror}") from error
    if not pinned(pod_dir) and not _pin_mount_namespace(pod_dir, theirs):
        raise HostFault(f"{pod_dir}: the kernel refuses to pin its mount namespace again")
    with Inside(pod_dir) as inside:
        inside.call(_join, pod_dir, pins=False)
        inside.call(_pin, pod_dir, f"/proc/{pid}/ns")


def remove(pod_dir: str) -> None:
    """Unpin: the kernel drops the namespaces, mounts and links of the pod as their users end.

    Gone already is success. The files in `pod_dir` are the caller's to delete.
    """
    path = f"{pod_dir}/mnt"
    while _is_namespace(path) and mounts.umount(path):
        pass


def release(run_dir: str) -> bool:
    """Undo what `create` did once for all pods of `run_dir`; False while pods are pinned there."""
    pods = f"{run_dir}/pods"
    try:
        lock = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if any(pinned(f"{pods}/{name}") for name in os.listdir(pods)):
            return False
        while mounts.is_mounted(pods) and mounts.umount(pods):
            pass
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False  # A pod is being made at this very moment.
    finally:
        os.close(lock)
    return True


def _make_files(pod_dir: str, kinds: list[str]) -> None:
    os.makedirs(f"{pod_dir}/ns", mode=0o711, exist_ok=True)
    for name in ("mnt", *(f"ns/{kind}" for kind in kinds)):
        os.close(os.open(f"{pod_dir}/{name}", os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600))


def _guard(pods: str) -> None:
    """Make the directory of all pods a private mount, so that no pin spreads to other namespaces.

    A mount namespace cannot be pinned on a shared mount, which /run is under systemd. The caller
    holds the lock of run_dir shared. One at a time: a second mount over a first would hide the pins
    that were made there meanwhile.
    """
    if mounts.is_mounted(pods):
        return
    # The directory is the same file, whatever is mounted of it over itself.
    lock = os.open(pods, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mounts.is_mounted(pods):
            mounts.bind(pods, pods, recursive=False)
    finally:
        os.close(lock)


def _make(pod_dir: str, kinds: list[str], hostname: str, cpu: int | None) -> None:
    """In the worker: unshare, and pin what is pinned inside."""
    _unshare(pod_dir, kinds, cpu)
    _pin(pod_dir, "/proc/thread-self/ns")
    if hostname:
        syscalls.sethostname(hostname)


def _unshare(pod_dir: str, kinds: list[str], cpu: int | None) -> None:
    """In the worker: make the namespaces, and shut the mount namespace off."""
    flags = syscalls.CLONE_NEWNS
    for kind in kinds:
        flags |= _KINDS[kind]
    allowed = os.sched_getaffinity(0)
    try:
        if cpu is not None:
            _move_to(cpu)
        syscalls.unshare(flags)
    except OSError as error:
        raise HostFault(
            f"{pod_dir}: cannot make the pod's namespaces: {error.strerror}",
            hint="podpy needs CAP_SYS_ADMIN; see also /proc/sys/user/max_*_namespaces",
        ) from error
    finally:
        if cpu is not None:
            os.sched_setaffinity(0, allowed)
    mounts.propagate("/", mounts.Propagation.SLAVE)
    if mounts.is_mounted(_UNIFIED):
        # A hybrid host: crun refuses to work where it sees cgroup v2 beside v1 controllers. It is
        # covered, not unmounted: unmounting waits for the kernel's readers (0.7 ms against 0.01).
        # Writable: crun makes a directory and a cgroup.procs of its own there, for each container.
        mounts.tmpfs(_UNIFIED, size=1 << 20, mode=0o755)


def _move_to(cpu: int) -> bool:
    """Run the calling thread on `cpu` only; False where podpy's cpuset does not hold it."""
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError:
        return False
    return True


def _join(pod_dir: str, *, pins: bool) -> None:
    """In the worker: enter the mount namespace and, if `pins`, those pinned inside it."""
    path = f"{pod_dir}/mnt"
    if not _is_namespace(path):
        raise Unpinned(f"{pod_dir}: its namespaces are not pinned")
    syscalls.unshare(syscalls.CLONE_FS)
    _set(path, syscalls.CLONE_NEWNS)
    if not pins:
        return
    for kind, flag in _KINDS.items():
        path = f"{pod_dir}/ns/{kind}"
        if _is_namespace(path):
            _set(path, flag)
        elif kind == "uts" or os.path.exists(path):
            raise Unpinned(f"{pod_dir}: its {kind} namespace is not pinned")


def _set(path: str, flag: int) -> None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            syscalls.setns(fd, flag)
        finally:
            os.close(fd)
    except OSError as error:
        raise HostFault(f"{path}: cannot be entered: {error.strerror}") from error


def _pin(pod_dir: str, namespaces: str) -> None:
    """Pin every kind that has a file and no pin yet, from a /proc/.../ns directory."""
    for kind in _KINDS:
        path = f"{pod_dir}/ns/{kind}"
        if os.path.exists(path) and not _is_namespace(path):
            try:
                syscalls.mount(f"{namespaces}/{kind}", path, flags=syscalls.MS_BIND)
            except OSError as error:
                raise HostFault(f"{path}: cannot be pinned: {error.strerror}") from error


def _pin_mount_namespace(pod_dir: str, namespace: str) -> bool:
    path = f"{pod_dir}/mnt"
    try:
        syscalls.mount(namespace, path, flags=syscalls.MS_BIND)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return False
        raise HostFault(f"{path}: cannot be pinned: {error.strerror}") from error
    return True


def _is_namespace(path: str) -> bool:
    """Say whether `path` lies on the kernel's file system of namespaces, as only a pin does."""
    try:
        return os.stat(path).st_dev == os.stat("/proc/self/ns/mnt").st_dev
    except FileNotFoundError:
        return False
