"""Go on with a pod after one of its containers has ended, where no agent runs.

conmon starts this at each end, and a pass for a pod with a deadline. It takes the pod as far as it
can now, waits out a back-off or for the deadline, and ends when nothing is left to wait for; the
pod of a Job takes its Job on, too. One hook waits for a pod: a later one ends it and knows better.
Killed, it is missed by nobody: the next pass finds the container dead and goes on (plan: REPAIR),
or starts another hook to wait (`attend`).
"""

from __future__ import annotations

import os
import time

from manifests import kinds
from manifests.faults import Fault
from manifests.observed import Stage
from reconciler import cycle
from reconciler.state import events
from reconciler.state.events import Event, EventType
from reconciler.targets.host import logs, networking, shutdown, sync, waiting
from reconciler.workloads import lifecycle
from reconciler.workloads.ownership import owner_in
from runtime import locks
from runtime.kernel import cgroups
from runtime.observe import pods, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.observed import PodRecord, PodState
    from manifests.ref import Ref
    from reconciler.targets.host.base import Base
    from reconciler.targets.host.host import Host
    from reconciler.workloads.lifecycle import Decision


def exited(host: Host, uid: str, name: str) -> None:
    """Take the pod on after its container `name` has ended."""
    record = records.read_pod(host.base.paths, uid)
    if record is None or record.deleting or shutdown.under_way(host.base.paths):
        return
    _note_end(host.base, record, name)
    attend(host, uid, name)


def attend(host: Host, uid: str, name: str = "") -> None:
    """Take the pod on until it runs or has ended, then its Job, if it is one's.

    `name` is the container that has just ended, if one has. What made the Job goes on with it.
    """
    _leave_cgroup(host)
    record = records.read_pod(host.base.paths, uid)
    failures = 0
    while True:
        try:
            wake_at = _go_on(host, uid, name)
            failures, name = 0, ""
        except Fault as fault:
            failures += 1
            wake_at = _put_off(host.base, uid, fault, lifecycle.retry_delay(failures))
        if wake_at is None:
            break
        time.sleep(max(0.0, wake_at - time.time()))
    job = owner_in(record) if record is not None else None
    if job is not None and job.kind == "Job":
        from reconciler import scheduling

        scheduling.ended(host, job)


def _go_on(host: Host, uid: str, name: str) -> float | None:
    """Do what is due; return when there is more, this process being the one that waits for it."""
    base = host.base
    record = records.read_pod(base.paths, uid)
    if record is None or record.deleting or shutdown.under_way(base.paths):
        return None
    wake_at: float | None = None
    job = owner_in(record)
    if job is not None and job.kind == "Job":
        with locks.held(base.paths, [sync.lock_name(uid)]):
            waiting.leave(base.paths, uid)
        # Before the Job is looked at, so that it counts a restart that is due now.
        sync.step(base, uid)
        wake_at = cycle.resume(host, job)
    with locks.held(base.paths, [sync.lock_name(uid)]):
        waiting.leave(base.paths, uid)
        stepped = sync.advance(base, uid)
        if stepped is not None:
            wake_at = _earliest(stepped[1].wake_at, wake_at)
        elif job is not None and _others_wait(base, job, uid):
            wake_at = None
        waits = wake_at is not None and waiting.enter(base.paths, uid)
    if stepped is not None:
        _after(base, *stepped, name)
    return wake_at if waits else None


def _others_wait(base: Base, job: Ref, uid: str) -> bool:
    """Tell whether the hook of another pod waits for the Job: one that looks again is enough."""
    return any(
        owner_in(record) == job and record.uid != uid and waiting.attended(base.paths, record.uid)
        for record in records.read_pods(base.paths)
    )


def _after(base: Base, state: PodState, decision: Decision, name: str) -> None:
    logs.rotate(base, state)
    if sync.is_over(decision):
        networking.synchronise(base)
    if name in decision.delayed:
        _warn(base, state.record, "BackOff", f"back-off restarting failed container {name}")


def _put_off(base: Base, uid: str, fault: Fault, delay: float) -> float | None:
    """Note why the pod did not go on, and wait for another try; None when the pod is gone."""
    record = records.read_pod(base.paths, uid)
    if record is None or record.deleting:
        return None
    _warn(base, record, fault.reason or "FailedStart", str(fault))
    with locks.tried(base.paths, sync.lock_name(uid)) as held:
        # Where somebody else works on the pod, this process waits without being on the list.
        if held and not waiting.enter(base.paths, uid):
            return None
    return time.time() + delay


def _earliest(*times: float | None) -> float | None:
    return min((time for time in times if time is not None), default=None)


def _leave_cgroup(host: Host) -> None:
    """Get out of the pod's cgroup, which is killed with it, or of that of a unit that ends."""
    cgroups.shelter(host.base.cgroups, host.base.paths.instance, os.getpid())


def _note_end(base: Base, record: PodRecord, name: str) -> None:
    """Record that the container failed, with the reason that `get pods` shows."""
    state = pods.container_state(base.paths, record.uid, name, base.cgroups)
    ended = state.ended
    if state.stage in (Stage.RUNNING, Stage.CREATED):
        ended = state.record.last  # Somebody else has started it again already.
    elif ended is not None and ended.finished_at < state.record.started_at:
        return  # It was not created this time: whoever tried knows, and says so.
    if ended is None or ended.exit_code == 0:
        return
    _warn(base, record, ended.reason, f"container {name} ended with exit code {ended.exit_code}")


def _warn(base: Base, record: PodRecord, reason: str, message: str) -> None:
    event = Event(ref=kinds.ref(record.pod), reason=reason, message=message, type=EventType.WARNING)
    events.record(base.database, [event], time.time())
