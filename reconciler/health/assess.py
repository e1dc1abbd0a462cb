"""Tell how an object is: it and the pods on the host in, its health and what is missing out. Pure.

Asked by whoever waits for objects, for the order in which they begin or for a revision to be good.
The words are for people: which container, what it waits for, how it ended, what it said last.
"""

from __future__ import annotations

from manifests import kinds
from manifests.observed import Phase, Stage
from manifests.pod import Pod
from manifests.strenum import StrEnum
from manifests.value import EMPTY, Value
from manifests.workloads import DaemonSet, Deployment, Job, ReplicaSet
from reconciler.health import readiness
from reconciler.workloads import jobs, lifecycle
from reconciler.workloads.expand import expand
from reconciler.workloads.jobs import Ending
from reconciler.workloads.ownership import belongs_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from manifests.container import Container
    from manifests.kinds import Object
    from manifests.observed import ContainerState, PodState
    from manifests.ref import Ref
    from reconciler.workloads.lifecycle import Decision

    Replicated = Deployment | ReplicaSet | DaemonSet

_LONGEST_WORDS = 200
_CRASH_LOOP = "CrashLoopBackOff"


class Health(StrEnum):
    """How an object is.

    HEALTHY       as it is wanted: ready; a Job: complete; what has no pods: there
    PROGRESSING   on its way, nothing is known to be wrong
    DEGRADED      something of it fails
    SUSPENDED     made and not to be started (--start=false)
    MISSING       nothing of it is on the host
    """

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    MISSING = "Missing"


class Assessment(Value):
    """`why` says what is missing, "" of what is healthy. `final`: it gets no better by itself."""

    health: Health
    why: str = ""
    final: bool = False

    @property
    def healthy(self) -> bool:
        return self.health is Health.HEALTHY

    def __str__(self) -> str:
        return f"{self.health}: {self.why}" if self.why else str(self.health)


HEALTHY = Assessment(health=Health.HEALTHY)


def assess(
    thing: Object,
    states: Sequence[PodState],
    now: float,
    remembered: Mapping[Ref, jobs.Progress] = EMPTY,
) -> Assessment:
    """Return how `thing`, as it is wanted now, is; `states` are pods of the host, others among
    them. `remembered` is what is known of Jobs whose pods may be gone.
    """
    ref = kinds.ref(thing)
    owned = [one for one in states if belongs_to(one) == ref and not one.record.deleting]
    match thing:
        case Job():
            return _job(thing, owned, now, remembered.get(ref))
        case Pod():
            wanted = expand([thing], (), now).pods[0]
            return _pod_object([s for s in owned if s.record.spec_hash == wanted.spec_hash], now)
        case Deployment() | ReplicaSet() | DaemonSet():
            return _replicated(thing, owned, now)
        case _:
            return HEALTHY


def _pod_object(current: Sequence[PodState], now: float) -> Assessment:
    if not current:
        return Assessment(health=Health.MISSING, why="its pod is not there")
    return of_pod(current[0], now)


def _replicated(thing: Replicated, owned: Sequence[PodState], now: float) -> Assessment:
    """Healthy with as many ready pods of the present template as are wanted, and no others."""
    fresh = expand([thing], (), now).pods
    over = (Phase.SUCCEEDED, Phase.FAILED)
    alive = [state for state in owned if lifecycle.of_pod(state, now).phase not in over]
    if not fresh:
        return _only_old(alive)
    current = [state for state in alive if state.record.spec_hash == fresh[0].spec_hash]
    told = [of_pod(state, now) for state in current]
    ready_pods = sum(one.healthy for one in told)
    if ready_pods >= len(fresh):
        return _only_old([state for state in alive if state not in current])
    counted = f"{ready_pods} of {len(fresh)} replicas ready"
    if not alive:
        return Assessment(health=Health.MISSING, why=counted)
    ill = [one for one in told if not one.healthy]
    # What fails tells more than what only takes its time.
    ill.sort(key=lambda one: one.health is not Health.DEGRADED)
    whys = [ill[0].why] if ill else []
    health = ill[0].health if ill else Health.PROGRESSING
    return Assessment(health=health, why="; ".join([*whys, counted]))


def _only_old(old: Sequence[PodState]) -> Assessment:
    if not old:
        return HEALTHY
    pods = "an old pod is" if len(old) == 1 else f"{len(old)} old pods are"
    return Assessment(health=Health.PROGRESSING, why=f"{pods} still there")


