"""Tell how far a Job is: what has succeeded and failed, whether it has ended, what is due. Pure.

The rules are the Job controller's: a Job fails with more failed pods than backoffLimit, or, where
the restart policy is OnFailure, as many restarts in its running pods; a failed pod is replaced
after 10 s, 20 s, 40 s ... at most 6 minutes. When a Job has ended, the pods that still run go.
"""

from __future__ import annotations

from enum import StrEnum

from manifests.observed import Phase
from manifests.pod import RestartPolicy
from manifests.value import Value
from reconciler.workloads import lifecycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from manifests.observed import PodState
    from manifests.workloads import Job

FIRST_DELAY = 10.0
LONGEST_DELAY = 360.0


class Ending(StrEnum):
    RUNNING = ""
    COMPLETE = "Complete"
    FAILED = "Failed"


class Progress(Value):
    """`due` pods are to be made now; `surplus` uids are to go; `wake_at` is when more is due."""

    active: int = 0
    succeeded: int = 0
    failed: int = 0
    ending: Ending = Ending.RUNNING
    message: str = ""
    due: int = 0
    surplus: tuple[str, ...] = ()
    wake_at: float | None = None


def progress(
    job: Job, owned: Sequence[PodState], now: float, remembered: Progress | None
) -> Progress:
    """Return the Job's progress; `remembered` is its end, if it was seen to end before."""
    phases = {
        state.uid: lifecycle.decide(state.pod.spec, state.containers, now).phase for state in owned
    }
    active = [state for state in owned if phases[state.uid] in (Phase.PENDING, Phase.RUNNING)]
    running = tuple(state.uid for state in active)
    if remembered is not None and remembered.ending is not Ending.RUNNING:
        return remembered.replace(due=0, surplus=running, wake_at=None)
    succeeded = sum(phase is Phase.SUCCEEDED for phase in phases.values())
    failed = [state for state in owned if phases[state.uid] is Phase.FAILED]
    counted = Progress(active=len(active), succeeded=succeeded, failed=len(failed))
    if succeeded >= job.spec.completions:
        return counted.replace(active=0, ending=Ending.COMPLETE, surplus=running)
    restarts = _restarts(job, active)
    if len(failed) > job.spec.backoff_limit or restarts >= max(job.spec.backoff_limit, 1):
        return counted.replace(
            active=0,
            failed=len(failed) + len(active),
            ending=Ending.FAILED,
            message=(
                f"BackoffLimitExceeded: {len(failed) + restarts} failures, "
                f"backoffLimit is {job.spec.backoff_limit}"
            ),
            surplus=running,
        )
    missing = min(job.spec.parallelism, job.spec.completions - succeeded) - len(active)
    if missing <= 0:
        return counted.replace(surplus=running[len(running) + missing :])
    wake_at = _next_start(failed)
    if wake_at > now:
        return counted.replace(wake_at=wake_at)
    return counted.replace(due=missing)


def _restarts(job: Job, active: Sequence[PodState]) -> int:
    """Return how often the pods' containers failed and were started again in place."""
    if job.spec.template.spec.restart_policy is not RestartPolicy.ON_FAILURE:
        return 0
    return sum(
        container.record.attempt for state in active for container in state.containers.values()
    )


def _next_start(failed: Sequence[PodState]) -> float:
    """Return when a pod may replace a failed one."""
    ends = [
        container.ended.finished_at
        for state in failed
        for container in state.containers.values()
        if container.ended is not None
    ]
    if not ends:
        return 0.0
    # The exponent is bounded so that a large backoffLimit cannot overflow.
    return max(ends) + min(FIRST_DELAY * 2.0 ** min(len(failed) - 1, 10), LONGEST_DELAY)
