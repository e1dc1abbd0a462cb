"""Word plans and outcomes for people and for programs."""

from __future__ import annotations

import json
import sys

from reconciler.plan.change import Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from reconciler.cycle import Report
    from reconciler.execute.run import Outcome
    from reconciler.plan.change import Change, Plan

SIGNS = {
    Op.CREATE: "+",
    Op.UPDATE: "~",
    Op.REPLACE: "-/+",
    Op.REPAIR: "!",
    Op.DELETE: "-",
    Op.KEEP: "=",
}
DONE = {
    Op.CREATE: "created",
    Op.UPDATE: "configured",
    Op.REPLACE: "replaced",
    Op.REPAIR: "repaired",
    Op.DELETE: "deleted",
    Op.KEEP: "unchanged",
}


def show_plan(plan: Plan) -> None:
    """Print every change with its effect and reasons, and a line that counts them."""
    todo = plan.effective()
    for change in todo:
        effect = f"  [{change.effect}]" if change.effect != "none" else ""
        print(f"{SIGNS[change.op]:>3} {change.ref}  {change.op}{effect}")
        for reason in change.reasons:
            print(f"      {reason}")
    for ref in plan.kept_back:
        print(f"    {ref}  is no longer in the source and stays (--prune removes it)")
    print(summary(todo) if todo else "nothing to change")


def summary(changes: Iterable[Change]) -> str:
    counts: dict[Op, int] = {}
    for change in changes:
        counts[change.op] = counts.get(change.op, 0) + 1
    return ", ".join(f"{count} to {op}" for op, count in counts.items())


def show_outcome(outcome: Outcome) -> None:
    """Print one line as soon as a change is done."""
    change = outcome.change
    if outcome.fault is not None:
        print(f"{change.ref} failed: {outcome.fault}", file=sys.stderr, flush=True)
        return
    why = f" ({change.reasons[0]})" if change.reasons and change.op is not Op.CREATE else ""
    print(f"{change.ref} {DONE[change.op]}{why}", flush=True)


def show_restored(outcome: Outcome) -> None:
    """Print what became of a pod that was to come back for one whose change failed."""
    if outcome.fault is not None:
        print(f"{outcome.change.ref} not brought back: {outcome.fault}", file=sys.stderr)
    else:
        print(f"{outcome.change.ref} brought back: it ran before")


def plan_json(plan: Plan) -> str:
    return json.dumps(
        {
            "changes": [_change(change) for change in plan.changes],
            "keptBack": [str(ref) for ref in plan.kept_back],
        },
        indent=2,
    )


def report_json(report: Report) -> str:
    faults = {outcome.change.ref: outcome.fault for outcome in report.outcomes if outcome.fault}
    return json.dumps(
        {
            "changes": [
                {**_change(change), **_fault(faults.get(change.ref))}
                for change in report.plan.changes
            ],
            "rolledBack": report.rolled_back,
            "restored": [
                {**_change(outcome.change), **_fault(outcome.fault)} for outcome in report.restored
            ],
        },
        indent=2,
    )


def _change(change: Change) -> dict[str, Any]:
    return {
        "op": change.op.value,
        "kind": change.ref.kind,
        "namespace": change.ref.namespace,
        "name": change.ref.name,
        "effect": change.effect.value,
        "reasons": [str(reason) for reason in change.reasons],
    }


def _fault(fault: Exception | None) -> dict[str, str]:
    return {"error": str(fault)} if fault is not None else {}
