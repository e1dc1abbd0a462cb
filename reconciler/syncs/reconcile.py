"""One pass of one Sync: ask its source, choose the revision, converge, and say what came of it.

    fetch       the source -> its present revision, saved in the Sync's repository
    choose      that one, or the last good one where it is known to be bad or cannot be had
    load        the revision's manifests -> objects, or every problem
    reach       reconciler.syncs.reaching: the cycle, with the revision's hooks around it
    go back     to the last good revision, where the new one fails
    record      reconciler.syncs.record: status and history

A pass is level-triggered, as the cycle is: whatever is wrong with the source, what the host was
given last is kept as it should be. Nothing but a valid revision in which an object is absent ever
removes it.
"""

from __future__ import annotations

import time

from manifests import digests, durations, targeting
from manifests.faults import Fault, HostFault, Invalid, Unfit
from reconciler.notify.telling import Telling
from reconciler.plan.change import Plan
from reconciler.report import Report
from reconciler.source import source
from reconciler.source.inputs import InputsError
from reconciler.source.refs import GOOD
from reconciler.source.refusals import RefusedError
from reconciler.source.repository import DamagedError, LackingError
from reconciler.state import syncs
from reconciler.syncs import decide, declared, overtaking, record, wording
from reconciler.syncs.overtaking import Lookout, OvertakenError
from reconciler.syncs.passed import Pass
from reconciler.syncs.reaching import Reaching
from reconciler.syncs.revisions import UnusableError
from reconciler.syncs.status import Outcome, SyncStatus
from runtime import interrupts, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from manifests.sync import Sync
    from reconciler.execute.run import Outcome as ChangeOutcome
    from reconciler.source.repository import Repository
    from reconciler.targets.host.host import Host


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
        self._done: list[ChangeOutcome] = []
        self._name = sync.metadata.name
        self._repository: Repository = source.repository_of(host.base.paths, self._name)
        self._database = host.base.database
        self._telling = Telling(host.base, sync, self._repository)

    def reconcile(self) -> Pass:
        """Do the pass and record it; another one where the source has moved on meanwhile.

        Raises Invalid where the Sync has been removed while this pass waited for another.
        """
        overtaking.ask(self._host.base.paths, self._name)
        while (passed := self._turn()).outcome is Outcome.OVERTAKEN:
            # Who has pushed what came meanwhile waits for its turn, and tells how that goes.
            interrupts.sleep(5 * locks.POLL_SECONDS, f"Sync/{self._name}")
        return passed

    def _turn(self) -> Pass:
        """Do one pass, once no other process does one."""
        began, self._done = time.time(), []
        patience = locks.DEADLINE_SECONDS + decide.longest_pass(self._sync.spec)
        with locks.held(self._host.base.paths, [decide.lock(self._name)], timeout=patience):
            self._declared_now()
            self._mark = overtaking.asked(self._host.base.paths, self._name)
            before = self._known()
            self._way.departed = before.departed
            passed = self._pass(before, began)
            if passed.outcome is not Outcome.SUSPENDED:
                recorder = record.Recorder(self._host.base, self._sync, self._repository)
                self._telling.ended(recorder.ended(before, passed, self._way, began), passed)
        return passed

    def close(self) -> None:
        """Wait a while for notices that are being sent. An agent, which goes on, need not."""
        self._telling.close()

    def _declared_now(self) -> None:
        """Go by the Sync as it is declared now, which may be otherwise than before the wait."""
        found = declared.read(self._host.base.paths, self._database)
        self._sync = found.named(self._name).sync
        base = self._host.base
        base.by = f"Sync/{self._name}"
        base.start_seconds = durations.duration(self._sync.spec.timeout)
        self._telling = Telling(base, self._sync, self._repository)
        self._way = Reaching(self._host, self._sync, self._repository, found, self._note)

    def _note(self, outcome: ChangeOutcome) -> None:
        self._done.append(outcome)
        self._notify(outcome)

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
        try:
            return self._followed(status, *self._fetched(status))
        except DamagedError:
            self._repository.renew()
        candidate, trouble = self._fetched(status)
        try:
            return self._followed(status, candidate, trouble)
        except DamagedError as error:
            said = f"{trouble.message}; {error}" if trouble is not None else str(error)
            return Pass(outcome=Outcome.UNREACHABLE, message=said)

    def _left(self, status: SyncStatus, reason: str) -> Pass:
        """The pass of a Sync for other hosts: what it has brought here goes, if somebody agrees."""
        granted = status.approved == status.applied
        try:
            report = self._way.converge((), granted=granted)
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
        if self._way.withheld:
            return Pass(
                outcome=Outcome.WITHHELD,
                message=f"{self._way.why}: {reason}",
                revision=status.applied,
                report=report,
                withheld=self._way.withheld,
            )
        return Pass(outcome=Outcome.ELSEWHERE, message=reason, report=report)

    def _fetched(self, status: SyncStatus) -> tuple[str, Pass | None]:
        """The source's revision, or "" and the pass that has none."""
        missing = decide.waits_for(self._sync.spec, self._ready)
        if missing:
            message = f"waits for Sync {', '.join(missing)}"
            return "", Pass(outcome=Outcome.BLOCKED, message=message)
        try:
            return self._source_revision(decide.kept(self._sync.spec, status)), None
        except (RefusedError, InputsError) as fault:
            return "", Pass(outcome=Outcome.INVALID, message=str(fault))
        except interrupts.Interrupted:
            raise
        except Fault as fault:
            return "", self._unfetched(fault)

    def _source_revision(self, kept: str) -> str:
        base = self._host.base
        return source.fetch(base.paths, self._sync, self._repository, base.identity, kept)

    def _unfetched(self, fault: Fault) -> Pass:
        """The pass whose source could not be had: is this host to blame, or the source?"""
        from reconciler.syncs import fitness

        unfit = fitness.unfit(self._host.base.paths, self._sync, fault)
        if unfit:
            return Pass(outcome=Outcome.UNFIT, message="; ".join(unfit))
        return Pass(outcome=Outcome.UNREACHABLE, message=str(fault))

    def _followed(self, status: SyncStatus, candidate: str, trouble: Pass | None) -> Pass:
        chosen = decide.kept(self._sync.spec, status)
        if candidate:
            chosen = decide.revision(candidate, status, time.time())
        if not chosen:
            return trouble or Pass(outcome=Outcome.FAILED, message=wording.not_again(candidate))
        try:
            wished = self._way.wished(chosen)
        except UnusableError as error:
            outcome = Outcome.UNFIT if error.host else Outcome.INVALID
            passed = Pass(outcome=outcome, message=str(error), problems=error.problems)
            return self._kept(status, chosen, passed)
        except LackingError as fault:
            said = f"{trouble.message}; {fault}" if trouble is not None else str(fault)
            return Pass(outcome=Outcome.UNREACHABLE, message=said)
        self._telling.began(status, chosen)
        try:
            report = self._way.reach(wished, status, chosen, self._lookout(status, chosen))
        except OvertakenError as fault:
            changes = tuple(one.change for one in self._done if one.fault is None)
            report = Report(plan=Plan(changes=changes), outcomes=tuple(self._done))
            said = str(fault)
            return Pass(outcome=Outcome.OVERTAKEN, message=said, revision=chosen, report=report)
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

    def _lookout(self, status: SyncStatus, chosen: str) -> Lookout:
        """What tells, on the way to `chosen`, that the source holds another revision by now."""

        def fetch() -> str:
            missing = decide.waits_for(self._sync.spec, self._ready)
            self._repository.hold(chosen)
            return "" if missing else self._source_revision(chosen)

        base, sync = self._host.base, self._sync
        return Lookout(base, sync, self._repository, status, chosen, self._mark, fetch)

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
            problems=self._way.warnings,
            withheld=self._way.withheld,
            elsewhere=self._way.elsewhere,
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
        if self._way.withheld:
            return done.replace(outcome=Outcome.WITHHELD, message=self._way.why)
        return done

    def _kept(self, status: SyncStatus, refused: str, passed: Pass) -> Pass:
        """The pass that keeps the host where it is, since another revision cannot be followed."""
        keep = decide.kept(self._sync.spec, status)
        if keep in ("", refused):
            return passed
        try:
            granted = not status.withheld or status.approved == keep
            report = self._way.converge(self._way.wished(keep), granted=granted)
        except (UnusableError, Invalid, DamagedError, LackingError) as error:
            told = f"{passed.message}; nor can {digests.short(keep)} be kept: {error}"
            return passed.replace(message=told)
        return passed.replace(revision=keep, report=report, withheld=self._way.withheld)

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
        if not decide.may_go_back(self._sync.spec, status, chosen):
            return failed
        if report.refused:
            return self._kept(status, chosen, failed.replace(revision=status.applied))
        if unfit or decide.of_the_host(map(str, faults)):
            return self._kept(status, chosen, failed.replace(put_off=chosen))
        back = self._kept(status, chosen, failed.replace(bad=chosen))
        if back.revision != status.good or back.report is None or back.report.failed:
            return back
        return back.replace(outcome=Outcome.ROLLED_BACK)
