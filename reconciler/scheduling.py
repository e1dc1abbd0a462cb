"""Start the Jobs of CronJobs that are due, and remove those that go: what a pass does for them.

Called at the end of passes, by the agent when a time has come, and by the hook of a Job that has
ended. That a time's Job is started is recorded together with the Job, under the lock of its CronJob
and before any pod is made: killed afterwards, the next pass finds a Job that lacks its pods; two
processes find one record. The decisions are reconciler.workloads.schedules'.
"""

from __future__ import annotations

import json
import os
import time

from manifests import codec, compact_json, digests, kinds
from manifests.faults import Fault
from manifests.value import Value
from manifests.workloads import CronJob, Job
from reconciler.state import events, objects, results
from reconciler.state.events import Event, EventType
from reconciler.workloads import schedules
from reconciler.workloads.jobs import Ending
from reconciler.workloads.schedules import Run, Standing
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Collection, Iterable

    from manifests.ref import Ref
    from reconciler.execute.run import Outcome
    from reconciler.report import Report
    from reconciler.state.database import Database
    from reconciler.state.objects import Applied
    from reconciler.targets.host.base import Base
    from reconciler.targets.host.host import Host
    from reconciler.workloads.schedules import Decision
    from runtime.paths import Paths

    Notify = Callable[[Outcome], None]

NOBODY = "nobody starts its Jobs: no agent runs (podpy agent)"
_LOCAL = "/etc/localtime"


class Begun(Value):
    """What came of CronJobs: Jobs that were started, and when there is more to do, if ever."""

    jobs: tuple[Ref, ...] = ()
    next_at: float | None = None


def _silent(_outcome: Outcome) -> None:
    return


def run_due(host: Host, among: Collection[Ref] | None = None, notify: Notify = _silent) -> Begun:
    """Start what is due of the CronJobs `among`, or of all, and remove the Jobs that are too many,
    or whose CronJob is gone. What of a Job fails is an event; the next pass tries it again."""
    host.admit()
    base = host.base
    rows = objects.read(base.database, kind="CronJob")
    surplus = list(_orphans(base.database, {row.ref for row in rows}))
    started: list[Ref] = []
    times: list[float] = []
    for ref in [row.ref for row in rows if among is None or row.ref in among]:
        decision, job = _begin(base, ref, time.time())
        if decision is None:
            continue
        surplus.extend(decision.surplus)
        started.extend([job] if job is not None else [])
        times.extend([decision.next_at] if decision.next_at is not None else [])
    _remove(host, surplus, notify)
    run(host, started, notify)
    return Begun(jobs=tuple(started), next_at=min(times, default=None))


def run(host: Host, jobs: Collection[Ref], notify: Notify = _silent) -> Report | None:
    """Make the pods of Jobs that are recorded."""
    from reconciler import cycle, remembered

    wished = remembered.wished(host.base, jobs) if jobs else ()
    if not wished:
        return None
    try:
        return cycle.converge(host, wished, cycle.Options(piecemeal=True), notify)
    except Fault as fault:
        _warn(host.base.database, jobs, "FailedCreate", str(fault))
        return None


def after_pass(host: Host, report: Report, wished: Iterable[Ref]) -> None:
    """See to the CronJobs of a pass: what is due is started, and the agent hears of changes."""
    changed = [one.change.ref for one in report.outcomes if one.change.ref.kind == "CronJob"]
    if changed:
        announce(host.base)
    run_due(host, {*changed, *(ref for ref in wished if ref.kind == "CronJob")})


def ended(host: Host, job: Ref) -> None:
    """Go on with the CronJob of a Job that has ended: it may wait for that, or keep fewer."""
    applied = objects.find(host.base.database, job)
    owner = schedules.owner(applied.applyset) if applied is not None else None
    if owner is not None:
        run_due(host, {owner})


def record_manual(base: Base, owner: Ref, name: str) -> Ref | None:
    """Record a Job of a CronJob that somebody wants now; None where there is no such CronJob.

    Raises FileExistsError where there is a Job of that name.
    """
    with locks.held(base.paths, [str(owner)]):
        row = objects.find(base.database, owner)
        if row is None:
            return None
        job = schedules.manual(_cron_job(row), name)
        ref = kinds.ref(job)
        if objects.find(base.database, ref) is not None:
            raise FileExistsError(str(ref))
        objects.save(base.database, [_entry(job, owner)], time.time())
        return ref


def announce(base: Base) -> None:
    """Let a running agent know that schedules have changed."""
    os.makedirs(base.paths.schedules, mode=0o700, exist_ok=True)
    with open(f"{base.paths.schedules}/changed", "w", encoding="ascii") as file:
        file.write("\n")


