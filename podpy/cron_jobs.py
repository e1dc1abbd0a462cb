"""Tell of a CronJob: the cells of `get`, the lines of `describe`, the status of -o yaml."""

from __future__ import annotations

from podpy import status, tables
from podpy.describe_pod import moment
from reconciler import scheduling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from manifests.kinds import Object
    from manifests.workloads import CronJob
    from podpy.inventory import Inventory, Item
    from podpy.outline import Node
    from runtime.paths import Paths


def cells(inventory: Inventory, item: Item, thing: CronJob) -> tuple[str, ...]:
    """Return the cells of a CronJob, less those for -o wide."""
    standing = scheduling.standing(inventory.database, item.ref)
    active = [one for one in scheduling.runs(inventory.database, item.ref) if one.active]
    return (
        item.ref.name,
        thing.spec.schedule,
        thing.spec.time_zone or tables.NONE,
        str(thing.spec.suspend),
        str(len(active)),
        tables.since(standing.last, inventory.now) if standing.last else tables.NONE,
        tables.since(item.created_at, inventory.now),
    )


def wire(inventory: Inventory, item: Item) -> dict[str, Any]:
    """Return the status as Kubernetes has it."""
    standing = scheduling.standing(inventory.database, item.ref)
    told: dict[str, Any] = {}
    active = [
        {"apiVersion": "batch/v1", "kind": "Job", "namespace": one.ref.namespace, "name": name}
        for one in scheduling.runs(inventory.database, item.ref)
        if one.active and (name := one.ref.name)
    ]
    if active:
        told["active"] = active
    if standing.last:
        told["lastScheduleTime"] = status.stamp(standing.last)
    return told


def describe(inventory: Inventory, item: Item, thing: CronJob) -> dict[str, Node]:
    """Return what `describe` says of a CronJob beside its name."""
    spec = thing.spec
    standing = scheduling.standing(inventory.database, item.ref)
    made = scheduling.runs(inventory.database, item.ref)
    deadline = spec.starting_deadline_seconds
    return {
        "Schedule": spec.schedule,
        "Time Zone": spec.time_zone or "this host's",
        "Concurrency Policy": spec.concurrency_policy.value,
        "Suspend": str(spec.suspend),
        "Successful Job History Limit": str(spec.successful_jobs_history_limit),
        "Failed Job History Limit": str(spec.failed_jobs_history_limit),
        "Starting Deadline Seconds": "" if deadline is None else str(deadline),
        "Last Schedule Time": moment(standing.last),
        **({"Started By": note} if (note := unattended(inventory.paths, [thing])) else {}),
        "Active Jobs": [one.ref.name for one in made if one.active],
        "Ended Jobs": [one.ref.name for one in made if not one.active],
    }


def unattended(paths: Paths, things: Iterable[Object]) -> str:
    """Return that nobody starts the Jobs of the CronJobs among `things`; "" where there is none."""
    due = [one for one in things if one.kind == "CronJob"]
    return scheduling.NOBODY if due and scheduling.unattended(paths) else ""
