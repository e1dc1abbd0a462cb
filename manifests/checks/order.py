"""Check the order that objects ask for: dependencies that are not there, circles, later waves."""

from __future__ import annotations

from manifests import kinds, ordering, settings
from manifests.ref import Ref
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from manifests.kinds import Object

    Edges = Mapping[int, tuple[int, ...]]


class Flaw(Value):
    """What is wrong with an annotation of the object at `index`.

    `other` is a second object concerned, -1 for none; `missing` one that is not in the set.
    """

    index: int
    annotation: str
    message: str
    other: int = -1
    missing: Ref | None = None


def check(objects: Sequence[Object]) -> Iterator[Flaw]:
    """Yield what is wrong with the order of the objects."""
    asking = [
        (index, ordering.depends_on(thing))
        for index, thing in enumerate(objects)
        if settings.DEPENDS_ON in thing.metadata.annotations
    ]
    if not asking:
        return
    at = {kinds.ref(thing): index for index, thing in enumerate(objects)}
    for index, named in asking:
        for ref in named:
            yield from _unmet(objects, index, ref, at)
    edges = {index: tuple(at[ref] for ref in named if ref in at) for index, named in asking}
    yield from _circles(objects, edges)


def _unmet(
    objects: Sequence[Object], index: int, ref: Ref, at: Mapping[Ref, int]
) -> Iterator[Flaw]:
    thing, other = objects[index], at.get(ref)
    flaw = Flaw(index=index, annotation=settings.DEPENDS_ON, message="")
    if other is None:
        yield flaw.replace(message=f"{ref} is not declared", missing=ref)
        return
    named = objects[other]
    mine, its = ordering.wave(thing), ordering.wave(named)
    if ordering.hook(thing) is not None:
        if ordering.hook(thing) is not ordering.hook(named):
            yield flaw.replace(message=f"{ref} is no hook of the same kind", other=other)
    elif ordering.hook(named) is not None:
        yield flaw.replace(message=f"{ref} is a hook, which the Sync runs", other=other)
    elif its > mine:
        message = f"{ref} is of wave {its}, which begins after this one's, {mine}"
        yield flaw.replace(message=message, other=other)


def _circles(objects: Sequence[Object], edges: Edges) -> Iterator[Flaw]:
    """Yield one flaw for each circle, at its first object."""
    told: set[int] = set()
    for index in edges:
        if index in told:
            continue
        way = _way_back(edges, index)
        if way:
            told.update(way)
            names = " -> ".join(str(kinds.ref(objects[one])) for one in way)
            message = f"depends on itself: {names}"
            yield Flaw(index=index, annotation=settings.DEPENDS_ON, message=message)


def _way_back(edges: Edges, start: int) -> tuple[int, ...]:
    """Return the shortest way from an object to itself, () where there is none."""
    ways: list[tuple[int, ...]] = [(start,)]
    seen: set[int] = set()
    for way in ways:  # It grows while it is gone through.
        for following in edges.get(way[-1], ()):
            if following == start:
                return (*way, start)
            if following not in seen:
                seen.add(following)
                ways.append((*way, following))
    return ()
