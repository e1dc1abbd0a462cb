"""The list of hooks that wait for a pod: at most one, which whoever takes over ends.

    run_dir/pods/UID/waiting/PID-START        one file for each, there while it only sleeps

Whoever changes the list holds the pod's lock. A hook leaves it, under that lock, before it does
anything, so one that is on it can be killed at any time, and nothing is lost but its sleep.
"""

from __future__ import annotations

import contextlib
import os

from runtime.kernel import processes, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.targets.host.base import Base
    from runtime.paths import Paths

_BEGIN_SECONDS = 30.0


def enter(paths: Paths, uid: str) -> bool:
    """Put this process on the list in place of others; False when the pod is gone."""
    end(paths, uid)
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(_list(paths, uid), mode=0o700)
        os.close(os.open(_mark(paths, uid), os.O_CREAT | os.O_CLOEXEC, 0o600))
    except FileNotFoundError:
        return False
    return True


def leave(paths: Paths, uid: str) -> None:
    """Take this process off the list, if it is on it."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_mark(paths, uid))


def end(paths: Paths, uid: str) -> None:
    """Kill the others that wait for the pod, and take them off the list."""
    for name, pidfd in _living(paths, uid):
        processes.signal(pidfd, signals.SIGKILL)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{_list(paths, uid)}/{name}")


def attended(paths: Paths, uid: str) -> bool:
    """Say whether another process waits for the pod."""
    return any(True for _ in _living(paths, uid))


def begin(base: Base, uid: str) -> None:
    """Start a hook that takes the pod on from here, and waits."""
    if base.hook:
        from runtime import proc

        proc.check(base.hook, "internal", "attend", uid, timeout=_BEGIN_SECONDS)


def _living(paths: Paths, uid: str) -> Iterator[tuple[str, int]]:
    """Yield the mark and a pidfd, good until the next one, of every other process on the list."""
    try:
        names = os.listdir(_list(paths, uid))
    except FileNotFoundError:
        return
    for name in names:
        pid, _, started = name.partition("-")
        if int(pid) == os.getpid():
            continue
        pidfd = processes.opened(int(pid), int(started))
        if pidfd is None:
            continue
        try:
            yield name, pidfd
        finally:
            os.close(pidfd)


def _list(paths: Paths, uid: str) -> str:
    return f"{paths.pod(uid)}/waiting"


def _mark(paths: Paths, uid: str) -> str:
    return f"{_list(paths, uid)}/{os.getpid()}-{processes.start_time(os.getpid())}"