def unattended(paths: Paths) -> bool:
    """Tell whether no agent runs that would start Jobs in time."""
    return not locks.holder(paths, "agent")


def standing(database: Database, owner: Ref) -> Standing:
    """Return what is remembered of a CronJob's times."""
    body = results.read(database, owner)
    return Standing() if body is None else codec.restore(Standing, json.loads(body))


def runs(database: Database, owner: Ref) -> tuple[Run, ...]:
    """Return the Jobs that a CronJob has made for its times."""
    known = results.read_jobs(database)
    found = []
    for row in objects.read(database, kind="Job", applyset=schedules.applyset(owner)):
        made = row.object()
        if isinstance(made, Job) and schedules.is_counted(made):
            ending = known[row.ref].ending if row.ref in known else Ending.RUNNING
            found.append(
                Run(
                    ref=row.ref,
                    at=row.created_at,
                    active=ending is Ending.RUNNING,
                    failed=ending is Ending.FAILED,
                )
            )
    return tuple(found)


def zone(name: str) -> datetime.tzinfo:
    """Return a time zone, or this host's. Raises ValueError for one that this host has not."""
    import zoneinfo

    if name:
        try:
            return zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, OSError) as error:
            raise ValueError(f'this host knows no time zone "{name}" (package tzdata)') from error
    try:
        with open(_LOCAL, "rb") as file:
            return zoneinfo.ZoneInfo.from_file(file, "local")
    except OSError:
        import datetime

        return datetime.UTC


def _begin(base: Base, ref: Ref, now: float) -> tuple[Decision | None, Ref | None]:
    """Decide about one CronJob and record what was decided, with the Job that is to be started."""
    with locks.held(base.paths, [str(ref)]):
        row = objects.find(base.database, ref)
        if row is None:
            return None, None
        thing = _cron_job(row)
        try:
            zone_ = zone(thing.spec.time_zone)
        except ValueError as error:
            _warn(base.database, [ref], "UnknownTimeZone", str(error))
            return None, None
        before = standing(base.database, ref)
        made = runs(base.database, ref)
        decision = schedules.decide(thing, before, row.created_at, made, now, zone_)
        job = None if decision.start is None else schedules.job(thing, decision.start, zone_)
        _record(base.database, ref, decision, before, job, now)
        return decision, None if job is None else kinds.ref(job)


def _record(
    database: Database,
    ref: Ref,
    decision: Decision,
    before: Standing,
    job: Job | None,
    now: float,
) -> None:
    if decision.standing == before and not decision.notes:
        return
    told = [
        Event(
            ref=ref,
            reason=note.reason,
            message=note.message,
            type=EventType.WARNING if note.warning else EventType.NORMAL,
        )
        for note in decision.notes
    ]
    with database.transaction():
        results.save(database, ref, json.dumps(codec.encode(decision.standing)))
        # A clock that was set back may come upon a Job that is there already.
        if job is not None and objects.find(database, kinds.ref(job)) is None:
            objects.save(database, [_entry(job, ref)], now)
            message = f"Created job {job.metadata.name}"
            told.append(Event(ref=ref, reason="SuccessfulCreate", message=message))
        events.record(database, told, now)


def _entry(job: Job, owner: Ref) -> objects.Entry:
    body = compact_json.dumps(kinds.dump(job))
    return objects.entry(job, digest=digests.of(body), applyset=schedules.applyset(owner))


def _cron_job(row: Applied) -> CronJob:
    thing = row.object()
    assert isinstance(thing, CronJob)  # noqa: S101 (rows of that kind hold nothing else)
    return thing


def _orphans(database: Database, there: Collection[Ref]) -> Iterable[Ref]:
    """Give the Jobs of CronJobs that are gone."""
    for row in objects.read(database, kind="Job"):
        owner = schedules.owner(row.applyset)
        if owner is not None and owner not in there:
            yield row.ref


def _remove(host: Host, jobs: Iterable[Ref], notify: Notify) -> None:
    from reconciler import removing

    things = {
        ref: row.object()
        for ref in dict.fromkeys(jobs)
        if (row := objects.find(host.base.database, ref)) is not None
    }
    if not things:
        return
    try:
        removing.remove(host, things, notify=notify)
    except Fault as fault:
        _warn(host.base.database, things, "FailedDelete", str(fault))


def _warn(database: Database, refs: Iterable[Ref], reason: str, message: str) -> None:
    happened = [
        Event(ref=ref, reason=reason, message=message, type=EventType.WARNING) for ref in refs
    ]
    events.record(database, happened, time.time())
