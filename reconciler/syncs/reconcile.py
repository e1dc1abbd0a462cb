"""One pass of one Sync: ask its source, choose the revision, converge, and say what came of it.

    fetch       the source -> its present revision, saved in the Sync's repository
    choose      that one, or the last good one where it is known to be bad or cannot be had
    load        the revision's manifests -> objects, or every problem
    hooks       Jobs of the revision, around the next step, where it was not reached before
    converge    reconciler.cycle; what would be pruned beyond the limit waits for consent
    go back     to the last good revision, where the new one fails
    record      status and history

A pass is level-triggered, as the cycle is: whatever is wrong with the source, what the host was
given last is kept as it should be. Nothing but a valid revision in which an object is absent ever
removes it.
"""

from __future__ import annotations

import time

from manifests import durations, targeting
from manifests.faults import Fault, HostFault, Invalid, Retry, Unfit
from reconciler import cycle, history
from reconciler.notify.telling import Telling
from reconciler.source import source
from reconciler.source.inputs import InputsError
from reconciler.source.refusals import RefusedError
from reconciler.source.repository import FETCHED, GOOD, DamagedError
from reconciler.state import objects, syncs
from reconciler.syncs import decide, declared, departing, hooks, revisions, wording
from reconciler.syncs.passed import Pass
from reconciler.syncs.revisions import UnusableError
from reconciler.syncs.status import Outcome, Revision, SyncStatus
from runtime import interrupts, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from manifests.loaded import Elsewhere
    from manifests.problems import Problem
    from manifests.ref import Ref
    from manifests.sync import Sync
    from reconciler.execute.run import Outcome as ChangeOutcome
    from reconciler.plan.wish import Wished
    from reconciler.report import Report
    from reconciler.source.repository import Repository
    from reconciler.targets.host.host import Host

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds between attempts to reach a revision that only time keeps from being reached."""

COMMITS_KEPT = 20
"""Revisions whose manifests are kept, for going back to them."""


class Follower:
    """A Sync on this host, for one pass. `ready` tells of all Syncs of the host."""

    def __init__(
        self,
        host: Host,
        sync: Sync,
        ready: dict[str, bool],
        notify: Callable[[ChangeOutcome], None] = lambda _outcome: None,
    ) -> None:
        self._host = host
        self._sync = sync
        self._ready = ready
        self._notify = notify
        self._name = sync.metadata.name
        self._repository: Repository = source.repository_of(host.base.paths, self._name)
        self._database = host.base.database
        self._warnings: tuple[Problem, ...] = ()
        self._withheld: tuple[Ref, ...] = ()
        self._elsewhere: tuple[Elsewhere, ...] = ()
        self._why = ""
        self._departed: tuple[str, ...] = ()
        self._hooks: tuple[Wished, ...] = ()
        self._filed: frozenset[str] = frozenset()
        self._telling = Telling(host.base, sync, self._repository)

    def reconcile(self) -> Pass:
        """Do the pass and record it.

        Raises Invalid where the Sync has been removed while this pass waited for another.
        """
        began = time.time()
        patience = locks.DEADLINE_SECONDS + decide.longest_pass(self._sync.spec)
        with locks.held(self._host.base.paths, [decide.lock(self._name)], timeout=patience):
            self._declared_now()
            before = self._known()
            self._departed = before.departed
            passed = self._pass(before, began)
            if passed.outcome is not Outcome.SUSPENDED:
                self._telling.ended(self._record(before, passed, began), passed)
        return passed

    def close(self) -> None:
        """Wait a while for notices that are being sent. An agent, which goes on, need not."""
        self._telling.close()

    def _declared_now(self) -> None:
        """Go by the Sync as it is declared now, which may be otherwise than before the wait."""
        found = declared.read(self._host.base.paths, self._database)
        self._sync = found.named(self._name).sync
        self._filed = declared.filed(found, self._host.base.paths)
        self._host.base.by = f"Sync/{self._name}"
        self._telling = Telling(self._host.base, self._sync, self._repository)
        self._host.base.start_seconds = durations.duration(self._sync.spec.timeout)

    def _known(self) -> SyncStatus:
        """What is remembered; without its database podpy still knows the last good revision."""
        status = syncs.read(self._database, self._name)
        if not status.good:
            status = status.replace(good=self._repository.commit(GOOD))
        return status

    def _pass(self, status: SyncStatus, now: float) -> Pass:
        spec = self._sync.spec
        if decide.suspended(spec, status, now):
            return Pass(outcome=Outcome.SUSPENDED, revision=status.applied)
        try:
            reason = targeting.elsewhere(self._sync, self._host.base.identity)
        except (Invalid, HostFault) as fault:
            return Pass(outcome=Outcome.INVALID, message=str(fault), revision=status.applied)
        if reason:
            return self._left(status, reason)
        missing = decide.waits_for(spec, self._ready)
        if missing:
            message = f"waits for Sync {', '.join(missing)}"
            return Pass(outcome=Outcome.BLOCKED, message=message, revision=status.applied)
        try:
            return self._followed(status, *self._fetched())
        except DamagedError:
            self._repository.renew()
        candidate, trouble = self._fetched()
        try:
            return self._followed(status, candidate, trouble)
        except DamagedError as error:
            said = f"{trouble.message}; {error}" if trouble is not None else str(error)
            return Pass(outcome=Outcome.UNREACHABLE, message=said)

    def _left(self, status: SyncStatus, reason: str) -> Pass:
        """The pass of a Sync for other hosts: what it has brought here goes, if somebody agrees."""
        granted = status.approved == status.applied
        try:
            report = self._converged((), granted=granted)
        except interrupts.Interrupted:
            raise
        except Fault as fault:
            return Pass(outcome=Outcome.FAILED, message=str(fault), revision=status.applied)
        if report.failed:
            return Pass(
                outcome=Outcome.FAILED,
                message=wording.faults(report),
                revision=status.applied,
                report=report,
            )
        if self._withheld:
            return Pass(
                outcome=Outcome.WITHHELD,
                message=f"{self._why}: {reason}",
                revision=status.applied,
                report=report,
                withheld=self._withheld,
            )
        return Pass(outcome=Outcome.ELSEWHERE, message=reason, report=report)

    def _fetched(self) -> tuple[str, Pass | None]:
        """The source's revision, or "" and the pass that has none."""
        try:
            base = self._host.base
            return source.fetch(base.paths, self._sync, self._repository, base.identity), None
        except (RefusedError, InputsError) as fault:
            return "", Pass(outcome=Outcome.INVALID, message=str(fault))
        except interrupts.Interrupted:
            raise
        except Fault as fault:
            return "", self._unfetched(fault)

    def _unfetched(self, fault: Fault) -> Pass:
        """The pass whose source could not be had: is this host to blame, or the source?"""
        from reconciler.syncs import fitness

        unfit = fitness.unfit(self._host.base.paths, self._sync, fault)
        if unfit:
            return Pass(outcome=Outcome.UNFIT, message="; ".join(unfit))
        return Pass(outcome=Outcome.UNREACHABLE, message=str(fault))

    def _followed(self, status: SyncStatus, candidate: str, trouble: Pass | None) -> Pass:
        chosen = decide.revision(candidate, status, time.time())
        if not chosen:
            return trouble or Pass(outcome=Outcome.FAILED, message=wording.not_again(candidate))
        try:
            wished = self._wished(chosen)
        except UnusableError as error:
            outcome = Outcome.UNFIT if error.host else Outcome.INVALID
            passed = Pass(outcome=outcome, message=str(error), problems=error.problems)
            return self._kept(status, chosen, passed)
        self._telling.began(status, chosen)
        try:
            report = self._with_hooks(wished, status, chosen)
        except Invalid as fault:
            return self._kept(status, chosen, Pass(outcome=Outcome.INVALID, message=str(fault)))
        except Unfit as fault:
            unfit = Pass(outcome=Outcome.UNFIT, message=fault.words, revision=status.applied)
            return self._kept(status, chosen, unfit)
        except interrupts.Interrupted:
            raise
        except (
            Fault
        ) as fault:  # Another command kept an object, say: nothing tells of the revision.
            return Pass(outcome=Outcome.FAILED, message=str(fault), revision=status.applied)
        if report.failed:
            return self._failed(status, chosen, report)
        return self._reached(status, candidate, trouble, chosen, report)

    def _reached(
        self,
        status: SyncStatus,
        candidate: str,
        trouble: Pass | None,
        chosen: str,
        report: Report,
    ) -> Pass:
        """The pass after which the host is as `chosen` wants it."""
        done = Pass(
            outcome=Outcome.READY,
            revision=chosen,
            report=report,
            problems=self._warnings,
            withheld=self._withheld,
            elsewhere=self._elsewhere,
        )
        if trouble is not None:
            return done.replace(outcome=trouble.outcome, message=trouble.message)
        if candidate in status.bad:
            said = wording.not_again(candidate)
            if status.outcome is Outcome.ROLLED_BACK and status.seen == candidate:
                said = status.message
            return done.replace(outcome=Outcome.ROLLED_BACK, message=said)
        if candidate != chosen:
            return done.replace(outcome=Outcome.FAILED, message=wording.put_off(status, self._name))
        self._repository.point(GOOD, chosen)
        if self._withheld:
            return done.replace(outcome=Outcome.WITHHELD, message=self._why)
        return done

    def _kept(self, status: SyncStatus, refused: str, passed: Pass) -> Pass:
        """The pass that follows the last good revision, since another one cannot be followed."""
        if not status.good or status.good == refused:
            return passed
        try:
            granted = not status.withheld or status.approved == status.good
            report = self._converged(self._wished(status.good), granted=granted)
        except (UnusableError, Invalid, DamagedError) as error:
            return passed.replace(message=f"{passed.message}; nor can the last good one: {error}")
        return passed.replace(revision=status.good, report=report, withheld=self._withheld)

    def _failed(self, status: SyncStatus, chosen: str, report: Report) -> Pass:
        """The pass whose revision could not be reached: back to the last good one, if there is."""
        faults = [one.fault for one in report.failed]
        unfit = any(isinstance(fault, Unfit) for fault in faults) or (
            report.refused and any(isinstance(fault, HostFault) for fault in faults)
        )
        failed = Pass(
            outcome=Outcome.UNFIT if unfit else Outcome.FAILED,
            message=wording.faults(report),
            revision=chosen,
            report=report,
        )
        if not self._may_go_back(status, chosen):
            return failed
        if report.refused:
            return self._kept(status, chosen, failed.replace(revision=status.applied))
        if unfit or decide.of_the_host(map(str, faults)):
            return self._kept(status, chosen, failed.replace(put_off=chosen))
        back = self._kept(status, chosen, failed.replace(bad=chosen))
        if back.revision != status.good or back.report is None or back.report.failed:
            return back
        return back.replace(outcome=Outcome.ROLLED_BACK)

    def _may_go_back(self, status: SyncStatus, chosen: str) -> bool:
        return self._sync.spec.rollback and status.good not in ("", chosen)

    def _wished(self, revision: str) -> tuple[Wished, ...]:
        """The objects of a revision. Raises UnusableError, with every problem."""
        loaded = revisions.read(self._host.base, self._sync, self._repository, revision)
        going = self._departing(departing.brought(loaded))
        self._warnings = (*loaded.problems, *going.told)
        self._elsewhere = loaded.elsewhere
        others = self._ready.keys() - set(going.syncs)
        every = revisions.wished(self._host.base, self._sync, loaded, others)
        wished, self._hooks = hooks.split(every)
        return wished

    def _departing(self, brought: Iterable[str]) -> departing.Departing:
        """Which Syncs this one brings no more, of which there may be objects."""
        if not self._sync.spec.prune:
            return departing.NONE
        rows = objects.read(self._database, kind="Sync")
        return departing.find(rows, self._name, brought, self._departed, self._filed)

    def _with_hooks(self, wished: tuple[Wished, ...], status: SyncStatus, revision: str) -> Report:
        """Reach a revision, with its hooks unless it was reached before."""

        def reach() -> Report:
            return self._reaching(wished, status, revision)

        if revision == status.good:
            return reach()
        known = hooks.Revision(
            id=hooks.identity(revision, status), others=wished, hooks=self._hooks
        )
        return hooks.Runner(self._host, self._sync, known, self._notify).around(reach)

    def _reaching(self, wished: tuple[Wished, ...], status: SyncStatus, revision: str) -> Report:
        """Converge, again and again while only time can help and there is some left."""
        deadline = time.monotonic() + self._host.base.start_seconds
        pause = FIRST_PAUSE
        while True:
            report = self._converged(
                wished,
                granted=revision == status.approved,
                whole=self._may_go_back(status, revision),
                piecemeal=revision == status.good,
            )
            interrupts.check(f"Sync/{self._name}")
            helpless = [one for one in report.failed if not isinstance(one.fault, Retry)]
            if helpless or not report.failed or time.monotonic() + pause > deadline:
                return report
            interrupts.sleep(pause, f"Sync/{self._name}")
            pause = min(2 * pause, LONGEST_PAUSE)

    def _converged(
        self,
        wished: tuple[Wished, ...],
        *,
        granted: bool,
        whole: bool = False,
        piecemeal: bool = True,
    ) -> Report:
        """Converge once; `granted` tells that what is gone from the source may be removed."""
        going = self._departing(item.ref.name for item in wished if item.ref.kind == "Sync").syncs
        options = cycle.Options(
            applyset=decide.applyset(self._name),
            also=decide.applysets(going),
            prune=self._sync.spec.prune,
            whole=whole,
            piecemeal=piecemeal,
            elsewhere=self._elsewhere,
            ready=True,
        )
        self._withheld = ()

        def consent(gone: Collection[Ref], owned: int) -> bool:
            why = decide.asks(gone, owned, len(wished), self._sync.spec.prune_limit)
            self._why = "" if granted else why
            self._withheld = tuple(gone) if self._why else ()
            return not self._why

        if not going:
            return cycle.converge(self._host, wished, options, self._notify, consent)
        self._departed = going
        departing.note(self._host.base, self._name, going)
        # Nor does a pass of one of them bring anything back meanwhile.
        with locks.held(self._host.base.paths, map(decide.lock, going)):
            report = cycle.converge(self._host, wished, options, self._notify, consent)
            self._departed = departing.forget(self._host.base, going)
        return report

    def _record(self, before: SyncStatus, passed: Pass, began: float) -> SyncStatus:
        seen = self._repository.commit(FETCHED) or before.seen
        news = (passed.outcome, passed.message) != (before.outcome, before.message)
        away = passed.outcome is Outcome.ELSEWHERE
        converged = passed.report is not None
        after = before.replace(
            seen=seen,
            commit=source.commit_of(self._sync, self._repository, seen),
            applied="" if away else passed.revision or before.applied,
            good=passed.revision if passed.outcome.ready else before.good,
            bad=decide.with_bad(before, passed.bad) if passed.bad else before.bad,
            approved="" if away or passed.outcome is Outcome.READY else before.approved,
            withheld=tuple(map(str, passed.withheld)) if converged else before.withheld,
            elsewhere=tuple(map(str, self._elsewhere)) if converged else before.elsewhere,
            outcome=passed.outcome,
            message=passed.message,
            asked_at=began,
            changed_at=began if news else before.changed_at,
            departed=self._departed,
            **passed.attempts(before),
        )
        with locks.held(self._host.base.paths, [decide.status_lock(self._name)]):
            status = decide.recorded(before, syncs.read(self._database, self._name), after)
            syncs.save(self._database, self._name, status)
        changes = wording.worded(passed.report)
        if passed.outcome is Outcome.UNFIT:
            history.note_sync(self._database, self._name, Unfit.REASON, passed.message)
        if news or changes or seen != before.seen:
            line = Revision(
                revision=seen,
                outcome=passed.outcome,
                message=passed.message,
                changes=changes,
                at=began,
                seconds=time.time() - began,
            )
            syncs.add_revision(self._database, self._name, line)
            self._keep(status)
        return status

    def _keep(self, status: SyncStatus) -> None:
        """Keep the manifests of the revisions that somebody may want to go back to."""
        told = [line.revision for line in syncs.history(self._database, self._name)]
        wanted = dict.fromkeys([*filter(None, (status.good, status.applied, status.seen)), *told])
        kept = [one for one in wanted if one and self._repository.commit(one)]
        if kept:
            dropped = self._repository.keep(kept[:COMMITS_KEPT])
            # There may be Secrets in plain, which are not to lie about when they are not kept; of a
            # git repository, whoever reads that can read them in its history.
            self._repository.tidy(now=dropped and self._sync.spec.source.git is None)
