"""Record what a pass of a Sync came to: its status, a line of history, and which revisions stay."""

from __future__ import annotations

import time

from manifests.faults import Unfit
from reconciler import history
from reconciler.source import source
from reconciler.source.refs import FETCHED
from reconciler.state import syncs
from reconciler.syncs import decide, wording
from reconciler.syncs.status import Outcome, Revision
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.sync import Sync
    from reconciler.source.repository import Repository
    from reconciler.syncs.passed import Pass
    from reconciler.syncs.reaching import Reaching
    from reconciler.syncs.status import SyncStatus
    from reconciler.targets.host.base import Base

COMMITS_KEPT = 20
"""Revisions whose manifests are kept, for going back to them."""


class Recorder:
    """One Sync's memory, for one pass."""

    def __init__(self, base: Base, sync: Sync, repository: Repository) -> None:
        self._base, self._sync, self._repository = base, sync, repository
        self._database, self._name = base.database, sync.metadata.name

    def ended(self, before: SyncStatus, passed: Pass, way: Reaching, began: float) -> SyncStatus:
        """Record a pass that began at `began`, with `before` known, and has gone this `way`; return
        what is known now."""
        seen = before.seen
        if not self._repository.is_at(FETCHED, seen):
            seen = self._repository.commit(FETCHED) or seen
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
            elsewhere=tuple(map(str, way.elsewhere)) if converged else before.elsewhere,
            outcome=passed.outcome,
            message=passed.message,
            asked_at=began,
            changed_at=began if news else before.changed_at,
            departed=way.departed,
            **passed.attempts(before),
        )
        with locks.held(self._base.paths, [decide.status_lock(self._name)]):
            status = decide.recorded(before, syncs.read(self._database, self._name), after)
            syncs.save(self._database, self._name, status)
        changes = wording.worded(passed.report)
        if passed.outcome is Outcome.UNFIT:
            history.note_sync(self._database, self._name, Unfit.REASON, passed.message)
        if news or changes or seen != before.seen:
            line = Revision(
                revision=passed.revision if passed.outcome is Outcome.OVERTAKEN else seen,
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
