"""Stop and remove pods: all of them get their signal at once, and share one wait.

Ordered so that a killed removal is taken up again: the record says `deleting` before anything is
stopped, and is the last thing to go.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal

from manifests.faults import Fault, HostFault
from manifests.observed import Stage
from reconciler.state import leases
from reconciler.targets.host import networking, sync
from runtime import locks
from runtime.kernel import cgroups, namespaces, processes
from runtime.observe import records
from runtime.oci import container as oci
from runtime.oci.container import Container

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from manifests.observed import PodRecord, PodState
    from reconciler.targets.host.base import Base


def remove(base: Base, states: Sequence[PodState], *, now: bool = False) -> dict[str, Fault]:
    """Remove the pods with their containers, links, mounts and disk; return uid -> fault.

    Each has its grace period, all at the same time; with `now` they are killed. Logs stay, as
    records of what was. Volumes of claims are not the pod's and are not touched.
    """
    faults: dict[str, Fault] = {}
    names = [sync.lock_name(state.uid) for state in states]
    with locks.held(base.paths, names):
        for state in states:
            _announce(base, state.record)
        _stop(base, states, now=now)
        for state in states:
            try:
                discard(base, state.record)
            except Fault as fault:
                faults[state.uid] = fault
    gone = [state for state in states if state.uid not in faults]
    leases.free(base.database, [state.uid for state in gone])
    networking.synchronise(base, left=[state.record for state in gone])
    return faults


def _announce(base: Base, record: PodRecord) -> None:
    """Write down that the pod goes, and keep conmon from starting the exit hook for it."""
    if not record.deleting:
        records.write_pod(base.paths, record.replace(deleting=True))
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{base.paths.pod(record.uid)}/on-exit")


def _stop(base: Base, states: Iterable[PodState], *, now: bool) -> None:
    """Stop the containers of all pods; those with the same grace period share one wait.

    Sidecars (init containers that run) go after the others, as in Kubernetes.
    """
    graces: dict[float, list[PodState]] = {}
    for state in states:
        grace = 0.0 if now else float(state.pod.spec.termination_grace_period_seconds)
        graces.setdefault(grace, []).append(state)
    for grace, group in sorted(graces.items()):
        for sidecars in (False, True):
            stopping = [
                (
                    Container.of(base.paths, state.uid, container.name),
                    _signal(base, state, container.name),
                )
                for state in group
                for container in (
                    state.pod.spec.init_containers if sidecars else state.pod.spec.containers
                )
                if state.containers[container.name].stage in (Stage.RUNNING, Stage.CREATED)
            ]
            if stopping:
                oci.stop(stopping, grace)


def _signal(base: Base, state: PodState, name: str) -> int:
    return sync.stop_signal(base, state.containers[name].record.image_id)


def discard(base: Base, record: PodRecord) -> None:
    """Remove what there is of a pod, whatever state it is in; its processes are killed."""
    uid = record.uid
    directory = base.paths.pod(uid)
    tree = f"/{base.paths.instance}/{uid}"
    _end_waiting(directory)
    seen = _visible(base)
    cgroups.kill(seen, tree)
    namespaces.remove(directory)
    cgroups.remove(seen, tree)
    _remove_states(base, uid)
    for path in (base.paths.pod_disk(uid), directory):
        _remove_tree(path)


def _visible(base: Base) -> cgroups.View:
    return base.cgroups


def _remove_states(base: Base, uid: str) -> None:
    """Remove what the OCI runtime keeps of the pod's containers: directories named UID.NAME."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(base.paths.oci_state):
            if name.startswith(f"{uid}."):
                shutil.rmtree(f"{base.paths.oci_state}/{name}", ignore_errors=True)


def _end_waiting(directory: str) -> None:
    """End the exit hooks that wait for a back-off: files named after their pid and start time."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(f"{directory}/waiting"):
            pid, _, started = name.partition("-")
            descriptor = processes.opened(int(pid), int(started))
            if descriptor is not None and int(pid) != os.getpid():
                processes.signal(descriptor, signal.SIGKILL)
                os.close(descriptor)


def _remove_tree(path: str) -> None:
    """Remove a directory. conmon may still be writing its last record there for a millisecond."""
    for last in (False, False, False, True):
        try:
            shutil.rmtree(path)
            return
        except FileNotFoundError:
            if not os.path.lexists(path):
                return
        except OSError as error:
            if last:
                raise HostFault(f"{path}: cannot be removed: {error.strerror}") from error
