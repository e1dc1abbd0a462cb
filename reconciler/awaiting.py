"""Wait at the end of a pass until its pods are ready; the report then names those that are not."""

from __future__ import annotations

import time

from manifests import kinds
from manifests.faults import NotReady
from reconciler import history
from reconciler.execute import run as execute
from reconciler.health import readying
from reconciler.plan.change import Op
from runtime import interrupts
from runtime.observe import health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.execute.run import Outcome
    from reconciler.report import Report
    from reconciler.targets.host.host import Host


def readied(host: Host, report: Report, notify: Callable[[Outcome], None]) -> Report:
    """Wait for the pods that are to tell when they are ready; fail the changes of those that are
    not in time, whether this pass has made them or found them so. No lock is held meanwhile."""
    failed = {outcome.change.ref for outcome in report.failed}
    probed = {
        change.ref: change
        for change in report.plan.changes
        if change.pod is not None
        and change.op is not Op.DELETE
        and not failed.intersection((change.ref, change.of))
        and health.has_probes(change.pod.pod)
    }
    if not probed or report.refused or report.rolled_back:
        return report
    began, seconds = time.monotonic(), host.base.start_seconds
    found = {state.uid: kinds.ref(state.pod) for state in host.pods()}
    uids = [uid for uid, ref in found.items() if ref in probed]
    outcomes = []
    with interrupts.noticed():
        for uid, why in readying.until_ready(host.base, uids, seconds).items():
            ref = found[uid]
            fault = NotReady(
                f"{ref}: is not ready after {seconds:g} s: {why}",
                hint=f"podpy describe pod {ref.name}; podpy logs {ref.name}",
            )
            span = time.monotonic() - began
            outcomes.append(execute.Outcome(change=probed[ref], fault=fault, uid=uid, seconds=span))
    for outcome in outcomes:
        notify(outcome)
    history.note(host.base.database, outcomes)
    return report.replace(outcomes=(*report.outcomes, *outcomes))
