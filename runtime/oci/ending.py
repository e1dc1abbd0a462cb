"""Stop and remove containers, and settle those that podpy was killed over.

Anywhere but `recover`, which starts one: inside the pod's namespaces. Gone already is success.
"""

from __future__ import annotations

import os
import time

from manifests.faults import HostFault
from runtime import files
from runtime.kernel import cgroups, processes, signals
from runtime.oci import conmon
from runtime.oci import container as oci
from runtime.oci.container import State
from runtime.oci.options import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runtime.oci.container import Container
    from runtime.oci.engine import Engine

_KILL_SECONDS = 10.0
"""How long a process may take to die of SIGKILL, and its conmon to write that down."""
_DYING_SECONDS = 0.5
"""What is killed is dead sooner, unless something keeps it."""
_LOOK_SECONDS = 0.05


def stop(
    stopping: Sequence[tuple[Container, int, float]],
    seen: cgroups.View | None = None,
    *,
    by_cgroup: bool = False,
) -> None:
    """Send each container its signal, all at once, and SIGKILL to those alive so many s later.

    Returns when all are dead and their conmons have ended, so that the records are written and
    the directories can be removed. Raises HostFault naming those that do not die. With `seen`,
    those that take long to die are no longer kept to their share of processors; `by_cgroup` kills
    what a container without a PID namespace has left, too: conmon waits for that.
    """
    alive = {container.id: container for container, _number, _grace in stopping}
    watched = _present((c.id, oci.opened(c)) for c in alive.values())
    conmons = _present((c.id, conmon.opened(c.bundle)) for c in alive.values())
    try:
        for container, number, _grace in stopping:
            if container.id in watched:
                # What waits at its fifo as PID 1 with no handler would not hear anything else.
                created = os.path.exists(container.fifo)
                processes.signal(watched[container.id], signals.SIGKILL if created else number)
        dead = _kill_late(watched, {container.id: grace for container, _, grace in stopping})
        if seen is not None:
            for name in [name for name, pidfd in watched.items() if pidfd not in dead]:
                cgroups.unthrottle(seen, alive[name].cgroup)
        dead |= processes.wait(set(watched.values()) - dead, _KILL_SECONDS)
        if seen is not None and by_cgroup:
            for container in alive.values():
                cgroups.kill(seen, container.cgroup)
        dead |= _see_off(conmons, alive)
        left = [
            name for pidfds in (watched, conmons) for name in pidfds if pidfds[name] not in dead
        ]
        if left:
            raise HostFault(
                f"containers {', '.join(sorted(set(left)))}: still there after SIGKILL",
                hint="they hang in the kernel: see /proc/PID/stack, and dmesg",
            )
    finally:
        for pidfd in (*watched.values(), *conmons.values()):
            os.close(pidfd)


def _kill_late(watched: Mapping[str, int], graces: Mapping[str, float]) -> set[int]:
    """Wait for the processes, kill each that outlives its grace; return those that have ended, a
    moment after the last was killed."""
    began = time.monotonic()
    dead: set[int] = set()
    for grace in sorted(set(graces.values())):
        left = [pidfd for pidfd in watched.values() if pidfd not in dead]
        dead |= processes.wait(left, began + grace - time.monotonic())
        for name, pidfd in watched.items():
            if pidfd not in dead and graces[name] == grace:
                processes.signal(pidfd, signals.SIGKILL)
    return dead | processes.wait(set(watched.values()) - dead, _DYING_SECONDS)


def _see_off(conmons: Mapping[str, int], containers: Mapping[str, Container]) -> set[int]:
    """Wait until the conmons have ended; return the pidfds of those that have.

    One whose podpy was killed may be creating its container still, which had no process when it
    was looked for: it would wait for its start for ever. It is killed when it appears.
    """
    deadline = time.monotonic() + _KILL_SECONDS
    dead: set[int] = set()
    while left := {name: pidfd for name, pidfd in conmons.items() if pidfd not in dead}:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            break
        dead |= processes.wait(left.values(), min(seconds, _LOOK_SECONDS))
        for name, pidfd in left.items():
            if pidfd not in dead:
                oci.kill(containers[name], signals.SIGKILL)
    return dead


def remove(container: Container, seen: cgroups.View, engine: Engine | None = None) -> None:
    """Remove the container's cgroup and the runtime's state; kills what is left of it first.

    The bundle with its records stays: it is the caller's; but not those of what never ran. With
    `engine`, the runtime's own `delete --force` is tried where removing by hand fails.
    """
    if oci.conmon_pid(container) is not None or oci.pid(container) is not None:
        stop([(container, signals.SIGKILL, 0.0)], seen, by_cgroup=True)
    if os.path.exists(container.fifo) and oci.dead(container) is State.GONE:
        oci.forget(container)  # Whoever looks meanwhile must not see it end.
    try:
        cgroups.kill(seen, container.cgroup)
        cgroups.remove(seen, container.cgroup)
    except HostFault:
        if engine is None:
            raise
        from runtime import proc

        words = (*options(container.oci_root), "delete", "--force", container.id)
        proc.check(engine.path, *words)
        cgroups.remove(seen, container.cgroup)
    _remove_directory(container.state_dir)


def recover(
    engine: Engine, container: Container, seen: cgroups.View, *, patience: float = 2.0
) -> State:
    """Bring a container that podpy was killed over into a settled state, and return that.

    Created with its conmon alive: started. Without one: removed, GONE. A conmon still at work is
    waited for, `patience` seconds. Call it inside the pod's namespaces, holding whatever keeps
    others from starting the same container.
    """
    deadline = time.monotonic() + patience
    found = oci.state(container)
    while found is State.GONE and oci.conmon_pid(container) and time.monotonic() < deadline:
        time.sleep(0.005)
        found = oci.state(container)
    if found is State.CREATED and oci.conmon_pid(container) is not None:
        oci.start(engine, container)
        return State.RUNNING
    if found in (State.CREATED, State.GONE):
        remove(container, seen, engine)
        oci.forget(container)
        return State.GONE
    return found


def _present(pidfds: Iterable[tuple[str, int | None]]) -> dict[str, int]:
    return {name: pidfd for name, pidfd in pidfds if pidfd is not None}


def _remove_directory(path: str) -> None:
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _remove_directory(entry.path)
                else:
                    files.unlink(entry.path)
        os.rmdir(path)
    except FileNotFoundError:
        return
