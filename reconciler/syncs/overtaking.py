"""Notice, while a pass waits for health, that its Sync's source has moved on.

    ask        who wants a pass of a Sync leaves a mark, before it waits for its turn
    Lookout    the pass whose turn it is sees that, or that an interval is over, and asks the source

A new revision that can be read ends the wait: a commit that mends another one need not wait for
that to fail. Only waits for objects of the revision itself are cut short, hooks never. The source
is asked in a thread, so that probes go on meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time

from manifests import digests, durations
from manifests.faults import Fault
from reconciler.syncs import decide, revisions
from reconciler.syncs.revisions import UnusableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from manifests.sync import Sync
    from reconciler.source.repository import Repository
    from reconciler.syncs.status import SyncStatus
    from reconciler.targets.host.base import Base
    from runtime.paths import Paths


class OvertakenError(Fault):
    """The source holds another revision by now, which is to be followed instead."""


def ask(paths: Paths, name: str) -> None:
    """Have a pass of the Sync that waits for health look at its source. The mark goes with a
    reboot, as that pass does."""
    os.makedirs(paths.asked, mode=0o700, exist_ok=True)
    with open(f"{paths.asked}/{name}", "w", encoding="utf-8") as file:
        file.write(f"{time.monotonic_ns()}\n")


def asked(paths: Paths, name: str) -> str:
    """Return what tells one mark from the next; "" without any."""
    try:
        with open(f"{paths.asked}/{name}", encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


class Lookout:
    """One pass's, on its way to `following`. `mark` is what `asked` told before the source was
    asked, `fetch` asks it again and returns its revision."""

    def __init__(
        self,
        base: Base,
        sync: Sync,
        repository: Repository,
        status: SyncStatus,
        following: str,
        mark: str,
        fetch: Callable[[], str],
    ) -> None:
        self._base, self._sync, self._repository = base, sync, repository
        self._status, self._following = status, following
        self._mark, self._fetch = mark, fetch
        self._interval = durations.duration(sync.spec.interval)
        self._due = time.monotonic() + self._interval
        self._looking: threading.Thread | None = None
        self._found = ""

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Let waits of the block end with OvertakenError once there is a revision to follow."""
        before, self._base.overtaken = self._base.overtaken, self._look
        try:
            yield
        finally:
            self._base.overtaken = before
            if self._looking is not None:
                self._looking.join()
                self._looking = None

    def _look(self) -> None:
        """Take notice of what the source was found to hold; ask it where somebody wants that."""
        if self._looking is not None and not self._looking.is_alive():
            self._looking.join()
            self._looking = None
            if self._is_news(self._found):
                shown = digests.short(self._found)
                raise OvertakenError(f"{digests.short(self._following)}: overtaken by {shown}")
        if self._looking is None and self._is_wanted():
            self._looking = threading.Thread(target=self._ask_source, name="source")
            self._looking.start()

    def _is_wanted(self) -> bool:
        mark, now = asked(self._base.paths, self._sync.metadata.name), time.monotonic()
        wanted = mark != self._mark or now >= self._due
        if wanted:
            self._mark, self._due = mark, now + self._interval
        return wanted

    def _ask_source(self) -> None:
        # A source that cannot be asked has nothing new to say; the next pass tells of it.
        with contextlib.suppress(Fault):
            self._found = self._fetch()

    def _is_news(self, found: str) -> bool:
        """Tell whether this revision is to be followed, and can be read."""
        followed = decide.revision(found, self._status, time.time()) if found else ""
        if followed in ("", self._following) or followed != found:
            return False
        try:
            revisions.read(self._base, self._sync, self._repository, found, followed=False)
        except (UnusableError, Fault):
            return False
        return True
