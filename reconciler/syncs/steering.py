"""What people tell a Sync: suspend, resume, approve, retry, go back. The next pass acts on it.

It is written down at once, also while a pass is under way: that keeps it when it records its own
end (decide.recorded).
"""

from __future__ import annotations

import contextlib

from manifests import digests
from manifests.faults import Invalid
from reconciler.source import source
from reconciler.state import syncs
from reconciler.syncs import decide
from reconciler.syncs.status import Outcome, SyncStatus
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.state.database import Database
    from runtime.paths import Paths


class Steering:
    """One Sync's status, to be changed under the status's own lock."""

    def __init__(self, paths: Paths, database: Database, name: str) -> None:
        self._paths = paths
        self._database = database
        self._name = name

    @contextlib.contextmanager
    def _held(self) -> Iterator[SyncStatus]:
        with locks.held(self._paths, [decide.status_lock(self._name)]):
            yield syncs.read(self._database, self._name)

    def _save(self, status: SyncStatus) -> None:
        syncs.save(self._database, self._name, status)

    def suspend(self, until: float) -> None:
        """Leave the Sync alone, until a time (seconds since the epoch) or, with 0, for good."""
        with self._held() as status:
            self._save(status.replace(suspended=True, suspended_until=until))

    def resume(self) -> None:
        """Follow the source again."""
        with self._held() as status:
            self._save(status.replace(suspended=False, suspended_until=0.0))

    def approve(self) -> tuple[str, ...]:
        """Consent to what the followed revision removes; returns what that is.

        Raises Invalid where nothing waits for consent.
        """
        with self._held() as status:
            if not status.withheld:
                raise Invalid(f"Sync/{self._name}: no removal waits for consent")
            self._save(status.replace(approved=status.applied))
            return status.withheld

    def retry(self) -> tuple[str, ...]:
        """Let revisions be tried again that have failed; returns them."""
        with self._held() as status:
            again = status.replace(bad=(), put_off="", attempts=0, retries=status.retries + 1)
            self._save(again)
            return status.bad

    def go_back(self, to: str) -> str:
        """Make an earlier revision the good one, and the present one bad; returns the former.

        `to` begins a revision's id; with "" it is the last other one that was good. Raises Invalid
        where there is none, or its manifests are not kept any more.
        """
        with self._held() as status:
            now = status.applied
            earlier = [
                line.revision
                for line in syncs.history(self._database, self._name)
                if line.outcome is Outcome.READY and line.revision != now
            ]
            begins = digests.bare(to)
            target = next((one for one in earlier if digests.bare(one).startswith(begins)), "")
            repository = source.repository_of(self._paths, self._name)
            if not target or not repository.commit(target):
                known = ", ".join(dict.fromkeys(map(digests.short, earlier))) or "none"
                raise Invalid(
                    f"Sync/{self._name}: there is no such earlier revision to go back to",
                    hint=f"those that were good: {known}",
                )
            bad = decide.with_bad(status, status.seen)
            bad = tuple(one for one in bad if one != target)
            self._save(status.replace(good=target, bad=bad))
            return target
