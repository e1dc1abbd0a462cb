"""Tell of one pass of a Sync: that a new revision is begun, and what it came to.

Called by reconciler.syncs.reconcile. What is sent, and when, is reconciler.notify.sending's.
"""

from __future__ import annotations

import time

from manifests.problems import errors
from reconciler.source import source
from reconciler.syncs.status import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.sync import Sync
    from reconciler.notify.notice import State
    from reconciler.notify.sending import Notifier
    from reconciler.source.repository import Repository
    from reconciler.syncs.passed import Pass
    from reconciler.syncs.status import SyncStatus
    from reconciler.targets.host.base import Base


class Telling:
    """One pass's. Without receivers it does nothing, and imports nothing."""

    def __init__(self, base: Base, sync: Sync, repository: Repository) -> None:
        self._base, self._sync, self._repository = base, sync, repository
        self._notifier: Notifier | None = None

    def began(self, status: SyncStatus, chosen: str) -> None:
        """Tell that a revision is being brought about, where it is a new one."""
        if not self._sync.spec.notify or chosen in (status.applied, status.seen):
            return
        from reconciler.notify import notice

        commit = source.commit_of(self._sync, self._repository, chosen) or chosen
        self._tell(commit, notice.State.PENDING, notice.PROGRESSING, "is being brought about")

    def ended(self, status: SyncStatus, passed: Pass) -> None:
        """Tell what the pass came to; `status` is what is remembered of it."""
        if not self._sync.spec.notify:
            return
        from reconciler.notify import notice

        failed = [str(one.change.ref) for one in (passed.report.failed if passed.report else ())]
        places = [f"{one.file}:{one.line}" for one in errors(passed.problems)]
        told = notice.words(passed.outcome, good=status.good, failed=failed, places=places)
        unasked = passed.outcome is Outcome.UNREACHABLE or (
            passed.outcome is Outcome.UNFIT and status.seen == status.good
        )
        commit = "" if unasked else status.commit or status.seen
        if passed.outcome is Outcome.OVERTAKEN:
            known = source.commit_of(self._sync, self._repository, passed.revision)
            commit = known or passed.revision
        self._tell(commit, notice.state(passed.outcome), str(passed.outcome), told)

    def close(self) -> None:
        """Wait a while for what is being sent. An agent, which goes on, need not."""
        if self._notifier is not None:
            self._notifier.close()

    def _tell(self, commit: str, state: State | None, reason: str, message: str) -> None:
        from reconciler.notify.notice import Notice
        from reconciler.notify.sending import Notifier
        from runtime.observe import facts

        if self._notifier is None:
            self._notifier = Notifier(self._base.paths, self._base.database, self._sync)
        news = None
        if state is not None:
            news = Notice(
                sync=self._sync.metadata.name,
                host=facts.node_name(),
                commit=commit,
                state=state,
                reason=reason,
                message=message,
                at=time.time(),
            )
        self._notifier.tell(news)
