"""The passes that the agent has done: one of a Sync, one that mends. A fault ends neither loop.

Each makes its own view of the host, as a command does: nothing is kept between passes.
"""

from __future__ import annotations

import traceback

from manifests.faults import Fault
from reconciler import cycle
from reconciler.agent.wakes import Mended
from reconciler.syncs import declared
from reconciler.syncs.reconcile import Follower
from runtime.interrupts import Interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from manifests.sync import Sync
    from reconciler.execute.run import Outcome
    from reconciler.syncs.passed import Pass
    from reconciler.targets.host.host import Host

    T = TypeVar("T")


class Passes:
    """`host` makes a new view of the host; what happens is told to the other three."""

    def __init__(
        self,
        host: Callable[[], Host],
        notify: Callable[[Outcome], None],
        ended: Callable[[str, Pass], None],
        say: Callable[[str], None],
    ) -> None:
        self._host = host
        self._notify = notify
        self._ended = ended
        self._say = say
        self._problems: tuple[str, ...] = ()
        self._syncs: tuple[Sync, ...] = ()

    def syncs(self) -> tuple[Sync, ...]:
        """Return the Syncs of this host; what is wrong with their files is said once.

        Where they cannot be read now, they are those of the last time.
        """
        try:
            base = self._host().base
            found = declared.read(base.paths, base.database)
        except Fault as fault:
            self._say(f"Syncs cannot be read: {fault}")
            return self._syncs
        for problem in found.problems:
            if problem not in self._problems:
                self._say(problem)
        self._problems = found.problems
        self._syncs = tuple(one.sync for one in found.syncs)
        return self._syncs

    def follow(self, name: str) -> tuple[str, ...]:
        """Do a pass of a Sync; return those that depend on it, where it has become ready."""
        return self._tried(f"Sync/{name}", lambda: self._follow(name)) or ()

    def _follow(self, name: str) -> tuple[str, ...]:
        host = self._host()
        found = declared.read(host.base.paths, host.base.database)
        ready = declared.readiness(found, host.base.database)
        if name not in ready:
            return ()
        passed = Follower(host, found.named(name).sync, ready, self._notify).reconcile()
        self._ended(name, passed)
        if not passed.outcome.ready or ready[name]:
            return ()
        return tuple(
            one.sync.metadata.name
            for one in found.syncs
            if name in [other.name for other in one.sync.spec.depends_on]
        )

    def mend(self) -> Mended:
        """Put right what drifted, of all that is remembered, and tell what came of it.

        Where objects wait for others, or old pods for new ones, it is to be done again before long.
        """
        about = "drift could not be mended"
        report = self._tried(about, lambda: cycle.mend(self._host(), self._notify))
        if report is None or report.failed:
            return Mended.STUCK
        if not (report.held or report.rolling):
            return Mended.WELL
        return Mended.MOVING if report.outcomes else Mended.STUCK

    def schedules(self) -> float | None:
        """Start what is due of CronJobs; return when more is, in seconds since the epoch."""
        from reconciler import scheduling

        about = "Jobs of CronJobs could not be started"
        begun = self._tried(about, lambda: scheduling.run_due(self._host(), notify=self._notify))
        return begun.next_at if begun is not None else None

    def _tried(self, about: str, action: Callable[[], T]) -> T | None:
        """Return what `action` returns; None where it failed, which is said, or was interrupted."""
        try:
            return action()
        except Interrupted:
            return None
        except Fault as fault:
            self._say(f"{about}: {fault}")
        except Exception:  # noqa: BLE001 - a defect in one pass must not end the others
            self._say(f"{about}: {traceback.format_exc()}")
        return None
