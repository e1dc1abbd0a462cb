"""Record what came of changes: an event for each of them, and what is gone is forgotten.

Called by reconciler.cycle and reconciler.removing at the end of a pass.
"""

from __future__ import annotations

import time

from manifests.faults import HostFault, Unfit
from manifests.ref import Ref
from reconciler import pending
from reconciler.plan.change import Op
from reconciler.state import events, objects
from reconciler.state.events import Event, EventType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from manifests.faults import Fault
    from reconciler.execute.run import Outcome
    from reconciler.plan.change import Change, Plan
    from reconciler.state.database import Database
    from reconciler.targets.host.base import Base

_REASONS = {
    Op.CREATE: "Created",
    Op.UPDATE: "Updated",
    Op.REPLACE: "Replaced",
    Op.REPAIR: "Repaired",
    Op.DELETE: "Deleted",
    Op.KEEP: "Kept",
}


def note(database: Database, outcomes: Sequence[Outcome]) -> None:
    """Record an event for each change, with its reasons or with why it failed."""
    happened = [_event(outcome.change, outcome.fault) for outcome in outcomes]
    if happened:
        events.record(database, happened, time.time())


def _event(change: Change, fault: Fault | None) -> Event:
    if fault is not None:
        reason = fault.reason or "Failed"
        return Event(ref=change.ref, reason=reason, message=str(fault), type=EventType.WARNING)
    why = "; ".join(str(reason) for reason in change.reasons)
    return Event(ref=change.ref, reason=_REASONS[change.op], message=why)


def note_unfit(database: Database, plan: Plan, fault: Unfit) -> None:
    """Record for each object with pods to make why this host can make none: nothing was done."""
    made = [change for change in plan.effective() if change.pod is not None]
    refs = dict.fromkeys(change.of or change.ref for change in made)
    happened = [
        Event(ref=ref, reason=fault.reason, message=fault.words, type=EventType.WARNING)
        for ref in refs
    ]
    try:
        events.record(database, happened, time.time())
    except HostFault as other:  # Most likely for the same reason, of which the caller tells.
        raise Unfit((*fault.faults, other)) from fault


def note_sync(database: Database, name: str, reason: str, message: str) -> None:
    """Record a warning about a Sync."""
    ref = Ref(kind="Sync", name=name)
    event = Event(ref=ref, reason=reason, message=message, type=EventType.WARNING)
    events.record(database, [event], time.time())


def forget(base: Base, outcomes: Iterable[Outcome]) -> None:
    """Forget the objects that are gone. A removed claim keeps its data unless asked otherwise."""
    gone = [
        outcome.change.ref
        for outcome in outcomes
        if outcome.change.op is Op.DELETE and outcome.fault is None
    ]
    # What is not remembered any more is never looked for again: content goes first.
    for ref in gone:
        if ref.kind == "Secret":
            from reconciler.state import secrets

            secrets.remove(base.paths, ref)
    pending.forget(base.paths, gone)
    # A pod of a workload is no object of its own; forgetting it does nothing.
    objects.forget(base.database, gone)
