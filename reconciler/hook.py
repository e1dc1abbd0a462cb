"""Go on with a pod after one of its containers has ended, where no agent runs.

conmon starts this at each end. It takes the pod as far as it can now, waits out a back-off, and
ends when nothing is left to wait for. Killed, it is missed by nobody: the next pass finds the
container dead and goes on (plan: REPAIR).
"""

from __future__ import annotations

import os
import time

from manifests import kinds
from manifests.faults import Fault
from manifests.observed import Phase
from reconciler import cycle
from reconciler.state import events
from reconciler.state.events import Event, EventType
from reconciler.targets.host import sync
from reconciler.workloads.expand import owner_of
from runtime.kernel import cgroups, processes
from runtime.observe import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.observed import PodState
    from manifests.ref import Ref
    from reconciler.targets.host.host import Host
    from reconciler.workloads.lifecycle import Decision

RETRY_SECONDS = 10.0
"""After a container could not be started at all, as the kubelet's first back-off."""


def exited(host: Host, uid: str) -> None:
    """Take the pod on until it runs again or has ended, then its Job, if it is one's."""
    base = host.base
    record = records.read_pod(base.paths, uid)
    if record is None or record.deleting:
        return
    _leave_cgroup(host)
    owner: Ref | None = None
    while True:
        try:
            stepped = sync.step(base, uid)
        except Fault as fault:
            _note(host, kinds.ref(record.pod), fault)
            stepped = None
            if not _wait(host, uid, time.time() + RETRY_SECONDS):
                return
            continue
        if stepped is None:
            return
        state, decision = stepped
        _note_ends(host, state)
        owner = owner_of(state)
        if decision.wake_at is None or not _wait(host, uid, decision.wake_at):
            break
    if owner is not None and owner.kind == "Job" and _over(decision):
        _advance_job(host, owner)


def _over(decision: Decision) -> bool:
    return decision.phase in (Phase.SUCCEEDED, Phase.FAILED)


def _advance_job(host: Host, job: Ref) -> None:
    """Make the Job's next pod, when it is due."""
    while True:
        try:
            wake_at = cycle.resume(host, job)
        except Fault as fault:
            _note(host, job, fault)
            return
        if wake_at is None:
            return
        time.sleep(max(0.0, wake_at - time.time()))


def _wait(host: Host, uid: str, until: float) -> bool:
    """Wait in the pod's list of waiting hooks; False when the pod has gone meanwhile.

    Whoever removes the pod ends the processes on that list.
    """
    directory = f"{host.base.paths.pod(uid)}/waiting"
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        mark = f"{directory}/{os.getpid()}-{processes.start_time(os.getpid())}"
        os.close(os.open(mark, os.O_CREAT | os.O_CLOEXEC, 0o600))
    except FileNotFoundError:
        return False
    time.sleep(max(0.0, until - time.time()))
    try:
        os.unlink(mark)
    except FileNotFoundError:
        return False
    return True


def _leave_cgroup(host: Host) -> None:
    """Get out of the pod's cgroup, where conmon may be: removing the pod kills what is in it."""
    base = host.base
    home = f"/{base.paths.instance}/hooks"
    cgroups.create(base.cgroups, home)
    cgroups.enter(base.cgroups, home, os.getpid())


def _note_ends(host: Host, state: PodState) -> None:
    """Record which containers failed, with the reason that `get pods` shows."""
    happened = [
        Event(
            ref=kinds.ref(state.pod),
            reason=container.record.last.reason,
            message=f"container {name} ended with exit code {container.record.last.exit_code}",
            type=EventType.WARNING,
        )
        for name, container in state.containers.items()
        if container.record.last is not None and container.record.last.exit_code != 0
    ]
    if happened:
        events.record(host.base.database, happened, time.time())


def _note(host: Host, ref: Ref, fault: Fault) -> None:
    event = Event(ref=ref, reason="FailedStart", message=str(fault), type=EventType.WARNING)
    events.record(host.base.database, [event], time.time())
