"""Find the Syncs of this host: files of the administrator, and Syncs that a Sync has brought."""

from __future__ import annotations

import collections
import os

from manifests import load
from manifests.faults import Invalid
from manifests.sync import Sync
from manifests.value import Value
from reconciler.state import objects, syncs
from reconciler.syncs import decide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reconciler.state.database import Database
    from runtime.paths import Paths


class Declared(Value):
    """A Sync and where it is written: `file` is one of syncs.d, or of another Sync's source."""

    sync: Sync
    file: str = ""
    line: int = 0


class Found(Value):
    """The host's Syncs in the order of their dependencies, and what is wrong with their files.

    A file that cannot be read leaves out its own Syncs, and no other's.
    """

    syncs: tuple[Declared, ...] = ()
    problems: tuple[str, ...] = ()

    def named(self, name: str) -> Declared:
        """Return a Sync by its name; raises Invalid where there is none."""
        for one in self.syncs:
            if one.sync.metadata.name == name:
                return one
        raise Invalid(f'there is no Sync "{name}"', hint="podpy sync ls")


def read(paths: Paths, database: Database) -> Found:
    """Return the Syncs that this host follows; one that is declared twice is its file's."""
    brought: dict[str, Declared] = {}
    for item in objects.read(database, kind="Sync"):
        thing = item.object()
        if isinstance(thing, Sync):
            brought[item.ref.name] = Declared(sync=thing, file=item.file, line=item.line)
    return _with_filed(brought, paths, paths.cache)


def in_files(paths: Paths) -> Found:
    """Return those that the administrator's files declare; nothing is written."""
    return _with_filed({}, paths)


def _with_filed(brought: dict[str, Declared], paths: Paths, cache_dir: str | None = None) -> Found:
    found = dict(brought)
    problems: list[str] = []
    for file in _files(paths):
        loaded = load.load([file], cache_dir=cache_dir)
        problems.extend(str(problem) for problem in loaded.problems)
        for located in loaded.objects:
            if not isinstance(located.object, Sync):
                said = f"only Syncs belong here, and this is a {located.object.kind}"
                problems.append(f"{file}:{located.line}: {said}")
                continue
            declared = Declared(sync=located.object, file=file, line=located.line)
            found[located.object.metadata.name] = declared
    depending = {
        name: [other.name for other in one.sync.spec.depends_on if other.name in found]
        for name, one in found.items()
    }
    names = decide.order(depending)
    if circle := decide.circle(depending):
        told = " -> ".join((*circle, circle[0]))
        problems.append(f"Syncs wait for each other, and none is followed: dependsOn {told}")
    return Found(syncs=tuple(found[name] for name in names), problems=tuple(problems))


def _files(paths: Paths) -> list[str]:
    try:
        names = sorted(os.listdir(paths.syncs))
    except FileNotFoundError:
        return []
    return [f"{paths.syncs}/{name}" for name in names if name.endswith((".yaml", ".yml"))]


def left_behind(found: Found, database: Database) -> dict[str, int]:
    """Return Syncs that nothing declares any more -> how many objects of theirs are here."""
    names = {one.sync.metadata.name for one in found.syncs}
    owners = (owner for _, owner in objects.of_others(database, ""))
    gone = collections.Counter(
        owner.removeprefix(decide.APPLYSET) for owner in owners if owner.startswith(decide.APPLYSET)
    )
    return {name: count for name, count in gone.items() if name not in names}


def filed(found: Found, paths: Paths) -> frozenset[str]:
    """Return the names of those that the administrator's files declare."""
    return frozenset(
        one.sync.metadata.name for one in found.syncs if os.path.dirname(one.file) == paths.syncs
    )


def readiness(found: Found, database: Database) -> dict[str, bool]:
    """Return of each Sync whether those that depend on it may go on."""
    ready = {}
    for one in found.syncs:
        outcome = syncs.read(database, one.sync.metadata.name).outcome
        ready[one.sync.metadata.name] = outcome is not None and outcome.ready
    return ready
