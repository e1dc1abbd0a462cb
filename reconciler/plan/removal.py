"""Turn objects that are to go, and the pods on the host, into the changes that remove them. Pure.

Called by reconciler.plan.make for what is pruned, and by reconciler.removing.
"""

from __future__ import annotations

from manifests import kinds, settings
from manifests.config import PersistentVolumeClaim
from manifests.ref import Ref
from manifests.value import EMPTY
from reconciler.plan import order
from reconciler.plan.change import Change, Effect, Op, Reason
from reconciler.workloads.ownership import belongs_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from manifests.kinds import Object
    from manifests.observed import PodState


def remove(
    objects: dict[Ref, Object],
    states: Iterable[PodState],
    reason: Reason,
    *,
    data: bool = False,
    reasons: Mapping[Ref, Reason] = EMPTY,
) -> tuple[Change, ...]:
    """Return the changes that remove objects and their pods: pods first, what they use last.

    A claim's data stays unless `data`, or the claim itself, says otherwise. Pods go in the reverse
    of the order in which they began. `reasons` are those of single objects, in place of `reason`.
    """
    why = {ref: reasons.get(ref, reason) for ref in objects}
    turns = order.turns(objects.values()) if order.ordered(objects.values()) else EMPTY
    going = _of_pods(why, states, turns)
    pod_refs = tuple(change.ref for change in going)
    others = [
        Change(
            op=Op.DELETE,
            ref=ref,
            object=objects[ref],
            reasons=_removal_reasons(objects[ref], why[ref], data=data),
            effect=(Effect.DATA_LOSS if _loses_data(objects[ref], asked=data) else Effect.NONE),
            needs=pod_refs,
        )
        for ref in sorted(objects, key=lambda ref: (-kinds.ORDER[ref.kind], ref.key()))
        if ref not in pod_refs
    ]
    return (*going, *others)


def _removal_reasons(thing: Object, reason: Reason, *, data: bool) -> tuple[Reason, ...]:
    if not isinstance(thing, PersistentVolumeClaim) or data:
        return (reason,)
    gone = _loses_data(thing, asked=data)
    said = "its data goes to the trash: podpy undo" if gone else "the claim's data is kept"
    return reason, Reason(text=said)


def _loses_data(thing: Object, *, asked: bool) -> bool:
    if not isinstance(thing, PersistentVolumeClaim):
        return False
    return asked or thing.metadata.annotations.get(settings.RECLAIM) == settings.TRASH


def _of_pods(
    why: Mapping[Ref, Reason], states: Iterable[PodState], turns: Mapping[Ref, int]
) -> tuple[Change, ...]:
    """Return the removal of every pod that is one of the objects, or belongs to one."""
    return tuple(
        Change(
            op=Op.DELETE,
            ref=kinds.ref(state.pod),
            of=belongs_to(state),
            uid=state.uid,
            reasons=(reason,),
            turn=turns.get(belongs_to(state), 0),
        )
        for state in states
        if (reason := why.get(belongs_to(state)) or why.get(kinds.ref(state.pod)))
    )
