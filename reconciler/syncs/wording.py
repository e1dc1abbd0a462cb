"""Say what a pass of a Sync came to: a status or a report in, the words that are remembered out."""

from __future__ import annotations

import time

from manifests import digests
from reconciler.syncs.status import Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reconciler.execute.run import Outcome as ChangeOutcome
    from reconciler.report import Report
    from reconciler.syncs.status import SyncStatus


def put_off(status: SyncStatus, name: str) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(status.put_off_until))
    revision = digests.short(status.put_off)
    said = f"revision {revision} is tried again at {at}, or by: podpy sync retry {name}"
    before = status.message.partition(_AGAIN)[0] if status.outcome is Outcome.FAILED else ""
    return f"{before}{_AGAIN}{said}" if before else said


_AGAIN = "; this host failed it: "


def not_again(revision: str) -> str:
    return f"revision {digests.short(revision)} is not tried again before there is a new one"


def faults(report: Report) -> str:
    return "; ".join(f"{one.change.ref}: {_bare(one)}" for one in report.failed)


def _bare(outcome: ChangeOutcome) -> str:
    return str(outcome.fault).removeprefix(f"{outcome.change.ref}: ")


def worded(report: Report | None) -> tuple[str, ...]:
    if report is None:
        return ()
    return tuple(f"{change.op} {change.ref}" for change in report.plan.effective())
