"""Run the hooks of a Sync's revision: Jobs before anything changes, when all is well, on failure.

A hook is a Job of its revision: `migrate` of revision 1e72785b... runs as the Job
migrate-1e72785b, in a set of its own that nothing else prunes. Jobs that have ended are remembered,
so each runs once for a revision, whoever is killed meanwhile; one that has failed is tried again
when somebody asks for the revision to be. Those of earlier revisions go, with their logs, when
another one begins; podpy.dev/hook-delete-policy says otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from manifests import digests, durations, kinds, ordering, settings
from manifests.checks import sets
from manifests.faults import Fault, TimedOut, Unfit
from manifests.ordering import DeletePolicy, Hook
from manifests.value import Value
from manifests.workloads import Job
from reconciler import cycle, recording, removing
from reconciler.execute.run import Outcome, object_of
from reconciler.plan.change import Change, Op, Plan
from reconciler.report import Report
from reconciler.state import objects, results, syncs
from reconciler.syncs import complaints, decide, settling
from reconciler.syncs.status import HookEnd
from reconciler.workloads.expand import expand
from reconciler.workloads.jobs import Ending
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from manifests.kinds import Object
    from manifests.ref import Ref
    from manifests.sync import Sync
    from reconciler.health.assess import Assessment
    from reconciler.plan.wish import Wished
    from reconciler.state.objects import Applied
    from reconciler.syncs.overtaking import Lookout
    from reconciler.syncs.status import SyncStatus
    from reconciler.targets.host.base import Base
    from reconciler.targets.host.host import Host

REVISION_SHOWN = 8
GRACE_SECONDS = 60.0
"""How much longer than its deadline a Job is waited for: its pods are given time to stop."""


def worded(found: Iterable[Wished]) -> tuple[str, ...]:
    """Return `pre-sync Job/migrate` for each hook, in the order of their moments."""
    order = tuple(Hook)
    known = [(hook, item.ref) for item in found if (hook := ordering.hook(item.object))]
    known.sort(key=lambda pair: order.index(pair[0]))
    return tuple(f"{hook} {ref}" for hook, ref in known)


class Revision(Value):
    """A revision's objects, hooks and others; `id` tells its Jobs from those of other ones.

    `changed` returns those of the others that are otherwise than in the last good revision.
    """

    id: str
    others: tuple[Wished, ...]
    changed: Callable[[], tuple[Wished, ...]]
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
        self,
        host: Host,
        sync: Sync,
        revision: Revision,
        notify: Callable[[Outcome], None],
        lookout: Lookout,
    ) -> None:
        self._host = host
        self._lookout = lookout
        self._database = host.base.database
        self._seconds = durations.duration(sync.spec.timeout)
        self._waits = sync.spec.wait
        self._revision = revision
        self._notify = notify
        self._memory = _Memory(host.base, sync.metadata.name)
        self._set = decide.hook_set(sync.metadata.name)
        self._of_sync = decide.applyset(sync.metadata.name)

    def around(self, reach: Callable[[], Report]) -> Report:
        """Reach the revision with its hooks; the report has the faults of those, too."""
        report = self._run(Hook.PRE_SYNC)
        if report is None or not report.failed:
            report = reach()
            if not report.failed and self._due(Hook.POST_SYNC):
                report = _with(report, self._unsettled(jobs=True) or self._run(Hook.POST_SYNC))
            elif not report.failed and self._waits:
                report = _with(report, self._unsettled(jobs=False))
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
        mine = {one.ref: one for one in map(self._renamed, self._revision.hooks)}
        over = self._memory.of(mine)
        rows = objects.read(self._database, applyset=self._set)
        self._remove(row for row in rows if row.ref in over)
        due = self._due(when)
        failed = [_failure(item.ref, Fault(why)) for item in due if (why := over.get(item.ref))]
        if failed:
            return _report(failed)
        due = [item for item in due if item.ref not in over]
        old = [row for row in rows if row.ref not in mine]
        staying = frozenset(row.ref for row in old if not _replaceable(row))
        if not due and len(staying) == len(old):
            return None
        if when is Hook.PRE_SYNC and due:
            unfit = self._host.unfit(())
            if unfit:
                raise Unfit(unfit)
            self._supply(due)
        # Those that have begun are not to be pruned; they have ended, and nothing is done to them.
        known = {row.ref for row in rows if row.ref not in over}
        coming = {item.ref for item in due}
        begun = [mine[ref] for ref in known & mine.keys() if ref not in coming]
        # Once the revision is here, what keeps a hook from being made is its failure.
        options = cycle.Options(
            applyset=self._set,
            prune=True,
            whole=True,
            piecemeal=when is not Hook.PRE_SYNC,
            aside=staying,
        )
        report = cycle.converge(self._host, (*begun, *due), options, self._notify)
        failed_refs = {object_of(one.change) for one in report.failed}
        ended = self._ended([one for one in due if one.ref not in failed_refs])
        return report.replace(outcomes=(*report.outcomes, *ended))

    def _unsettled(self, *, jobs: bool) -> Report | None:
        """Wait until what the revision has changed is healthy, with `jobs` until all of it is and
        its Jobs are complete; None when that is so.

        The report has a fault for each object that is not in time, or cannot be.
        """
        items = self._revision.others if jobs else self._revision.changed()
        with self._lookout.watching():
            told = settling.unsettled(self._host, items, self._seconds, jobs=jobs)
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
            annotations[settings.DEPENDS_ON] = ordering.words_of(
                ref.replace(name=names.get(ref, ref.name)) for ref in ordering.depends_on(thing)
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
        told = settling.ended(self._host, due, self._seconds + GRACE_SECONDS)
        whys = {item.ref: self._why(item, seen) for item, seen in told}
        lasting = {item.ref for item, seen in told if not seen.final}
        going = [item for item in due if item.ref not in lasting and _goes(item, whys)]
        self._memory.note([HookEnd(job=str(one.ref), why=whys.get(one.ref, "")) for one in going])
        rows = objects.read(self._database, applyset=self._set) if going else ()
        self._remove(row for row in rows if row.ref in {item.ref for item in going})
        return [_failure(item.ref, Fault(whys[item.ref])) for item, _seen in told]

    def _why(self, item: Wished, seen: Assessment) -> str:
        why = f"{item.ref}: {_phrase(item)} failed: {seen.why}"
        said = complaints.of_space(self._host, item.ref)
        return f"{why}; it said: {said}" if said and said not in why else why

    def forgive(self) -> None:
        """Let hooks of this revision run again that have failed: this host was to blame."""
        self._memory.forgive()
        rows = objects.read(self._database, applyset=self._set)
        ends = results.read_jobs(self._database)
        self._remove(
            row for row in rows if row.ref in ends and ends[row.ref].ending is Ending.FAILED
        )

    def _remove(self, rows: Iterable[Applied]) -> None:
        """Remove Jobs that are remembered to have ended."""
        things = {row.ref: row.object() for row in rows}
        if things:
            self._record_ends(things)
            removing.remove(self._host, things, notify=self._notify)

    def _record_ends(self, jobs: Mapping[Ref, Object]) -> None:
        """Record how far Jobs are before their pods go: killed in between, they are still Jobs of
        this host, and whoever looks after those must not take them for new ones."""
        before = results.read_jobs(self._database)
        seen = expand(jobs.values(), self._host.pods(), time.time(), remembered=before)
        recording.save_jobs(self._database, seen.progress, before)


class _Memory:
    """Which hooks of the present revision have ended and are gone: in the Sync's status."""

    def __init__(self, base: Base, name: str) -> None:
        self._base, self._name = base, name

    def of(self, mine: Iterable[Ref]) -> dict[Ref, str]:
        """Return those of these Jobs that have ended, with why each has failed; others are of
        another revision, and are forgotten: it has its hooks run anew when it is followed again."""
        known = syncs.read(self._base.database, self._name).hooks
        names = {str(ref): ref for ref in mine}
        if any(one.job not in names for one in known):
            self._save([one for one in known if one.job in names])
        return {names[one.job]: one.why for one in known if one.job in names}

    def note(self, ended: Sequence[HookEnd]) -> None:
        """Remember this before the Jobs are removed: killed in between, they do not run again."""
        if ended:
            self._save([*syncs.read(self._base.database, self._name).hooks, *ended])

    def forgive(self) -> None:
        """Forget those that have failed."""
        known = syncs.read(self._base.database, self._name).hooks
        if any(one.why for one in known):
            self._save([one for one in known if not one.why])

    def _save(self, hooks: Sequence[HookEnd]) -> None:
        with locks.held(self._base.paths, [decide.status_lock(self._name)]):
            status = syncs.read(self._base.database, self._name)
            syncs.save(self._base.database, self._name, status.replace(hooks=tuple(hooks)))


def _replaceable(row: Applied) -> bool:
    """Tell whether the Job of an earlier revision goes when another one begins."""
    return DeletePolicy.BEFORE_CREATION in ordering.delete_policies(row.object())


def _goes(item: Wished, failed: Collection[Ref]) -> bool:
    """Tell whether a Job that has ended is to be removed now."""
    end = DeletePolicy.FAILED if item.ref in failed else DeletePolicy.SUCCEEDED
    return end in ordering.delete_policies(item.object)


def _phrase(item: Wished) -> str:
    return f"the {ordering.hook(item.object)} hook"


def _failure(ref: Ref, fault: Fault) -> Outcome:
    return Outcome(change=Change(op=Op.UPDATE, ref=ref), fault=fault)


def _with(report: Report, more: Report | None) -> Report:
    """The report, and what failed beside it."""
    return report if more is None else report.replace(outcomes=(*report.outcomes, *more.failed))


def _report(outcomes: Iterable[Outcome]) -> Report:
    return Report(plan=Plan(changes=()), outcomes=tuple(outcomes))
