"""Reach one revision of a Sync: its id in, the host as it wants it, or what failed, out.

Called by reconciler.syncs.reconcile, which chooses the revision and decides what a failure means.
What a pass then has to tell (what is withheld, left out, warned of) is kept here for it.
"""

from __future__ import annotations

import time

from manifests.faults import Fault, Retry
from reconciler import cycle, loading
from reconciler.source.repository import DamagedError
from reconciler.state import objects
from reconciler.syncs import decide, declared, departing, hooks, revisions, targets
from reconciler.syncs.revisions import UnusableError
from runtime import interrupts, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from manifests.loaded import Elsewhere
    from manifests.problems import Problem
    from manifests.ref import Ref
    from manifests.sync import Sync
    from reconciler.execute.run import Outcome
    from reconciler.plan.wish import Wished
    from reconciler.report import Report
    from reconciler.source.repository import Repository
    from reconciler.syncs.declared import Found
    from reconciler.syncs.overtaking import Lookout
    from reconciler.syncs.status import SyncStatus
    from reconciler.targets.host.host import Host

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
"""Seconds between attempts to reach a revision that only time keeps from being reached."""


class Reaching:
    """One pass's way to a revision, or back to another one.

    `warnings` are of the revision's manifests, `elsewhere` objects of it that are for other hosts,
    `withheld` those whose removal waits for consent, `why` that is. `departed` are the Syncs that
    this one has brought and brings no more, until all of theirs is gone.
    """

    def __init__(
        self,
        host: Host,
        sync: Sync,
        repository: Repository,
        found: Found,
        notify: Callable[[Outcome], None],
    ) -> None:
        self._host = host
        self._sync = sync
        self._name = sync.metadata.name
        self._repository = repository
        self._others = frozenset(one.sync.metadata.name for one in found.syncs)
        self._filed = declared.filed(found, host.base.paths)
        self._notify = notify
        self._target = targets.Converging(host, sync, notify)
        self._hooks: tuple[Wished, ...] = ()
        self.warnings: tuple[Problem, ...] = ()
        self.withheld: tuple[Ref, ...] = ()
        self.elsewhere: tuple[Elsewhere, ...] = ()
        self.why = ""
        self.departed: tuple[str, ...] = ()

    def wished(self, revision: str) -> tuple[Wished, ...]:
        """The objects of a revision. Raises UnusableError, with every problem."""
        loaded = revisions.read(self._host.base, self._sync, self._repository, revision)
        going = self._departing(departing.brought(loaded))
        self.warnings = (*loaded.problems, *going.told)
        self.elsewhere = loaded.elsewhere
        others = self._others - set(going.syncs)
        every = revisions.wished(self._host.base, self._sync, loaded, others)
        wished, self._hooks = hooks.split(every)
        if self._hooks and targets.by_units(self._sync):
            told = ", ".join(hooks.worded(self._hooks))
            raise UnusableError(f"target: quadlet runs no hooks: {told}")
        return wished

    def _departing(self, brought: Iterable[str]) -> departing.Departing:
        """Which Syncs this one brings no more, of which there may be objects."""
        if not self._sync.spec.prune:
            return departing.NONE
        rows = objects.read(self._host.base.database, kind="Sync")
        return departing.find(rows, self._name, brought, self.departed, self._filed)

    def reach(
        self, wished: tuple[Wished, ...], status: SyncStatus, revision: str, lookout: Lookout
    ) -> Report:
        """Reach a revision, with its hooks unless it was reached before.

        Raises OvertakenError where the lookout finds that another one is to be followed.
        """

        def reach() -> Report:
            with lookout.watching():
                return self._reaching(wished, status, revision)

        if revision == status.good or targets.by_units(self._sync):
            return reach()
        known = hooks.Revision(
            id=hooks.identity(revision, status),
            others=wished,
            changed=lambda: self._changed(wished, status.good),
            hooks=self._hooks,
        )
        runner = hooks.Runner(self._host, self._sync, known, self._notify, lookout)
        if decide.host_failed(status, revision):
            runner.forgive()
        return runner.around(reach)

    def _changed(self, wished: tuple[Wished, ...], good: str) -> tuple[Wished, ...]:
        """The objects that are otherwise than in the last good revision; all, if that is not to be
        had. What was ill before is none of a new revision's faults."""
        if not good:
            return wished
        try:
            known = (self._host.base, self._sync, self._repository)
            loaded = revisions.read(*known, good, followed=False)
        except (UnusableError, DamagedError, Fault):
            return wished
        base = self._host.base
        before = {one.ref: one.digest for one in loading.wished(base.paths, base.database, loaded)}
        return tuple(item for item in wished if before.get(item.ref) != item.digest)

    def _reaching(self, wished: tuple[Wished, ...], status: SyncStatus, revision: str) -> Report:
        """Converge, again and again while only time can help and there is some left."""
        deadline = time.monotonic() + self._host.base.start_seconds
        pause = FIRST_PAUSE
        while True:
            report = self.converge(
                wished,
                granted=revision == status.approved,
                whole=decide.may_go_back(self._sync.spec, status, revision),
                piecemeal=revision == status.good,
            )
            interrupts.check(f"Sync/{self._name}")
            helpless = [one for one in report.failed if not isinstance(one.fault, Retry)]
            if helpless or not report.failed or time.monotonic() + pause > deadline:
                return report
            interrupts.sleep(pause, f"Sync/{self._name}")
            self._host.base.overtaken()
            pause = min(2 * pause, LONGEST_PAUSE)

    def converge(
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
            elsewhere=self.elsewhere,
            ready=True,
        )
        self.withheld = ()

        def consent(gone: Collection[Ref], owned: int) -> bool:
            why = decide.asks(gone, owned, len(wished), self._sync.spec.prune_limit)
            self.why = "" if granted else why
            self.withheld = tuple(gone) if self.why else ()
            return not self.why

        if not going:
            return self._target.converge(wished, options, consent)
        self.departed = going
        departing.note(self._host.base, self._name, going)
        # Nor does a pass of one of them bring anything back meanwhile.
        with locks.held(self._host.base.paths, map(decide.lock, going)):
            report = self._target.converge(wished, options, consent)
            if not (self.withheld or report.failed):
                targets.take_away(self._host, going)
            self.departed = departing.forget(self._host.base, going)
        return report
