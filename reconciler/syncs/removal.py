"""Follow Syncs no more: remove what they have brought, unless it is to stay, and forget them.

Called by `podpy sync rm` and `podpy delete`. A Sync that says `prune: false` leaves what it has
brought; Syncs among that which goes go with what they have brought in turn.
"""

from __future__ import annotations

from manifests.ref import Ref
from manifests.sync import Sync
from manifests.value import EMPTY, Value
from reconciler import removing
from reconciler.plan.change import Plan
from reconciler.report import Report
from reconciler.state import objects
from reconciler.syncs import decide, declared, departing
from reconciler.targets.quadlet import leaving, records
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from manifests.kinds import Object
    from reconciler.execute.run import Outcome
    from reconciler.state.objects import Applied
    from reconciler.targets.host.base import Base
    from reconciler.targets.host.host import Host


class Going(Value):
    """`syncs` are followed no more; what they have brought goes, but for those in `keeping`."""

    syncs: tuple[str, ...] = ()
    keeping: tuple[str, ...] = ()

    def __add__(self, other: Going) -> Going:
        return Going(syncs=self.syncs + other.syncs, keeping=self.keeping + other.keeping)


def find(base: Base, sync: Sync, *, keep: bool) -> Going:
    """Return what goes with a Sync; with `keep` nothing of what it has brought does."""
    name = sync.metadata.name
    if keep or not sync.spec.prune:
        return Going(syncs=(name,), keeping=(name,))
    filed = declared.filed(declared.read(base.paths, base.database), base.paths)
    with_it = departing.find(objects.read(base.database, kind="Sync"), name, (), (), filed)
    return Going(syncs=(*with_it.syncs, name))


def brought(base: Base, going: Going) -> tuple[Applied, ...]:
    """Return what is to be removed: all that these Syncs have on the host and that is not kept."""
    return _rows(base, [name for name in going.syncs if name not in going.keeping])


def _rows(base: Base, names: Iterable[str]) -> tuple[Applied, ...]:
    sets = decide.applysets(names)
    return tuple(item for one in sorted(sets) for item in objects.read(base.database, applyset=one))


def remove(
    host: Host,
    going: Going,
    *,
    others: Mapping[Ref, Object] = EMPTY,
    data: bool = False,
    notify: Callable[[Outcome], None],
    undeclare: Callable[[], object],
) -> Report:
    """Remove what goes with Syncs, and `others` beside; claims keep their data, unless `data`.

    What stays is as if it had been applied by hand. Where something could not be removed, the
    report says so, and the Syncs are still known. `undeclare` removes their files: a pass that
    waits for this removal finds none, and brings nothing back.
    """
    base = host.base
    with locks.held(base.paths, [decide.lock(one) for one in dict.fromkeys(going.syncs)]):
        rows = brought(base, going)
        # The Syncs themselves, those that they brought too, go last: killed before that, the
        # command is given again, and finds what belongs to them.
        every = {**{row.ref: row.object() for row in rows}, **others}
        last = {ref: thing for ref, thing in every.items() if ref.kind == "Sync"}
        first = {ref: thing for ref, thing in every.items() if ref not in last}
        report = _of_units(host, going, first, notify)
        if not report.failed:
            left = _still(base, first, rows)
            report = _both(report, _removed(host, left, notify, data=data))
        if report.failed:
            return report
        _keep(base, going)
        for name in going.syncs:
            departing.erase(base, name)
        own = (objects.find(base.database, Ref(kind="Sync", name=name)) for name in going.syncs)
        last |= {row.ref: row.object() for row in own if row is not None}
        after = _removed(host, last, notify)
        undeclare()
    return _both(report, after)


def _both(one: Report, other: Report) -> Report:
    """Return one report of what two have done."""
    plan = one.plan.replace(changes=(*one.plan.changes, *other.plan.changes))
    return one.replace(plan=plan, outcomes=(*one.outcomes, *other.outcomes))


def _of_units(
    host: Host,
    going: Going,
    things: Mapping[Ref, Object],
    notify: Callable[[Outcome], None],
) -> Report:
    """Take away what systemd runs for Syncs that go."""
    report = Report(plan=Plan(changes=()))
    for name, record in records.every(host.base.paths):
        if name in going.syncs and name not in going.keeping:
            own = {ref: things[ref] for ref in record.objects if ref in things}
            report = _both(report, leaving.remove(host, name, own, notify))
    return report


def _still(
    base: Base, things: Mapping[Ref, Object], rows: Iterable[Applied]
) -> Mapping[Ref, Object]:
    """Return what of these systemd has not run: that is gone, and forgotten."""
    gone = {row.ref for row in rows} - objects.refs(base.database)
    return {ref: thing for ref, thing in things.items() if ref not in gone}


def _keep(base: Base, going: Going) -> None:
    """Let what stays be as if it had been applied by hand; units are nobody's then."""
    units = {name: one for name, one in records.every(base.paths) if name in going.keeping}
    theirs = {ref for record in units.values() for ref in record.objects}
    rows = (row for row in _rows(base, going.keeping) if row.ref not in theirs)
    objects.put_back(base.database, [row.replace(applyset="") for row in rows])
    objects.forget(base.database, theirs)
    for name in units:
        leaving.let_go(base.paths, name)


def _removed(
    host: Host,
    things: Mapping[Ref, Object],
    notify: Callable[[Outcome], None],
    *,
    data: bool = False,
) -> Report:
    if not things:
        return Report(plan=Plan(changes=()))
    return removing.remove(host, things, data=data, notify=notify)
