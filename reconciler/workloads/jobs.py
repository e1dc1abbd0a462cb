"""Tell how far a Job is: what has succeeded and failed, whether it has ended, what is due. Pure.

The rules are the Job controller's: a Job fails with more failed pods than backoffLimit, or, where
the restart policy is OnFailure, as many restarts in its running pods; a failed pod is replaced
after 10 s, 20 s, 40 s ... at most 6 minutes. Without `completions` the pods share a queue: none is
made any more once one has succeeded, and the Job is complete when all have ended. It fails when
its deadline passes, too, counted from the pass that first saw it. When a Job has ended, the pods
that still run go.
"""

from __future__ import annotations

from manifests.observed import Phase
from manifests.pod import RestartPolicy
from manifests.strenum import StrEnum
from manifests.value import Value
from reconciler.workloads import lifecycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from manifests.observed import PodState
    from manifests.workloads import Job

FIRST_DELAY = 10.0
LONGEST_DELAY = 360.0


class Ending(StrEnum):
    RUNNING = ""
    COMPLETE = "Complete"
    FAILED = "Failed"


class Progress(Value):
    """`due` pods are to be made now; `surplus` uids are to go; `wake_at` is when to look again.

    `started_at` is what its deadline counts from, 0 for a Job without one.
    `counted` are the uids of pods on the host that `succeeded` and `failed` count already; those
    counted before that are gone (after a reboot, all) stay counted.
    """

    active: int = 0
    succeeded: int = 0
    failed: int = 0
    counted: tuple[str, ...] = ()
    ending: Ending = Ending.RUNNING
    reason: str = ""
    message: str = ""
    due: int = 0
    surplus: tuple[str, ...] = ()
    wake_at: float | None = None
    started_at: float = 0.0

    def lasting(self) -> Progress:
        """What is worth remembering: no pass finds it out again."""
        return self.replace(active=0, due=0, surplus=(), wake_at=None)


def progress(
    job: Job, owned: Sequence[PodState], now: float, remembered: Progress | None
) -> Progress:
    """Return the Job's progress from its pods, and from what was `remembered` of earlier ones."""
    phases = {state.uid: lifecycle.of_pod(state, now).phase for state in owned}
    active = [state for state in owned if phases[state.uid] in (Phase.PENDING, Phase.RUNNING)]
    running = tuple(state.uid for state in active)
    if remembered is not None and remembered.ending is not Ending.RUNNING:
        return remembered.replace(due=0, surplus=running, wake_at=None)
    counted = _counted(phases, remembered or Progress()).replace(active=len(active))
    deadline = None
    if job.spec.active_deadline_seconds is not None:
        counted = counted.replace(started_at=counted.started_at or now)
        deadline = counted.started_at + job.spec.active_deadline_seconds
    wanted = _wanted(job, counted)
    if wanted is None:
        return counted.replace(active=0, ending=Ending.COMPLETE, surplus=running)
    failure = _failure(
        job, counted, _restarts(job, active), deadline is not None and deadline <= now
    )
    if failure is not None:
        return failure.replace(surplus=running)
    missing = wanted - len(active)
    if missing <= 0:
        return counted.replace(surplus=running[len(running) + missing :], wake_at=deadline)
    wake_at = _next_start(owned, phases)
    if wake_at > now:
        return counted.replace(wake_at=wake_at if deadline is None else min(wake_at, deadline))
    return counted.replace(due=missing, wake_at=deadline)


def _failure(job: Job, now: Progress, restarts: int, overdue: bool) -> Progress | None:
    """Return how the Job has failed, None where it goes on; the pods that run count as failed."""
    limit = job.spec.backoff_limit
    if now.failed > limit or restarts >= max(limit, 1):
        reason = "BackoffLimitExceeded"
        message = f"{now.failed + restarts} failures, backoffLimit is {limit}"
    elif overdue:
        reason = lifecycle.DEADLINE_EXCEEDED
        message = "Job was active longer than specified deadline"
    else:
        return None
    return now.replace(
        active=0,
        failed=now.failed + now.active,
        ending=Ending.FAILED,
        reason=reason,
        message=message,
    )


def _counted(phases: dict[str, Phase], before: Progress) -> Progress:
    """Add the pods that have ended since `before`."""
    fresh = [phase for uid, phase in phases.items() if uid not in before.counted]
    return Progress(
        started_at=before.started_at,
        succeeded=before.succeeded + fresh.count(Phase.SUCCEEDED),
        failed=before.failed + fresh.count(Phase.FAILED),
        counted=tuple(
            uid for uid, phase in phases.items() if phase in (Phase.SUCCEEDED, Phase.FAILED)
        ),
    )


def _wanted(job: Job, now: Progress) -> int | None:
    """Return how many pods are to run; None when enough have succeeded."""
    if job.spec.completions is not None:
        left = job.spec.completions - now.succeeded
        return min(job.spec.parallelism, left) if left > 0 else None
    if now.succeeded == 0:
        return job.spec.parallelism
    return min(job.spec.parallelism, now.active) if now.active else None


def _restarts(job: Job, active: Sequence[PodState]) -> int:
    """Return how often the pods' containers failed and were started again in place."""
    if job.spec.template.spec.restart_policy is not RestartPolicy.ON_FAILURE:
        return 0
    return sum(
        container.record.attempt for state in active for container in state.containers.values()
    )


def _next_start(owned: Sequence[PodState], phases: dict[str, Phase]) -> float:
    """Return when a pod may replace a failed one: later with each failure since a success."""
    ends = [
        (ended_at(state), phases[state.uid] is Phase.FAILED)
        for state in owned
        if phases[state.uid] in (Phase.SUCCEEDED, Phase.FAILED)
    ]
    success = max((at for at, failed in ends if not failed), default=0.0)
    failures = [at for at, failed in ends if failed and at > success]
    if not failures:
        return 0.0
    # The exponent is bounded so that a large backoffLimit cannot overflow.
    return max(failures) + min(FIRST_DELAY * 2.0 ** min(len(failures) - 1, 10), LONGEST_DELAY)


def ended_at(state: PodState) -> float:
    """Return when a container of the pod last ended; 0 when none has."""
    ends: Iterable[float] = (
        container.ended.finished_at
        for container in state.containers.values()
        if container.ended is not None
    )
    return max(ends, default=0.0)
