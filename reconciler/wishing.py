"""What a pass wishes: its objects and options in, with what is remembered of them, a Wish out."""

from __future__ import annotations

from reconciler.plan.wish import Remembered, Wish
from reconciler.state import objects

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.cycle import Consent, Options
    from reconciler.plan.wish import Wished
    from reconciler.targets.host.base import Base

_SHOWN = ("ConfigMap", "Secret")


def wish_of(base: Base, wished: Sequence[Wished], options: Options, consent: Consent) -> Wish:
    """Return the wish for these objects, with what is remembered of them and may be pruned."""
    base.wish(item.object for item in wished)
    refs = frozenset(item.ref for item in wished)
    applied = objects.read(base.database)
    # After the loss of the database nothing tells what was removed from the source.
    prune = options.prune and not base.database.rebuilt
    if prune:
        owned = [item.ref for item in applied if options.owns(item)]
        gone = [ref for ref in owned if ref not in refs]
        prune = not gone or consent(gone, len(owned))
    return Wish(
        objects=tuple(wished),
        applyset=options.applyset,
        also=options.also,
        prune=prune,
        recreate=options.recreate,
        elsewhere=options.elsewhere,
        remembered={
            item.ref: Remembered(body=item.body, digest=item.digest, applyset=item.applyset)
            for item in applied
            if item.ref in refs or options.owns(item)
        },
        digests={
            **{item.ref: item.digest for item in applied if item.ref.kind in _SHOWN},
            **{item.ref: item.digest for item in wished if item.ref.kind in _SHOWN},
        },
    )
