"""Find what goes with Syncs that another one brings no more (an app of apps), and forget them.

What such a Sync has brought is removed as the parent's own objects are: in one plan, under the
parent's prune guard, each object counted. Where the Sync itself says `prune: false`, it stays. A
Sync that a file of the administrator's, or another Sync, declares goes on.
"""

from __future__ import annotations

from manifests.problems import Problem, Severity
from manifests.sync import Sync
from manifests.value import Value
from reconciler.source import source
from reconciler.state import objects, syncs
from reconciler.syncs import decide
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from manifests.loaded import Loaded
    from reconciler.state.objects import Applied
    from reconciler.targets.host.base import Base


class Departing(Value):
    """`syncs` are those whose objects go, too; `kept` those whose objects stay."""

    syncs: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[Problem, ...]:
        """What people should know of it."""
        return tuple(
            Problem(
                message="is no longer in the source; what it has brought stays (prune: false)",
                object=f"Sync/{name}",
                severity=Severity.WARNING,
            )
            for name in self.kept
        )


NONE = Departing()


def find(
    rows: Iterable[Applied],
    name: str,
    brought: Iterable[str],
    departed: Iterable[str],
    filed: Container[str],
) -> Departing:
    """Return which Syncs go, with all that they have brought in turn. Pure.

    `rows` are the Syncs that Syncs have brought, `brought` those that `name` brings now, `departed`
    those that it was to take with it before, `filed` those that files declare.
    """
    known = {row.ref.name: row for row in rows}
    staying = {name, *brought}
    waiting = [
        *(one for one in departed if one not in known),
        *(one for one, row in known.items() if row.applyset == decide.applyset(name)),
    ]
    going: dict[str, None] = {}
    kept: dict[str, None] = {}
    while waiting:
        one = waiting.pop(0)
        if one in staying or one in filed or one in going or one in kept:
            continue
        thing = known[one].object() if one in known else None
        if isinstance(thing, Sync) and not thing.spec.prune:
            kept[one] = None
            continue
        going[one] = None
        set_ = decide.applyset(one)
        waiting += [other for other, row in known.items() if row.applyset == set_]
    return Departing(syncs=tuple(going), kept=tuple(kept))


def brought(loaded: Loaded) -> tuple[str, ...]:
    """Return the names of the Syncs that a revision brings."""
    return tuple(one.object.metadata.name for one in loaded.objects if isinstance(one.object, Sync))


def note(base: Base, name: str, going: tuple[str, ...]) -> None:
    """Remember that these go with `name`, before it does: killed in it, the next pass goes on."""
    with locks.held(base.paths, [decide.status_lock(name)]):
        syncs.save(base.database, name, syncs.read(base.database, name).replace(departed=going))


def forget(base: Base, going: Iterable[str]) -> tuple[str, ...]:
    """Forget those of which nothing is left, and return the others."""
    declared = {row.ref.name for row in objects.read(base.database, kind="Sync")}
    left = []
    for name in going:
        if name in declared or objects.read(base.database, applyset=decide.applyset(name)):
            left.append(name)
            continue
        erase(base, name)
    return tuple(left)


def erase(base: Base, name: str) -> None:
    """Forget all that is known of a Sync: its history, and its revisions."""
    syncs.forget(base.database, name)
    for repository in (source.repository_of, source.preview_repository_of):
        repository(base.paths, name).remove()
