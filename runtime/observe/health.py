"""Keep what probes have found of a pod, and who runs them: two small files in its run directory.

    run_dir/pods/UID/probes.json     the last results of each container, by the run they are about
    run_dir/pods/UID/prober          PID START NAME of who runs the probes, locked by that process

Results outlive whoever found them, and die with the pod. One process at a time runs a pod's probes:
it holds a lock (flock) on `prober`, which the kernel releases at its end, however that comes.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping

from manifests import codec, probes
from manifests.observed import Health
from manifests.value import EMPTY, Value
from runtime import files
from runtime.kernel import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.observed import PodRecord
    from manifests.pod import Pod
    from runtime.paths import Paths


class Found(Value):
    """What probes.json holds: what was found of each container that has probes, by its name."""

    containers: Mapping[str, Health] = EMPTY


def has_probes(pod: Pod) -> bool:
    """Say whether the pod has any probe at all."""
    containers = (*pod.spec.init_containers, *pod.spec.containers)
    return any(True for one in containers for _ in probes.of_container(one))


def stamp(paths: Paths, record: PodRecord) -> tuple[int, ...]:
    """Return what is another number once a container of the pod has begun, or its end is known."""
    found: list[int] = []
    for one in (*record.pod.spec.init_containers, *record.pod.spec.containers):
        bundle = paths.container(record.uid, one.name)
        for file in (f"{bundle}/status.json", f"{bundle}/exit/exit"):
            try:
                found.append(os.stat(file).st_mtime_ns)
            except FileNotFoundError:
                found.append(0)
    return tuple(found)


def read(paths: Paths, uid: str) -> Mapping[str, Health]:
    """Return what was found last, by container: of whichever of its runs that was."""
    raw = files.read_json(_results(paths, uid))
    try:
        return EMPTY if raw is None else codec.restore(Found, raw).containers
    except ValueError:
        return EMPTY


def write(paths: Paths, uid: str, found: Mapping[str, Health]) -> None:
    """Save what was found; a pod that is gone meanwhile needs none of it."""
    try:
        files.write_json(_results(paths, uid), codec.encode(Found(containers=found)))
    except FileNotFoundError:
        return


class Claim:
    """The right of this process to run a pod's probes, until `release`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def claim(paths: Paths, uid: str, name: str) -> Claim | None:
    """Take the right to run the pod's probes, as `name`; None where another has it, or no pod is.

    `name` is what others show of who does: "agent", "apply".
    """
    try:
        descriptor = os.open(_prober(paths, uid), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    pid = os.getpid()
    os.pwrite(descriptor, f"{pid} {processes.start_time(pid)} {name}".encode(), 0)
    return Claim(descriptor)


def prober(paths: Paths, uid: str) -> str:
    """Return the name of who runs the pod's probes at the moment; "" where nobody does."""
    try:
        with open(_prober(paths, uid), encoding="ascii") as file:
            words = file.read().split()
    except FileNotFoundError:
        return ""
    if len(words) != 3 or not processes.alive(int(words[0]), int(words[1])):
        return ""
    return words[2]


def _results(paths: Paths, uid: str) -> str:
    return f"{paths.pod(uid)}/probes.json"


def _prober(paths: Paths, uid: str) -> str:
    return f"{paths.pod(uid)}/prober"
