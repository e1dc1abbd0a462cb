"""Let objects begin in their order: what a pass holds back, and the wait between its turns.

A pass with an order among its objects is one cycle after another (reconciler.cycle.converge): each
does what may be done now. In between, no lock is held, so that Jobs go on; nothing is kept but in
memory: killed, the next pass finds what is healthy and goes on from there.
"""

from __future__ import annotations

import time

from manifests.faults import Fault, Retry, TimedOut
from manifests.value import EMPTY
from reconciler.execute.run import object_of
from reconciler.health import readying
from reconciler.plan import order
from reconciler.state import objects, results
from reconciler.workloads.ownership import belongs_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from manifests.observed import PodState
    from manifests.ref import Ref
    from reconciler.cycle import Turn
    from reconciler.execute.run import Run
    from reconciler.health.assess import Assessment
    from reconciler.plan.change import Change, Plan
    from reconciler.plan.wish import Wish, Wished
    from reconciler.state.database import Database
    from reconciler.targets.host.host import Host
    from reconciler.workloads.jobs import Progress

    Waiting = Mapping[Ref, tuple[Ref, ...]]


def only(changes: Iterable[Change], refs: Collection[Ref]) -> tuple[Change, ...]:
    """Return the changes of these objects."""
    return tuple(change for change in changes if object_of(change) in refs)


def in_order(
    database: Database,
    wish: Wish,
    plan: Plan,
    states: Sequence[PodState],
    remembered: Mapping[Ref, Progress],
) -> Plan:
    """Return the plan with what its changes wait for.

    What starts no pods waits for nothing; nobody waits for what is on other hosts.
    """
    if not plan.effective() or not order.ordered(item.object for item in wish.objects):
        return plan
    away = {one.ref for one in wish.elsewhere}
    places = {
        item.ref: order.place(item.object, wish.applyset or _set_of(item.ref, wish))
        for item in wish.objects
    }
    for ref, one in places.items():
        if not away.isdisjoint(one.depends_on):
            left = tuple(other for other in one.depends_on if other not in away)
            places[ref] = one.replace(depends_on=left)
    health = _health(database, wish.objects, states, remembered)
    return plan.replace(changes=order.hold(plan.changes, places, health))


def _set_of(ref: Ref, wish: Wish) -> str:
    known = wish.remembered.get(ref)
    return known.applyset if known is not None else ""


def _health(
    database: Database,
    wished: Iterable[Wished],
    states: Sequence[PodState],
    remembered: Mapping[Ref, Progress],
) -> Callable[[Ref], Assessment]:
    """Return what tells how an object is now: a wished one, or one of an earlier pass."""
    from reconciler.health import assess

    things = {item.ref: item.object for item in wished}
    now = time.time()

    def health(ref: Ref) -> Assessment:
        thing = things.get(ref)
        if thing is None:
            applied = objects.find(database, ref)
            if applied is None:
                return assess.Assessment(health=assess.Health.MISSING, why="it is not declared")
            thing = applied.object()
        return assess.assess(thing, states, now, remembered)

    return health


def waiting(turn: Turn) -> Waiting:
    """Return the objects that are still to begin, each with those that it waits for."""
    if turn.report.refused or turn.report.rolled_back:
        return EMPTY
    failed = {object_of(change) for change in turn.run.held if change.ref in turn.run.failed}
    return {
        object_of(change): change.after
        for change in turn.run.held
        if object_of(change) not in failed
    }


def wait(
    host: Host, wished: Sequence[Wished], turn: Turn, waits: Waiting, deadline: float
) -> dict[Ref, Fault]:
    """Return as soon as one of the objects may begin, or never will.

    Those that never will are returned, with the fault: what they wait for has failed, or is not
    healthy at `deadline` (of the monotonic clock).
    """
    failed = {object_of(one.change): one.fault for one in turn.run.outcomes if one.fault}
    awaited = {ref for after in waits.values() for ref in after}

    def look() -> tuple[dict[Ref, Fault] | None, list[str]]:
        now = results.read_jobs(host.base.database)
        states = host.pods()
        health = _health(host.base.database, wished, states, now)
        told = {ref: health(ref) for ref in awaited}
        late = time.monotonic() >= deadline
        given_up = {}
        for ref, after in waits.items():
            fault = _hopeless(ref, after, failed, told, late, host.base.start_seconds)
            if fault is not None:
                given_up[ref] = fault
        free = any(all(told[one].healthy for one in after) for after in waits.values())
        uids = [one.uid for one in states if belongs_to(one) in awaited]
        return given_up if given_up or free else None, uids

    return readying.until_told(host.base, waits, look)


def _hopeless(
    ref: Ref,
    after: Sequence[Ref],
    failed: Mapping[Ref, Fault | None],
    told: Mapping[Ref, Assessment],
    late: bool,
    seconds: float,
) -> Fault | None:
    """Return why an object is not to begin, None while there is hope."""
    for one in after:
        seen = told[one]
        if one in failed:
            lasting = Retry if isinstance(failed[one], Retry) else Fault
            return lasting(f"{ref}: waits for {one}, which failed")
        if seen.healthy:
            continue
        look = f"podpy describe {one.kind.lower()} {one.name}"
        if seen.final:
            return Fault(f"{ref}: waits for {one}, which has failed: {seen.why}", hint=look)
        if late:
            what = f"{ref}: waits for {one}, which is not healthy after {seconds:g} s"
            return TimedOut(f"{what}: {seen.why}", hint=look)
    return None


def give_up(run: Run, faults: Mapping[Ref, Fault]) -> None:
    """Fail the changes of the objects that are not to begin."""
    for change in run.held:
        fault = faults.get(object_of(change))
        if fault is not None and change.pod is not None:
            run.ended(change, time.monotonic(), fault)
