"""Take rollouts from step to step, until their new pods are available or make no progress any more.

Called by reconciler.cycle between turns of a pass, with no lock held. What a step is decides
reconciler.workloads.rollout. Nothing is kept: killed, the next pass finds old and new pods, and
goes on from there.
"""

from __future__ import annotations

import time

from manifests import kinds
from manifests.faults import Fault
from manifests.value import EMPTY
from reconciler.execute.run import object_of
from reconciler.health import readying
from reconciler.plan.change import Change, Op
from reconciler.state import objects
from reconciler.workloads.expand import Manner, expand
from reconciler.workloads.ownership import owner_of
from reconciler.workloads.rollout import DEADLINE_EXCEEDED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from manifests.kinds import Object
    from manifests.observed import PodState
    from manifests.ref import Ref
    from reconciler.cycle import Turn
    from reconciler.plan.wish import Wished
    from reconciler.state.database import Database
    from reconciler.targets.host.host import Host
    from reconciler.workloads.rollout import Step


def shared(database: Database, wished: Sequence[Wished]) -> Callable[[Ref], bool]:
    """Return what tells of a claim whether several pods are meant to write into it."""
    here = {item.ref: item.object for item in wished}

    def many(claim: Ref) -> bool:
        thing = here.get(claim)
        if thing is None:
            applied = objects.find(database, claim)
            thing = applied.object() if applied is not None else None
        return thing is not None and "ReadWriteMany" in thing.spec.access_modes  # type: ignore[union-attr]

    return many


def under_way(turn: Turn) -> Mapping[Ref, Step]:
    """Return the rollouts that a turn has left unfinished, but for those that have failed."""
    if turn.report.refused or turn.report.rolled_back:
        return EMPTY
    failed = {object_of(one.change) for one in turn.run.outcomes if one.fault is not None}
    failed.update(object_of(change) for change in turn.run.held)
    return {
        ref: step
        for ref, step in turn.seen.expansion.rollouts.items()
        if step.waits_for and ref not in failed
    }


def wait(
    host: Host, wished: Sequence[Wished], followed: Collection[Ref], patience: float
) -> dict[Ref, Fault]:
    """Return when a step of one of the rollouts is due; those that are given up, with the fault.

    A rollout is given up when it makes no progress for progressDeadlineSeconds, or for `patience`
    seconds beyond its minReadySeconds.
    """
    things = {item.ref: item.object for item in wished if item.ref in followed}
    manner = Manner(shared=shared(host.base.database, wished), followed=frozenset(followed))
    began = time.monotonic()

    def look() -> tuple[dict[Ref, Fault] | None, list[str]]:
        states = [one for one in host.pods() if owner_of(one) in things]
        waited = time.monotonic() - began
        given_up = {}
        for ref, thing in things.items():
            due, step = _look(thing, states, manner)
            if due:
                return {}, []
            limit = patience + thing.spec.min_ready_seconds  # type: ignore[union-attr]
            if step.overdue or waited >= limit:
                given_up[ref] = _stuck(thing, step, states, waited)
        return given_up or None, [state.uid for state in states]

    return readying.until_told(host.base, things, look)


def _look(thing: Object, states: Sequence[PodState], manner: Manner) -> tuple[bool, Step]:
    """Tell whether a pass has something to do for the workload, and how far its rollout is."""
    ref = kinds.ref(thing)
    found = expand([thing], states, time.time(), manner=manner)
    step = found.rollouts[ref]
    wanted = {pod.uid for pod in found.pods}
    here = {state.uid for state in states if owner_of(state) == ref and not state.record.deleting}
    return wanted != here or not step.waits_for, step


def _stuck(thing: Object, step: Step, states: Sequence[PodState], waited: float) -> Fault:
    """Say what keeps a rollout from going on."""
    from reconciler.health import assess

    ref = kinds.ref(thing)
    why = assess.assess(thing, states, time.time()).why
    limit = (
        f"{thing.spec.progress_deadline_seconds} s (progressDeadlineSeconds)"  # type: ignore[union-attr]
        if step.overdue
        else f"{waited:.0f} s"
    )
    told = f"{ref}: its rollout has made no progress for {limit}: {step.waits_for}"
    return Fault(
        f"{told}: {why}" if why else told,
        hint=f"podpy describe {ref.kind.lower()} {ref.name}; the next pass goes on with it",
        reason=DEADLINE_EXCEEDED,
    )


def give_up(turn: Turn, faults: Mapping[Ref, Fault]) -> Turn:
    """Return the turn with these rollouts failed."""
    run = turn.run
    for ref, fault in faults.items():
        run.ended(Change(op=Op.UPDATE, ref=ref), time.monotonic(), fault)
    return turn.replace(report=turn.report.replace(outcomes=tuple(run.outcomes)))
