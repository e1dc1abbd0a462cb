"""Run the hooks of a Sync's revision: Jobs before anything changes, when all is well, on failure.

A hook is a Job of its revision: `migrate` of revision 1e72785b... runs as the Job
migrate-1e72785b, in a set of its own that nothing else prunes. Jobs that have ended are remembered,
so each runs once for a revision, whoever is killed meanwhile; one that has failed is tried again
when somebody asks for the revision to be. Those of earlier revisions go, with their logs, when
another one begins.
"""

from __future__ import annotations

import time

from manifests import digests, durations, kinds, ordering, settings
from manifests.checks import sets
from manifests.faults import Fault, TimedOut, Unfit
from manifests.ordering import Hook
from manifests.value import Value
from manifests.workloads import Job
from reconciler import cycle
from reconciler.execute.run import Outcome, object_of
from reconciler.health import assess
from reconciler.plan.change import Change, Op, Plan
from reconciler.report import Report
from reconciler.state import objects, results
from reconciler.syncs import decide
from runtime import interrupts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from manifests.ref import Ref
    from manifests.sync import Sync
    from reconciler.plan.wish import Wished
    from reconciler.syncs.status import SyncStatus
    from reconciler.targets.host.host import Host

REVISION_SHOWN = 8
POLL_SECONDS = 0.1
GRACE_SECONDS = 60.0
"""How much longer than its deadline a Job is waited for: its pods are given time to stop."""


def worded(found: Iterable[Wished]) -> tuple[str, ...]:
    """Return `pre-sync Job/migrate` for each hook, in the order of their moments."""
    order = tuple(Hook)
    known = [(hook, item.ref) for item in found if (hook := ordering.hook(item.object))]
    known.sort(key=lambda pair: order.index(pair[0]))
    return tuple(f"{hook} {ref}" for hook, ref in known)


class Revision(Value):
    """A revision's objects, hooks and others; `id` tells its Jobs from those of other ones."""

    id: str
    others: tuple[Wished, ...]
    hooks: tuple[Wished, ...] = ()


def split(wished: Iterable[Wished]) -> tuple[tuple[Wished, ...], tuple[Wished, ...]]:
    """Return the objects that are no hooks, and the hooks."""
    every = tuple(wished)
    found = tuple(item for item in every if ordering.hook(item.object) is not None)
    return tuple(item for item in every if item not in found), found


def identity(revision: str, status: SyncStatus) -> str:
    """Return what the names of a revision's hooks end with; another one after each retry."""
    tries = f"-{status.retries}" if status.retries else ""
    return f"{digests.bare(revision)[:REVISION_SHOWN]}{tries}"


