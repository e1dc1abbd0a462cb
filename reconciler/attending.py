"""Have somebody wait after a pass: for back-offs, deadlines, and Jobs that want another look.

A pass in, hooks that wait (host.attend) out: one for a pod, and none where one waits already.
"""

from __future__ import annotations

import time

from reconciler.workloads import jobs, lifecycle
from reconciler.workloads.ownership import owner_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.observed import PodState
    from manifests.ref import Ref
    from reconciler.cycle import Prospect
    from reconciler.targets.host.host import Host


def see_to_waits(host: Host, seen: Prospect) -> None:
    """Have a hook wait for each pod in a back-off or with a deadline, and for each Job that wants
    to be looked at again, if none does."""
    states = host.pods() if has_deadlines(seen) else seen.observed.pods
    lasting = sorted((one for one in states if not one.record.deleting), key=jobs.ended_at)
    attend(host, lasting)
    for job, progress in seen.expansion.progress.items():
        left = [state.uid for state in lasting if owner_of(state) == job]
        if progress.wake_at is not None and left and not any(map(host.attended, left)):
            host.attend(left[-1])
    for uid in ended_meanwhile(host, seen).values():
        if not host.attended(uid):
            host.attend(uid)


def attend(host: Host, states: Iterable[PodState]) -> None:
    """Have a hook wait for each of these pods that wants to be looked at again."""
    now = time.time()
    for state in states:
        record = state.record
        if record.finished or record.held or record.supervised or host.attended(state.uid):
            continue
        decision = lifecycle.of_pod(state, now)
        if decision.wake_at is not None or decision.reason:
            host.attend(state.uid)


def has_deadlines(seen: Prospect) -> bool:
    """Tell whether pods that this pass has made may have to be ended."""
    limited = any(item.pod.spec.active_deadline_seconds for item in seen.expansion.pods)
    return limited or any(one.started_at for one in seen.expansion.progress.values())


def ended_meanwhile(host: Host, seen: Prospect) -> dict[Ref, str]:
    """Return the Jobs of which this pass has made a pod that ended before it did, with that pod.

    Who sees a pod's end first lets go of its namespaces, and the exit hook, which is born in them,
    does not come out any more: then nobody goes on with the Job.
    """
    begun = {job: now.counted for job, now in seen.expansion.progress.items() if now.due}
    return {
        job: state.uid
        for state in (host.pods() if begun else ())
        if (job := owner_of(state)) in begun
        and state.record.finished
        and state.uid not in begun[job]
    }
