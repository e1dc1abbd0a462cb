"""Turn a wish, its expansion to pods, and the observed host into a plan. Pure.

Called by reconciler.cycle; carrying it out is reconciler.execute. Objects come in the order in
which kinds are applied, each followed by the changes of its pods; removals come last.
"""

from __future__ import annotations

from manifests import kinds
from manifests.config import Network, PersistentVolumeClaim
from manifests.pod import Pod
from manifests.ref import Ref
from reconciler.plan import pods, removal
from reconciler.plan.change import Change, Effect, Op, Plan, Reason
from reconciler.plan.diff import differences

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.kinds import Object
    from manifests.observed import Observed
    from reconciler.plan.wish import Remembered, Wish, Wished
    from reconciler.workloads.expand import Expansion


def make(wish: Wish, expansion: Expansion, observed: Observed) -> Plan:
    """Return the plan that turns `observed` into what `wish` asks for."""
    by_object: dict[Ref, list[Change]] = {}
    for change in pods.changes(wish, expansion, observed):
        by_object.setdefault(change.of or change.ref, []).append(change)
    changes: list[Change] = []
    for wished in sorted(wish.objects, key=lambda item: kinds.ORDER[item.object.kind]):
        of_pods = by_object.pop(wished.ref, [])
        if not isinstance(wished.object, Pod):
            change = _object(wished, wish.remembered.get(wished.ref), observed)
            step = expansion.rollouts.get(wished.ref)
            if step is not None and step.waits_for and change.op is Op.UPDATE:
                told = Reason(text=f"rolled out step by step: {step.waits_for}")
                change = change.replace(reasons=(*change.reasons, told))
            changes.append(change)
        changes.extend(of_pods)
    if not wish.prune:
        return Plan(changes=tuple(changes), kept_back=wish.gone, elsewhere=wish.elsewhere)
    going = {ref: wish.remembered[ref].object for ref in wish.gone}
    pruned = removal.remove(going, observed.pods, PRUNED, reasons=moved(wish))
    return Plan(changes=(*changes, *pruned), elsewhere=wish.elsewhere)


PRUNED = Reason(text="no longer in the source")


def moved(wish: Wish) -> dict[Ref, Reason]:
    """Return why objects go that are in the source, and not for this host."""
    return {one.ref: Reason(text=f"not for this host: {one.reason}") for one in wish.elsewhere}


def _object(wished: Wished, before: Remembered | None, observed: Observed) -> Change:
    """The change of one object that is not a pod itself."""
    thing, ref = wished.object, wished.ref
    if before is None:
        missing = Reason(text="not there yet", where=wished.where)
        return Change(op=Op.CREATE, ref=ref, object=thing, reasons=(missing,))
    if before.digest != wished.digest:
        return Change(
            op=Op.UPDATE,
            ref=ref,
            object=thing,
            reasons=field_reasons(before.object, wished),
            effect=Effect.IN_PLACE,
        )
    drift = _drift(thing, observed)
    if drift:
        reasons = tuple(Reason(text=text) for text in drift)
        return Change(op=Op.REPAIR, ref=ref, object=thing, reasons=reasons, effect=Effect.IN_PLACE)
    return Change(op=Op.KEEP, ref=ref, object=thing)


def field_reasons(before: Object, wished: Wished) -> tuple[Reason, ...]:
    """Return the fields that changed. A Secret is not remembered with its content."""
    secret = wished.object.kind == "Secret"
    old, new = kinds.dump(before), kinds.dump(wished.object)
    if secret:
        for side in (old, new):
            side.pop("data", None)
            side.pop("stringData", None)
    found = tuple(
        Reason(path=item.path, old=item.old, new=item.new, where=wished.where_of(item.steps))
        for item in differences(old, new)
    )
    return found or (Reason(text="its content changed", where=wished.where),)


def _drift(thing: Object, observed: Observed) -> tuple[str, ...]:
    if isinstance(thing, Network):
        state = observed.networks.get(thing.metadata.name)
        return ("the network is gone from the host",) if state is None else state.drift
    if isinstance(thing, PersistentVolumeClaim):
        there = (thing.metadata.namespace, thing.metadata.name) in observed.claims
        return () if there else ("the claim's directory is gone from the host",)
    return ()