def _job(
    job: Job, owned: Sequence[PodState], now: float, remembered: jobs.Progress | None
) -> Assessment:
    progress = jobs.progress(job, owned, now, remembered)
    match progress.ending:
        case Ending.COMPLETE:
            return HEALTHY
        case Ending.FAILED:
            ends = filter(None, (_failure(state) for state in reversed(owned)))
            why = "; ".join([*list(ends)[:1], progress.message or "the Job has failed"])
            return Assessment(health=Health.DEGRADED, why=why, final=True)
        case Ending.RUNNING:
            return _running_job(job, owned, progress, now)


def _running_job(
    job: Job, owned: Sequence[PodState], progress: jobs.Progress, now: float
) -> Assessment:
    if not owned and not progress.succeeded and not progress.failed:
        return Assessment(health=Health.MISSING, why="the Job has not begun")
    wanted = job.spec.completions
    done = f"{progress.succeeded} of {1 if wanted is None else wanted} completed"
    if any(state.record.held for state in owned):
        return Assessment(health=Health.SUSPENDED, why=f"its pods are not to be started; {done}")
    if not progress.failed:
        ill = [of_pod(state, now) for state in owned]
        degraded = [one.why for one in ill if one.health is Health.DEGRADED]
        health = Health.DEGRADED if degraded else Health.PROGRESSING
        return Assessment(health=health, why="; ".join([*degraded[:1], f"it runs; {done}"]))
    ends = list(filter(None, (_failure(state) for state in reversed(owned))))
    count = f"{progress.failed} of {job.spec.backoff_limit + 1} tries failed"
    return Assessment(health=Health.DEGRADED, why="; ".join([*ends[:1], count, done]))


def of_pod(state: PodState, now: float) -> Assessment:
    """Return how one pod is: healthy while it is ready, or when it has ended well."""
    decision = lifecycle.of_pod(state, now)
    if decision.phase is Phase.SUCCEEDED:
        return HEALTHY
    if decision.phase is Phase.FAILED:
        why = lifecycle.MESSAGES.get(decision.reason) or _failure(state) or "the pod has failed"
        return Assessment(health=Health.DEGRADED, why=why, final=True)
    if state.record.held:
        return Assessment(health=Health.SUSPENDED, why="the pod is not to be started")
    troubles = [
        told
        for one in (*state.pod.spec.init_containers, *state.pod.spec.containers)
        if (told := _trouble(one, state.containers.get(one.name), decision))
    ]
    if troubles:
        return Assessment(health=Health.DEGRADED, why=troubles[0])
    waiting = decision.waiting_for
    if waiting:
        why = f"init container {waiting[0]} is still running"
        return Assessment(health=Health.PROGRESSING, why=why)
    why = readiness.why_not(state)
    return Assessment(health=Health.PROGRESSING, why=why) if why else HEALTHY


def _trouble(container: Container, seen: ContainerState | None, decision: Decision) -> str:
    """Return what is wrong with a container that is to run and does not; "" if nothing is known."""
    if seen is None:
        return ""
    about = f"container {container.name}: waiting"
    if seen.ended is not None and (container.name in decision.delayed or seen.ended.exit_code):
        reason = f", {_CRASH_LOOP}" if container.name in decision.delayed else ""
        return f"{about}{reason}, last exit {_ended(seen)}"
    if seen.stage is Stage.RUNNING or not seen.record.problem:
        return ""
    reason = f", {seen.record.problem_reason}" if seen.record.problem_reason else ""
    return f"{about}{reason}: {seen.record.problem}"


def _failure(state: PodState) -> str:
    """Return how the first container that has failed did."""
    for one in (*state.pod.spec.init_containers, *state.pod.spec.containers):
        seen = state.containers.get(one.name)
        if seen is not None and seen.ended is not None and seen.ended.exit_code:
            return f"container {one.name}: exit {_ended(seen)}"
    return ""


def _ended(seen: ContainerState) -> str:
    """Its exit code, and its last words on one line."""
    assert seen.ended is not None  # noqa: S101 (its callers have looked)
    said = " ".join(seen.ended.message.split())
    if not said and seen.ended.reason not in ("", "Error", "Completed"):
        said = seen.ended.reason
    if len(said) > _LONGEST_WORDS:
        said = f"...{said[-_LONGEST_WORDS:]}"
    return f"{seen.ended.exit_code}: {said}" if said else str(seen.ended.exit_code)
