"""Say which changes wait until other objects are healthy, and in which turn objects go. Pure.

An object begins when all objects of its set with a lower wave are healthy, and those that it
depends on. What has begun, as it is wanted now, is never held back: only the first pods of an
object wait, and with them whatever would go for their sake.
"""

from __future__ import annotations

from manifests import kinds, ordering, settings
from manifests.value import Value
from reconciler.plan.change import Change, Op

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from manifests.kinds import Object
    from manifests.ref import Ref
    from reconciler.health.assess import Assessment

_BEGINS = (Op.CREATE, Op.REPLACE)
_STAYS = (Op.KEEP, Op.UPDATE, Op.REPAIR)


class Place(Value):
    """Where an object stands: in which set, in which wave of it, and what it names to be first."""

    set: str
    wave: int = 0
    depends_on: tuple[Ref, ...] = ()


def ordered(things: Iterable[Object]) -> bool:
    """Tell whether any object says anything of its turn."""
    return any(
        settings.WAVE in thing.metadata.annotations
        or settings.DEPENDS_ON in thing.metadata.annotations
        for thing in things
    )


def place(thing: Object, applyset: str) -> Place:
    """Return where an object stands; waves are those of its apply set."""
    return Place(
        set=applyset, wave=ordering.wave(thing), depends_on=tuple(ordering.depends_on(thing))
    )


def hold(
    changes: Iterable[Change],
    places: Mapping[Ref, Place],
    health: Callable[[Ref], Assessment],
) -> tuple[Change, ...]:
    """Return the changes, with what each waits for; `health` tells how an object is now.

    What is about to begin itself in this plan is not healthy yet, however its old pods are.
    """
    listed = tuple(changes)
    begins = beginning(listed)
    if not begins:
        return listed
    known: dict[Ref, bool] = dict.fromkeys(begins, False)

    def healthy(ref: Ref) -> bool:
        if ref not in known:
            known[ref] = health(ref).healthy
        return known[ref]

    lower: dict[tuple[str, int], tuple[Ref, ...]] = {}

    def waits_for(ref: Ref) -> tuple[Ref, ...]:
        mine = places.get(ref)
        if mine is None:
            return ()
        key = mine.set, mine.wave
        if key not in lower:
            lower[key] = tuple(
                other
                for other, its in places.items()
                if its.set == mine.set and its.wave < mine.wave and not healthy(other)
            )
        named = (other for other in mine.depends_on if not healthy(other))
        return tuple(other for other in dict.fromkeys([*named, *lower[key]]) if other != ref)

    waits = {ref: waits_for(ref) for ref in begins}
    return tuple(
        change.replace(after=waits[of])
        if (of := change.of or change.ref) in begins and waits[of] and _is_of_pods(change)
        else change
        for change in listed
    )


def beginning(changes: Iterable[Change]) -> frozenset[Ref]:
    """Return the objects of which all pods that the plan has for them are still to be made."""
    begins: set[Ref] = set()
    begun: set[Ref] = set()
    for change in changes:
        if change.pod is None:
            continue
        of = change.of or change.ref
        (begun if change.op in _STAYS else begins).add(of)
    return frozenset(begins - begun)


def _is_of_pods(change: Change) -> bool:
    return change.pod is not None or bool(change.uid)


def turns(things: Iterable[Object]) -> dict[Ref, int]:
    """Return the turn of each object among these: those of turn 0 begin first, and go last."""
    places = {kinds.ref(thing): place(thing, "") for thing in things}
    found: dict[Ref, int] = {}
    first = 0
    for wave in sorted({one.wave for one in places.values()}):
        among = {ref: one for ref, one in places.items() if one.wave == wave}
        while among:
            free = [
                ref
                for ref, one in among.items()
                if not any(other in among and other != ref for other in one.depends_on)
            ] or list(among)  # A circle, which only a database of old can have.
            for ref in free:
                del among[ref]
                found[ref] = first
            first += 1
    return found
