"""A wish and the work for it in, the plan that people see out: one change for each object. Pure."""

from __future__ import annotations

from manifests import kinds
from manifests.config import PersistentVolumeClaim
from reconciler.plan import make
from reconciler.plan.change import Change, Effect, Op, Plan, Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.kinds import Object
    from manifests.ref import Ref
    from reconciler.plan.wish import Wish, Wished
    from reconciler.targets.quadlet.work import Work


def plan(wish: Wish, work: Work) -> Plan:
    """Return the plan; what is to be pruned comes last."""
    ordered = sorted(wish.objects, key=lambda item: kinds.ORDER[item.object.kind])
    changes = tuple(_change(item, wish, work) for item in ordered)
    if not wish.prune:
        return Plan(changes=changes, kept_back=wish.gone, elsewhere=wish.elsewhere)
    moved = make.moved(wish)
    pruned = (
        removal(ref, wish.remembered[ref].object, moved.get(ref, make.PRUNED)) for ref in wish.gone
    )
    return Plan(changes=(*changes, *pruned), elsewhere=wish.elsewhere)


def removal(ref: Ref, thing: Object, why: Reason) -> Change:
    """Return the change by which an object goes; Podman's volumes stay."""
    kept = Reason(text="Podman's volume stays, with its data")
    reasons = (why, kept) if isinstance(thing, PersistentVolumeClaim) else (why,)
    return Change(op=Op.DELETE, ref=ref, object=thing, reasons=reasons)


def _change(item: Wished, wish: Wish, work: Work) -> Change:
    before = wish.remembered.get(item.ref)
    effect = Effect.RESTART if item.ref in work.affected else Effect.IN_PLACE
    drift = tuple(Reason(text=text) for text in work.drifted.get(item.ref, ()))
    why: tuple[Reason, ...]
    if before is None:
        op, why = Op.CREATE, (Reason(text="not there yet", where=item.where),)
        effect = Effect.NONE
    elif before.digest != item.digest:
        op, why = Op.UPDATE, make.field_reasons(before.object, item)
    elif changed := work.changed.get(item.ref, ()):
        op, why = Op.UPDATE, tuple(Reason(text=text) for text in changed)
    elif drift:
        return Change(op=Op.REPAIR, ref=item.ref, object=item.object, reasons=drift, effect=effect)
    elif item.ref in work.affected:
        op, why = Op.UPDATE, (Reason(text="a file that it uses changed"),)
    else:
        return Change(op=Op.KEEP, ref=item.ref, object=item.object)
    return Change(op=op, ref=item.ref, object=item.object, reasons=(*why, *drift), effect=effect)
