"""Decide what a CronJob's controller does now: its Jobs and the time in, a decision out. Pure.

The rules are those of Kubernetes' controller: of the times that were missed, the last is made up
for, within startingDeadlineSeconds; Forbid leaves a time for later while a Job runs, Replace ends
that Job; of the Jobs that have ended, as many stay as the history's limits say.
"""

from __future__ import annotations

from manifests import cron
from manifests.meta import ObjectMeta, OwnerReference
from manifests.ref import Ref
from manifests.value import Value
from manifests.workloads import ConcurrencyPolicy, CronJob, Job
from reconciler.workloads import due_times, naming

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Sequence

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
MANUAL = "cronjob.kubernetes.io/instantiate"
_SET = "cronjob:"


class Standing(Value):
    """What is remembered of a CronJob: the time whose Job was started last, and which times have
    been told of since, as missed for good or as left for later."""

    last: float = 0.0
    missed: float = 0.0
    told: float = 0.0


class Run(Value):
    """A Job that a CronJob has made: for which time, and whether it has ended, and how."""

    ref: Ref
    at: float
    active: bool = False
    failed: bool = False


class Note(Value):
    """An event of the CronJob's."""

    reason: str
    message: str
    warning: bool = False


class Decision(Value):
    """`start` is the scheduled time of the Job to make, `surplus` are the Jobs that go.

    `next_at` is when there is more to decide; None where that never comes by itself.
    """

    standing: Standing
    start: float | None = None
    surplus: tuple[Ref, ...] = ()
    notes: tuple[Note, ...] = ()
    next_at: float | None = None


def decide(
    thing: CronJob,
    standing: Standing,
    since: float,
    runs: Sequence[Run],
    now: float,
    zone: datetime.tzinfo,
) -> Decision:
    """Return what is to be done now. No time before `since`, when it was applied, is due."""
    spec = thing.spec
    decision = Decision(standing=standing, surplus=_history(thing, runs))
    if spec.suspend:
        return decision
    schedule = cron.read(spec.schedule)
    # A span is counted from the last run, as in Kubernetes.
    begin = max(standing.last or since, standing.missed)
    due = due_times.last(schedule, begin, now, zone)
    if due is None:
        return decision.replace(next_at=due_times.following(schedule, begin, zone))
    decision = decision.replace(next_at=due_times.following(schedule, due, zone))
    deadline = spec.starting_deadline_seconds
    if deadline is not None and due + deadline < now:
        late = Note(
            reason="MissSchedule",
            message=f"Missed scheduled time to start a job: {moment(due, zone)}",
            warning=True,
        )
        return decision.replace(standing=standing.replace(missed=due), notes=(late,))
    active = [one for one in runs if one.active]
    if active and spec.concurrency_policy is ConcurrencyPolicy.FORBID:
        return _left_for_later(decision, due)
    notes = []
    if due_times.count(schedule, begin, now, zone) > due_times.MANY:
        message = (
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check "
            "clock skew"
        )
        notes.append(Note(reason="TooManyMissedTimes", message=message, warning=True))
    replaced: tuple[Ref, ...] = ()
    if spec.concurrency_policy is ConcurrencyPolicy.REPLACE:
        replaced = tuple(one.ref for one in active)
    return decision.replace(
        start=due,
        standing=standing.replace(last=due),
        surplus=(*decision.surplus, *replaced),
        notes=tuple(notes),
    )


def _left_for_later(decision: Decision, due: float) -> Decision:
    if decision.standing.told == due:
        return decision
    note = Note(
        reason="JobAlreadyActive",
        message="Not starting job because prior execution is running and concurrency policy is "
        "Forbid",
    )
    return decision.replace(standing=decision.standing.replace(told=due), notes=(note,))


def _history(thing: CronJob, runs: Iterable[Run]) -> tuple[Ref, ...]:
    """Return the Jobs that are in the way of newer ones: the oldest of those that have ended.

    With Replace only the newest may run: a pass that was killed may have left another.
    """
    spec = thing.spec
    ordered = sorted(runs, key=lambda one: (one.at, one.ref.name), reverse=True)
    active = [one for one in ordered if one.active]
    failed = [one for one in ordered if not one.active and one.failed]
    good = [one for one in ordered if not one.active and not one.failed]
    surplus = [
        *good[spec.successful_jobs_history_limit :],
        *failed[spec.failed_jobs_history_limit :],
        *(active[1:] if spec.concurrency_policy is ConcurrencyPolicy.REPLACE else ()),
    ]
    return tuple(one.ref for one in surplus)


def job(thing: CronJob, at: float, zone: datetime.tzinfo) -> Job:
    """Return the Job of a scheduled time; it has one name, whoever makes it."""
    name = f"{thing.metadata.name}-{int(at) // due_times.MINUTE}"
    return _made(thing, name, {SCHEDULED_AT: moment(at, zone)}, controller=True)


def manual(thing: CronJob, name: str) -> Job:
    """Return a Job that somebody wants now: it goes with the CronJob, and counts for none of its
    limits."""
    return _made(thing, name, {MANUAL: "manual"}, controller=False)


def _made(thing: CronJob, name: str, marks: dict[str, str], *, controller: bool) -> Job:
    template, inherited = thing.spec.job_template, naming.read_of(thing.metadata.annotations)
    owner = OwnerReference(
        api_version=thing.api_version,
        kind=thing.kind,
        name=thing.metadata.name,
        controller=controller,
    )
    metadata = ObjectMeta(
        name=name,
        namespace=thing.metadata.namespace,
        labels=template.metadata.labels,
        annotations={**inherited, **template.metadata.annotations, **marks},
        owner_references=(owner,),
    )
    return Job(metadata=metadata, spec=template.spec)


def is_counted(made: Job) -> bool:
    """Tell whether a Job was made for a scheduled time."""
    return any(one.controller for one in made.metadata.owner_references)


def applyset(owner: Ref) -> str:
    """Return the apply set of the Jobs of a CronJob: no pass prunes them as its own."""
    return f"{_SET}{owner.namespace}/{owner.name}"


def owner(applyset: str) -> Ref | None:
    """Return the CronJob whose Jobs are in an apply set."""
    if not applyset.startswith(_SET):
        return None
    namespace, _, name = applyset.removeprefix(_SET).partition("/")
    return Ref(kind="CronJob", namespace=namespace, name=name)


def moment(at: float, zone: datetime.tzinfo) -> str:
    """Write a time as Kubernetes does, in the zone of the schedule."""
    import datetime

    text = datetime.datetime.fromtimestamp(int(at), zone).isoformat()
    return text.replace("+00:00", "Z")
