"""Stop and remove pods: all of them get their signal at once, and share one wait.

Ordered so that a killed removal is taken up again: the record says `deleting` before anything is
stopped, and is the last thing to go.
"""

from __future__ import annotations

import os
import time
from functools import partial

from manifests import kinds, references
from manifests.faults import Fault
from reconciler.execute import pool
from reconciler.state import leases, objects, secrets
from reconciler.targets.host import logs, networking, stopping, sync, waiting
from runtime import descriptors, files, locks, trees
from runtime.kernel import cgroups, namespaces
from runtime.observe import records

LEASES_LOCK = "leases"
"""Held while pods are given addresses and ports and their records are written."""

_ENDS_AT_ONCE = 4

_LEAST_SECONDS = 2.0
"""What the kubelet, too, gives a container between its signal and SIGKILL, if it has that long."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from manifests.observed import PodRecord, PodState
    from manifests.ref import Ref
    from reconciler.targets.host.base import Base


def remove(base: Base, states: Sequence[PodState], *, now: bool = False) -> dict[str, Fault]:
    """Remove the pods with their containers, links, mounts, disk and logs; return uid -> fault.

    Each has its grace period, all at the same time; with `now` they are killed. Volumes of claims
    are not the pod's and are not touched.
    """
    faults: dict[str, Fault] = {}
    names = [sync.lock_name(state.uid) for state in states]
    # A lock for each pod; for each container two processes to be waited for.
    needed = sum(1 + 2 * len(state.containers) for state in states)
    with descriptors.room_for(needed), locks.held(base.paths, names):
        graces = _announce(base, states, now=now)
        closed = _close(base)
        stopping.pods(base, states, graces)
        # Before namespaces go: then the kernel takes links apart for milliseconds, and holds the
        # lock that this needs.
        networking.forget(base, [state.record for state in states])
        # Side by side, as the kernel has every unpinning wait for all of its processors.
        ends = pool.run([partial(_let_go, base, state.uid) for state in states], _ENDS_AT_ONCE)
        for state, end in zip(states, ends, strict=True):
            if isinstance(end, Fault):
                faults[state.uid] = end
        gone = [state for state in states if state.uid not in faults]
        leases.free(base.database, [state.uid for state in gone])
        _clear(base, gone)
        # The record is the last to go: while it is there, a killed removal is found again.
        trees.remove([base.paths.pod(state.uid) for state in gone])
    if not closed:
        networking.synchronise(base)
    return faults


def _clear(base: Base, gone: Sequence[PodState]) -> None:
    """Remove what pods have left on disks and in the OCI runtime's memory, side by side."""

    def on_disks() -> None:
        trees.remove([logs.directory(base, state.record) for state in gone])
        trees.remove([base.paths.pod_disk(state.uid) for state in gone])

    def in_memory() -> None:
        _forget_containers(base, [state.uid for state in gone])

    # For one pod a thread costs more than it saves.
    for outcome in pool.run([on_disks, in_memory], 2 if len(gone) > 1 else 1):
        if isinstance(outcome, Fault):
            raise outcome


def _close(base: Base) -> bool:
    """Let nobody be sent to a pod that stops, as in Kubernetes. Where that fails, it stops all the
    same: False then, and it is tried again, and raised, when the pods are gone."""
    try:
        networking.synchronise(base)
    except Fault:
        return False
    return True


def users(base: Base, claim: Ref) -> str:
    """Name the pods on this host that have the claim among their volumes."""
    return ", ".join(
        str(kinds.ref(record.pod))
        for record in records.read_pods(base.paths)
        if record.pod.metadata.namespace == claim.namespace and not record.finished
        for volume in record.pod.spec.volumes
        if volume.persistent_volume_claim is not None
        and volume.persistent_volume_claim.claim_name == claim.name
    )


def sweep(base: Base) -> None:
    """Remove what is left of pods without a record: podpy was killed before or after it was there.

    After a reboot, which wipes run_dir, that is what the pods from before have on the disk. Logs of
    a Job that has ended stay as long as the Job: nothing runs again that could write them. A pod
    of its own that has ended is put on record again, with its logs. Files that were being written
    go, too: a Secret may be in one.
    """
    paths = base.paths
    for above in (paths.networks, paths.secrets):
        for name in _listed(above):
            files.sweep(f"{above}/{name}")
    for directory in (paths.state_dir, paths.images, paths.run_dir, paths.pending):
        files.sweep(directory)
    if secrets.strays(paths, ()):
        _sweep_secrets(base)
    with locks.tried(base.paths, LEASES_LOCK) as alone:
        # New pods' records are written under that lock; then there is no pod without one.
        if not alone:
            return
        known = {*records.uids(paths), *_listed(f"{paths.state_dir}/pods")}
        strays = [uid for uid in known if not os.path.exists(f"{paths.pod(uid)}/pod.json")]
        if strays:
            _sweep_strays(base, strays)