class Runner:
    """Runs the hooks of one revision of a Sync."""

    def __init__(
        self, host: Host, sync: Sync, revision: Revision, notify: Callable[[Outcome], None]
    ) -> None:
        self._host = host
        self._database = host.base.database
        self._seconds = durations.duration(sync.spec.timeout)
        self._revision = revision
        self._notify = notify
        self._set = decide.hook_set(sync.metadata.name)
        self._of_sync = decide.applyset(sync.metadata.name)

    def around(self, reach: Callable[[], Report]) -> Report:
        """Reach the revision with its hooks; the report has the faults of those, too."""
        report = self._run(Hook.PRE_SYNC)
        if report is None or not report.failed:
            report = reach()
            if not report.failed and self._due(Hook.POST_SYNC):
                report = _with(report, self._unsettled() or self._run(Hook.POST_SYNC))
        if report.failed and not report.refused and self._due(Hook.SYNC_FAIL):
            report = _with(report, self._run(Hook.SYNC_FAIL))
        return report

    def _due(self, when: Hook) -> list[Wished]:
        """The Jobs of this moment."""
        return [
            self._renamed(item)
            for item in self._revision.hooks
            if ordering.hook(item.object) is when
        ]

    def _run(self, when: Hook) -> Report | None:
        """Run the hooks of this moment to their end; None where there is nothing to do.

        The report has a fault for each that has failed.
        """
        due = self._due(when)
        mine = {one.ref: one for one in map(self._renamed, self._revision.hooks)}
        known = {row.ref for row in objects.read(self._database, applyset=self._set)}
        if not due and known <= mine.keys():
            return None
        if when is Hook.PRE_SYNC and due:
            unfit = self._host.unfit(())
            if unfit:
                raise Unfit(unfit)
            self._supply(due)
        # Those that have begun are not to be pruned; they have ended, and nothing is done to them.
        begun = [mine[ref] for ref in known & mine.keys() if mine[ref] not in due]
        # Once the revision is here, what keeps a hook from being made is its failure.
        options = cycle.Options(
            applyset=self._set, prune=True, whole=True, piecemeal=when is not Hook.PRE_SYNC
        )
        report = cycle.converge(self._host, (*begun, *due), options, self._notify)
        failed = {object_of(one.change) for one in report.failed}
        ended = self._ended([one for one in due if one.ref not in failed])
        return report.replace(outcomes=(*report.outcomes, *ended))

    def _unsettled(self) -> Report | None:
        """Wait until all objects of the revision are healthy; None when they are.

        The report has a fault for each that is not in time, or cannot be.
        """
        told = self._wait(self._revision.others, time.monotonic() + self._seconds)
        if not told:
            return None
        return _report(
            _failure(item.ref, TimedOut(f"{item.ref}: is not healthy: {seen.why}"))
            for item, seen in told
        )

    def _renamed(self, item: Wished) -> Wished:
        """The hook as the Job that it is for this revision, with an end."""
        thing = item.object
        assert isinstance(thing, Job)  # noqa: S101 (manifests.checks has seen to it)
        names = {one.ref: self._name(one.ref.name) for one in self._revision.hooks}
        annotations = dict(thing.metadata.annotations)
        if settings.DEPENDS_ON in annotations:
            annotations[settings.DEPENDS_ON] = ",".join(
                f"{ref.kind}/{ref.namespace}/{names.get(ref, ref.name)}"
                for ref in ordering.depends_on(thing)
            )
        own = thing.spec.active_deadline_seconds
        seconds = max(1, int(self._seconds))
        job = thing.replace(
            metadata=thing.metadata.replace(name=names[item.ref], annotations=annotations),
            spec=thing.spec.replace(
                active_deadline_seconds=seconds if own is None else min(own, seconds)
            ),
        )
        return item.replace(ref=kinds.ref(job), object=job)

    def _name(self, name: str) -> str:
        return f"{name}-{self._revision.id}"

    def _supply(self, due: Sequence[Wished]) -> None:
        """Make what these hooks use and the host does not have: nothing that runs is changed."""
        known = objects.refs(self._database)
        needed = {(need.kind, need.name) for item in due for need in sets.needs(item.object)}
        spaces = {item.ref.namespace for item in due}
        missing = [
            item
            for item in self._revision.others
            if (item.ref.kind, item.ref.name) in needed
            and item.ref.namespace in (*spaces, "")
            and item.ref not in known
        ]
        if missing:
            options = cycle.Options(applyset=self._of_sync)
            cycle.converge(self._host, missing, options, self._notify)

    def _ended(self, due: Sequence[Wished]) -> list[Outcome]:
        """Wait for the Jobs' ends; return an outcome for each that has not ended well."""
        told = self._wait(due, time.monotonic() + self._seconds + GRACE_SECONDS)
        return [
            _failure(item.ref, Fault(f"{item.ref}: {_phrase(item)} failed: {seen.why}"))
            for item, seen in told
        ]

    def _wait(
        self, items: Sequence[Wished], deadline: float
    ) -> list[tuple[Wished, assess.Assessment]]:
        """Wait until all are healthy; return those that never will be, or are not in time."""
        with interrupts.noticed():
            while True:
                remembered = results.read_jobs(self._database)
                states, now = self._host.pods(), time.time()
                seen = [
                    (item, assess.assess(item.object, states, now, remembered)) for item in items
                ]
                ill = [(item, one) for item, one in seen if not one.healthy]
                if all(one.final for _item, one in ill) or time.monotonic() >= deadline:
                    return ill
                interrupts.sleep(POLL_SECONDS)


def _phrase(item: Wished) -> str:
    return f"the {ordering.hook(item.object)} hook"


def _failure(ref: Ref, fault: Fault) -> Outcome:
    return Outcome(change=Change(op=Op.UPDATE, ref=ref), fault=fault)


def _with(report: Report, more: Report | None) -> Report:
    """The report, and what failed beside it."""
    return report if more is None else report.replace(outcomes=(*report.outcomes, *more.failed))


def _report(outcomes: Iterable[Outcome]) -> Report:
    return Report(plan=Plan(changes=()), outcomes=tuple(outcomes))
