"""Tell how far a Job is: what has succeeded and failed, whether it has ended, what is due. Pure.

The rules are the Job controller's: failed pods count against backoffLimit, and so do a running
pod's container restarts where the restart policy is OnFailure; a failed pod is replaced after
10 s, 20 s, 40 s ... at most 6 minutes.
"""

from __future__ import annotations

from enum import StrEnum

from manifests.observed import Phase
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
    if remembered is not None and remembered.ending is not Ending.RUNNING:
        return remembered.replace(due=0, surplus=(), wake_at=None)
    phases = {
        state.uid: lifecycle.decide(state.pod.spec, state.containers, now).phase for state in owned
    }
    succeeded = sum(phase is Phase.SUCCEEDED for phase in phases.values())
    failed = sum(phase is Phase.FAILED for phase in phases.values())
    active = [state for state in owned if phases[state.uid] in (Phase.PENDING, Phase.RUNNING)]
    restarts = sum(
        container.record.attempt for state in active for container in state.containers.values()
    )
    counted = Progress(active=len(active), succeeded=succeeded, failed=failed)
    if succeeded >= job.spec.completions:
        return counted.replace(ending=Ending.COMPLETE)
    if failed + restarts > job.spec.backoff_limit:
        return counted.replace(
            active=0,
            failed=failed + len(active),
            ending=Ending.FAILED,
            message=(
                f"BackoffLimitExceeded: {failed + restarts} failures, "
                f"backoffLimit is {job.spec.backoff_limit}"
            ),
            surplus=tuple(state.uid for state in active),
        )
    missing = min(job.spec.parallelism, job.spec.completions - succeeded) - len(active)
    wake_at = _next_start(owned, failed)
    if missing <= 0:
        return counted
    if wake_at > now:
        return counted.replace(wake_at=wake_at)
    return counted.replace(due=missing)


def _next_start(owned: Sequence[PodState], failed: int) -> float:
    """Return when a pod may replace a failed one."""
    ends = [
        container.ended.finished_at
        for state in owned
        for container in state.containers.values()
        if container.ended is not None and container.ended.exit_code != 0
    ]
    if not failed or not ends:
        return 0.0
    # The exponent is bounded so that a large backoffLimit cannot overflow.
    return max(ends) + min(FIRST_DELAY * 2.0 ** min(failed - 1, 10), LONGEST_DELAY)