def empty_trash(base: Base) -> None:
    """Delete removed claims that are past their time, unless another command is at the trash."""
    if not os.path.isdir(base.paths.trash):
        return
    from runtime.volume import trash

    with locks.tried(base.paths, trash.LOCK) as alone:
        if alone:
            trash.empty(base.paths)


def _sweep_strays(base: Base, strays: Iterable[str]) -> None:
    from reconciler.state import results

    ended = results.ended_pods(base.database)
    for uid in strays:
        kept = records.read_ended(base.paths, uid)
        if kept is not None and _remembered(base, kept):
            _restore(base, kept)
        else:
            _sweep_one(base, uid, logs_stay=uid in ended)


def _remembered(base: Base, record: PodRecord) -> bool:
    """Tell whether somebody may still want the pod; without the database nobody knows."""
    wanted = objects.find(base.database, kinds.ref(record.pod))
    return wanted is not None or base.database.rebuilt


def _restore(base: Base, record: PodRecord) -> None:
    """Put an ended pod on record again, with nothing of it on the disk but that and its logs."""
    uid, disk = record.uid, base.paths.pod_disk(record.uid)
    with locks.tried(base.paths, sync.lock_name(uid)) as alone:
        if not alone:
            return
        _let_go(base, uid)
        _forget_containers(base, [uid])
        kept = os.path.basename(base.paths.ended(uid))
        trees.remove([f"{disk}/{name}" for name in _listed(disk) if name != kept])
        records.restore_ended(base.paths, record)


def _sweep_secrets(base: Base) -> None:
    """Remove the Secrets that podpy was killed over before it recorded them, and no pod needs."""
    if base.database.rebuilt:
        return
    with locks.tried(base.paths, secrets.LOCK) as alone:
        left = secrets.strays(base.paths, objects.refs(base.database)) if alone else ()
        if left:
            # Where the database was lost, pods that run may need what no row tells of.
            pods = records.read_pods(base.paths)
            needed = [ref for record in pods for ref in references.references(record.pod)]
            for file in set(left).intersection(secrets.strays(base.paths, needed)):
                secrets.discard(file)


def _sweep_one(base: Base, uid: str, *, logs_stay: bool) -> None:
    disk = base.paths.pod_disk(uid)
    # Its empty directory is what later tells of the logs.
    if logs_stay and not os.path.exists(base.paths.pod(uid)) and not _listed(disk):
        return
    with locks.tried(base.paths, sync.lock_name(uid)) as alone:
        if not alone:
            return
        _let_go(base, uid)
        _forget_containers(base, [uid])
        if logs_stay:
            trees.remove([f"{disk}/{name}" for name in _listed(disk)])
        else:
            written = [name for name in _listed(base.paths.log_dir) if name.endswith(f"_{uid}")]
            trees.remove([f"{base.paths.log_dir}/{name}" for name in written])
            trees.remove([disk])
        trees.remove([base.paths.pod(uid)])


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []


def _announce(base: Base, states: Iterable[PodState], *, now: bool) -> dict[str, float]:
    """Write down that the pods go, and keep conmon from starting the exit hook for them.

    Returns how long each has until it is killed. What an earlier removal has waited, before it was
    killed or given up, counts; a later one may be shorter, never longer.
    """
    at = time.time()
    graces: dict[str, float] = {}
    for state in states:
        record = state.record
        own = float(state.pod.spec.termination_grace_period_seconds)
        grace = 0.0 if now else own if base.grace_seconds is None else base.grace_seconds
        kill_at = min(at + grace, record.kill_at) if record.deleting else at + grace
        if not record.deleting or kill_at != record.kill_at:
            records.write_pod(base.paths, record.replace(deleting=True, kill_at=kill_at))
        sync.mute(base.paths, state.uid)
        # Its processes may not have heard a signal yet.
        graces[state.uid] = max(kill_at - at, min(grace, _LEAST_SECONDS))
    return graces


def _let_go(base: Base, uid: str) -> None:
    """Drop a pod's processes, namespaces and cgroups, whatever state it is in."""
    waiting.end(base.paths, uid)
    path = f"/{base.paths.instance}/{uid}"
    removed = cgroups.removed_at_once(base.cgroups, path)
    if not removed:
        cgroups.kill(base.cgroups, path)
    namespaces.remove(base.paths.pod(uid))
    if not removed:
        cgroups.remove(base.cgroups, path)


def _forget_containers(base: Base, uids: Iterable[str]) -> None:
    """Drop the OCI runtime's state of the pods' containers: directories UID.NAME."""
    pods = frozenset(uids)
    names = _listed(base.paths.oci_state)
    left = [name for name in names if name.partition(".")[0] in pods]
    trees.remove([f"{base.paths.oci_state}/{name}" for name in left])
