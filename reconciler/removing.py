"""One pass that only removes: objects in, their pods and they themselves gone.

What reconciler.cycle does with a wish is much more, and is not imported for this.
"""

from __future__ import annotations

from reconciler import history
from reconciler.execute import run as execute
from reconciler.plan import removal, supervised
from reconciler.plan.change import Plan, Reason
from reconciler.report import Report
from reconciler.targets.quadlet import leaving
from runtime import interrupts, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from manifests.kinds import Object
    from manifests.observed import PodState
    from manifests.ref import Ref
    from reconciler.execute.run import Outcome
    from reconciler.targets.host.host import Host


def plan(host: Host, things: Mapping[Ref, Object], *, data: bool = False) -> Plan:
    """Return the plan for removing these objects. Changes nothing."""
    return _planned(host, things, host.pods(), data=data)


def remove(
    host: Host,
    things: Mapping[Ref, Object],
    *,
    data: bool = False,
    notify: Callable[[Outcome], None] = lambda _outcome: None,
) -> Report:
    """Remove these objects with their pods, and forget them; with `data` claims lose theirs."""
    with interrupts.noticed(), locks.held(host.base.paths, [str(ref) for ref in things]):
        host.sweep()
        states = host.pods()
        planned = _planned(host, things, states, data=data)
        outcomes = execute.run(planned, host, states, notify)
        history.note(host.base.database, outcomes)
        history.forget(host.base, outcomes)
        # What a reboot has left of their pods has no record.
        host.sweep()
    report = Report(plan=planned, outcomes=outcomes)
    if any(ref.kind == "CronJob" for ref in things):
        from reconciler import scheduling

        scheduling.after_pass(host, report, ())
    return report


def _planned(
    host: Host, things: Mapping[Ref, Object], states: Iterable[PodState], *, data: bool
) -> Plan:
    states = tuple(states)
    supervised.refuse_removal(things, states)
    leaving.refuse(host.base.paths, things)
    reason = Reason(text="asked for")
    return Plan(changes=removal.remove(dict(things), states, reason, data=data))
