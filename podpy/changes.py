"""Word plans and outcomes for people and for programs."""

from __future__ import annotations

import sys

from manifests.meta import DEFAULT_NAMESPACE as DEFAULT
from podpy import names
from reconciler.plan.change import Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from manifests.ref import Ref
    from reconciler.execute.run import Outcome
    from reconciler.plan.change import Change, Plan
    from reconciler.plan.wish import Wished
    from reconciler.report import Report
    from reconciler.targets.host.host import Host
    from runtime.paths import Paths

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

ASKED = "asked for"
"""The reason of what `delete` removes: nobody has to be told."""


def count(number: int, thing: str) -> str:
    """Return `1 object`, `2 objects`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def nothing_done(objects: int) -> str:
    """Say that all objects were found as they are wanted."""
    if not objects:
        return "nothing to do: podpy runs no object of these kinds yet"
    return f"unchanged: {count(objects, 'object')} as wanted, nothing was done"


def show_plan(plan: Plan, *, kept: bool = True) -> None:
    """Print every change with its effect and reasons, and a line that counts them.

    `kept`: what is no longer in the source and stays all the same, too.
    """
    todo = plan.effective()
    for change in todo:
        effect = f"  [{change.effect}]" if change.effect != "none" else ""
        print(f"{SIGNS[change.op]:>3} {change.ref}  {change.op}{effect}")
        for reason in change.reasons:
            print(f"      {reason}")
        if change.after:
            print(f"      {waits(change)}")
    for ref in plan.kept_back if kept else ():
        print(f"    {ref}  {staying(plan, ref)}")
    for one in plan.elsewhere:
        print(f"    {one.ref}  is not for this host: {one.reason}")
    print(summary(todo) if todo else "nothing to change")


def staying(plan: Plan, ref: Ref) -> str:
    """Say of an object that was applied from these sources why pruning would remove it."""
    there = any(one.ref == ref for one in plan.elsewhere)
    what = "not for this host any more" if there else "no longer in the source"
    return f"is {what} and stays (--prune removes it)"


def waits(change: Change) -> str:
    """Say what the change waits for."""
    names = ", ".join(map(str, change.after))
    return f"when {names} {'is' if len(change.after) == 1 else 'are'} healthy"


def summary(changes: Iterable[Change]) -> str:
    counts: dict[Op, int] = {}
    for change in changes:
        counts[change.op] = counts.get(change.op, 0) + 1
    return ", ".join(f"{count} to {op}" for op, count in counts.items())


def show_outcome(outcome: Outcome) -> None:
    """Print one line as soon as a change is done."""
    change = outcome.change
    if outcome.fault is not None:
        what = str(outcome.fault).removeprefix(f"{change.ref}: ")
        print(f"{_named(change.ref)} failed: {what}", file=sys.stderr, flush=True)
        return
    told = change.reasons and change.op is not Op.CREATE and str(change.reasons[0]) != ASKED
    why = f" ({change.reasons[0]})" if told else ""
    print(f"{_worded(change.ref, DONE[change.op])}{why}", flush=True)


def show_unchanged(plan: Plan) -> None:
    """Print a line for each object that is as it should be."""
    for ref in unchanged(plan):
        print(_worded(ref, DONE[Op.KEEP]))


def unchanged(plan: Plan) -> list[Ref]:
    """Return the objects that are as they should be; the pods of workloads are not told of."""
    return [
        change.ref
        for change in plan.changes
        if change.op is Op.KEEP and change.of in (None, change.ref)
    ]


def show_substitute(host: Host) -> None:
    """Say so where containers were not run by crun, or have not the limits that they ask for."""
    if host.base.substitute:
        print(f"containers: {host.base.substitute}", file=sys.stderr)
    if host.base.unlimited:
        names = ", ".join(sorted(host.base.unlimited))
        text = "run without their limits, as this user has no control groups (see podpy doctor)"
        print(f"Warning: {names}: {text}", file=sys.stderr)


def tell_of_schedules(paths: Paths, wished: Iterable[Wished]) -> None:
    """Say so where CronJobs were applied and nobody starts their Jobs."""
    things = [item.object for item in wished if item.ref.kind == "CronJob"]
    if not things:
        return
    from podpy import cron_jobs

    told = cron_jobs.unattended(paths, things)
    for thing in things if told else ():
        print(f"Warning: CronJob/{thing.metadata.name}: {told}", file=sys.stderr)


def show_dry(refs: Iterable[Ref]) -> None:
    """Print what a deletion would remove."""
    for ref in refs:
        print(_worded(ref, f"{DONE[Op.DELETE]} (dry run)"))


def _worded(ref: Ref, done: str) -> str:
    """As kubectl words it: pod/web created; with the namespace where it is another."""
    place = f" in namespace {ref.namespace}" if ref.namespace not in ("", DEFAULT) else ""
    return f"{_named(ref)} {done}{place}"


def _named(ref: Ref) -> str:
    return names.full(names.kind(ref.kind), ref.name)


def show_restored(outcome: Outcome) -> None:
    """Say what became of a pod that was to come back for one whose change failed."""
    ref, fault = outcome.change.ref, outcome.fault
    done = f"not brought back: {fault}" if fault else "brought back: it ran before"
    print(_worded(ref, done), file=sys.stderr)


def show_name(outcome: Outcome) -> None:
    """Print only the name of what was changed, as kubectl's -o name."""
    if outcome.fault is not None:
        show_outcome(outcome)
        return
    print(_named(outcome.change.ref), flush=True)


def show_names(refs: Iterable[Ref]) -> None:
    """Print the names of objects, as kubectl's -o name."""
    for ref in refs:
        print(_named(ref))


def plan_json(plan: Plan) -> str:
    import json

    return json.dumps(
        {
            "changes": [_change(change) for change in plan.changes],
            "keptBack": [str(ref) for ref in plan.kept_back],
            "elsewhere": [{"object": str(one.ref), "reason": one.reason} for one in plan.elsewhere],
        },
        indent=2,
    )


def report_json(report: Report) -> str:
    import json

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
        **({"after": [str(ref) for ref in change.after]} if change.after else {}),
    }


def _fault(fault: Exception | None) -> dict[str, str]:
    return {"error": str(fault)} if fault is not None else {}
