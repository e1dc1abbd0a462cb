"""What a pass of a Sync came to: what reconciler.syncs.reconcile answers to commands and agents."""

from __future__ import annotations

import time

from manifests.value import Value
from reconciler.syncs import decide
from reconciler.syncs.status import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.loaded import Elsewhere
    from manifests.problems import Problem
    from manifests.ref import Ref
    from reconciler.report import Report
    from reconciler.syncs.status import SyncStatus


class Pass(Value):
    """What a pass came to: its outcome with the reason, the revision followed, and the report.

    `elsewhere` are objects of it that are for other hosts. `bad` is the revision that failed and is
    not to be tried again, `put_off` one that this host has failed, and that is tried again later.
    """

    outcome: Outcome
    message: str = ""
    revision: str = ""
    report: Report | None = None
    problems: tuple[Problem, ...] = ()
    withheld: tuple[Ref, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    bad: str = ""
    put_off: str = ""

    def attempts(self, before: SyncStatus) -> dict[str, Any]:
        """What is remembered of a revision that this host has failed."""
        if self.put_off:
            attempts = before.attempts + 1 if self.put_off == before.put_off else 1
            until = time.time() + decide.rest(attempts)
            return {"put_off": self.put_off, "put_off_until": until, "attempts": attempts}
        return {"put_off": "", "attempts": 0} if self.outcome.ready else {}
