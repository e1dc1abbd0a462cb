"""Find the way back from a pod's namespaces into the host's, for what conmon starts at an end.

    named()    in a podpy on the host -> what its namespaces are called: conmon hands it on
    go(...)    in the hook, born in the pod's namespaces: into those of that name

Nothing can hold a mount namespace for that: the kernel refuses to pin it inside a younger one, and
conmon closes every descriptor that it inherits. So any process that is in all of the host's
namespaces is the way: process 1 or, where that may not be entered (in a container, say), another,
such as podpy's name servers. The kernel gives the numbers of dead namespaces out again, to those
of containers among others, so a namespace has to prove that it is the host's: nowhere else is the
pod pinned.
"""

from __future__ import annotations

import os

from manifests.faults import HostFault
from runtime.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "PODPY_HOST_NAMESPACES"

# The mount namespace comes last: the others are entered while /proc is still the pod's.
_KINDS = {
    "net": syscalls.CLONE_NEWNET,
    "ipc": syscalls.CLONE_NEWIPC,
    "uts": syscalls.CLONE_NEWUTS,
    "mnt": syscalls.CLONE_NEWNS,
}


def named() -> str:
    """Return the numbers of the namespaces that this process's first thread is in."""
    return " ".join(f"{kind}={os.stat(f'/proc/self/ns/{kind}').st_ino}" for kind in _KINDS)


def go(name: str, pod_dir: str) -> None:
    """Take the calling process, of one thread, into the namespaces that `named` named.

    `pod_dir` is that of the pod it comes from. Raises HostFault where no living process is in all
    of them, or they do not know the pod; then the process is where it was.
    """
    numbers = _read(name)
    pod = os.stat("/proc/self/ns/mnt")
    if pod.st_ino == numbers["mnt"]:
        return
    back = _opened(os.getpid())
    try:
        for process in _processes():
            there = _opened(process, numbers)
            if there is None:
                continue
            try:
                _enter(there)
            finally:
                _close(there)
            if _pins(pod_dir, pod):
                return
            _enter(back or {})
    finally:
        _close(back)
    raise HostFault(
        f"{pod_dir}: no process that podpy may enter is in the host's namespaces any more",
        hint="the next podpy apply or kube play goes on with the pod",
    )


def reachable() -> int | None:
    """Return a process, of others than podpy's session, by which `go` would come here."""
    numbers = _read(named())
    session = os.getsid(0)
    for process in _processes():
        there = _opened(process, numbers)
        if there is not None:
            _close(there)
            if _session(process) != session:
                return process
    return None


def _read(name: str) -> dict[str, int]:
    words = dict(word.partition("=")[::2] for word in name.split())
    try:
        return {kind: int(words[kind]) for kind in _KINDS}
    except (KeyError, ValueError):
        raise HostFault(
            f"{VARIABLE}={name!r}: does not name the host's namespaces",
            hint="conmon sets it for the hook; podpy internal is not for use by hand",
        ) from None


def _processes() -> Iterator[int]:
    """Yield every process but our own, the oldest ones first: they live longest."""
    numbers = sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit())
    return (number for number in numbers if number != os.getpid())


def _session(process: int) -> int | None:
    try:
        return os.getsid(process)
    except ProcessLookupError:
        return None


def _opened(process: int, wanted: dict[str, int] | None = None) -> dict[str, int] | None:
    """Open the namespaces of `process`; None where it has others than `wanted`, or may not be."""
    opened: dict[str, int] = {}
    for kind in _KINDS:
        try:
            fd = os.open(f"/proc/{process}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            break
        opened[kind] = fd
        if wanted is not None and os.fstat(fd).st_ino != wanted[kind]:
            break
    else:
        return opened
    _close(opened)
    return None


def _enter(namespaces: dict[str, int]) -> None:
    for kind, fd in namespaces.items():
        try:
            syscalls.setns(fd, _KINDS[kind])
        except OSError as error:
            raise HostFault(f"the host's {kind} namespace: {error.strerror}") from error


def _close(namespaces: dict[str, int] | None) -> None:
    for fd in (namespaces or {}).values():
        os.close(fd)


def _pins(pod_dir: str, pod: os.stat_result) -> bool:
    """Say whether the pod's mount namespace is pinned at its place, seen from here."""
    try:
        return os.path.samestat(os.stat(f"{pod_dir}/mnt"), pod)
    except FileNotFoundError:
        return False
