"""Take away what a Sync has with systemd, and keep others from doing so: names in, units gone."""

from __future__ import annotations

from manifests.faults import Invalid
from reconciler.targets.quadlet import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from manifests.kinds import Object
    from manifests.ref import Ref
    from reconciler.execute.run import Outcome
    from reconciler.report import Report
    from reconciler.targets.host.host import Host
    from runtime.paths import Paths


def refuse(paths: Paths, refs: Iterable[Ref]) -> None:
    """Raise Invalid where systemd runs one of these objects for a Sync."""
    owners = records.owners(paths)
    theirs = [f"{ref} (Sync {owners[ref]})" for ref in refs if ref in owners]
    if theirs:
        raise Invalid(
            f"systemd runs {', '.join(theirs)}: target: quadlet",
            hint="change it in the Sync's source; podpy sync rm takes all of a Sync away",
        )


def remove(
    host: Host,
    name: str,
    things: Mapping[Ref, Object],
    notify: Callable[[Outcome], None] = lambda _outcome: None,
) -> Report:
    """Stop all units of a Sync, remove its files, and forget its objects, which are `things`.

    Podman's volumes stay. Killed half-way, what is left is still in the Sync's record.
    """
    from reconciler import history
    from reconciler.execute import run as execute
    from reconciler.plan.change import Plan, Reason
    from reconciler.report import Report
    from reconciler.targets.quadlet import changes

    why = Reason(text="asked for")
    plan = Plan(changes=tuple(changes.removal(ref, one, why) for ref, one in things.items()))
    fault = execute.tried(f"Sync/{name}", lambda: take_away(host, name))
    outcomes = tuple(execute.Outcome(change=one, fault=fault) for one in plan.changes)
    for one in outcomes:
        notify(one)
    history.note(host.base.database, outcomes)
    history.forget(host.base, outcomes)
    return Report(plan=plan, outcomes=outcomes)


def take_away(host: Host, name: str) -> None:
    """Stop all units of a Sync, and remove its files. Raises Fault where that cannot be done."""
    from reconciler.targets.quadlet import disk, settling, work
    from reconciler.targets.quadlet.converging import LOCK
    from runtime import locks, systemd_bus

    paths = host.base.paths
    with systemd_bus.connected() as manager, locks.held(paths, [LOCK]):
        record = records.read(paths, name)
        others = records.files_of_others(paths, name)
        own = [one for one in record.files if one not in others]
        settling.stopped(manager, work.leaving(own))
        disk.remove(own)
        manager.reload()
        records.save(paths, name, records.Record())


def let_go(paths: Paths, name: str) -> None:
    """Leave the units of a Sync as they are: from now on they are nobody's."""
    records.save(paths, name, records.Record())
