"""Take Syncs away, for `sync rm` and `delete`: which of them may go, and what goes with them."""

from __future__ import annotations

import os
import sys

from manifests.faults import Invalid
from podpy import sync_adding
from reconciler.state import objects
from reconciler.syncs import decide, declared, removal
from reconciler.syncs.removal import Going

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from manifests.kinds import Object
    from manifests.ref import Ref
    from podpy.context import Context
    from reconciler.execute.run import Outcome
    from reconciler.report import Report
    from reconciler.syncs.declared import Declared, Found


def of_rm(context: Context, found: Found, name: str, *, keep: bool) -> Going:
    """Return what goes when somebody says `sync rm`: that is consent to all of it.

    Raises Invalid for a Sync that would come back by itself. One whose file was removed by hand
    goes, too, while something of it is here.
    """
    if name in declared.left_behind(found, context.database):
        return Going(syncs=(name,), keeping=(name,) if keep else ())
    one = found.named(name)
    _refuse_files(context, found, one)
    parent = _parent(context, name)
    if parent:
        raise Invalid(
            f"Sync/{name} is brought by Sync/{parent}, which would bring it back",
            hint=f"take it out of the source of Sync/{parent}",
        )
    return _going(context, one, keep=keep)


def of_delete(context: Context, names: Iterable[str], *, keep: bool) -> Going:
    """Return what goes when somebody deletes Syncs as objects, which need not mean all of theirs.

    Raises Invalid where as much would go with them as needs consent: pruneLimit.
    """
    found = declared.read(context.paths, context.database)
    every = Going()
    for name in names:
        one = found.named(name)
        _refuse_files(context, found, one)
        parent = _parent(context, name)
        going = _going(context, one, keep=keep)
        rows = removal.brought(context.base, going)
        claims = sum(row.ref.kind == "PersistentVolumeClaim" for row in rows)
        limit = one.sync.spec.prune_limit
        why = decide.needs_consent(len(rows), len(rows), claims, limit)
        if why:
            wanted = f"take it out of the source of Sync/{parent}" if parent else f"sync rm {name}"
            raise Invalid(
                f"delete: with Sync/{name} {why}; nothing was changed",
                hint=f"{wanted}, if that is meant; --keep leaves what it has brought",
            )
        if parent:
            said = f"Sync/{name} comes back with the next pass of Sync/{parent}, which brings it"
            print(said, file=sys.stderr)
        every += going
    return every


def remove(
    context: Context,
    going: Going,
    notify: Callable[[Outcome], None],
    *,
    others: Mapping[Ref, Object] | None = None,
    data: bool = False,
) -> Report:
    """Remove what goes with Syncs, and `others`; their files go last."""

    def undeclare() -> None:
        for name in going.syncs:
            sync_adding.remove(context.paths, name)

    return removal.remove(
        *(context.host, going), others=others or {}, data=data, notify=notify, undeclare=undeclare
    )


def _going(context: Context, one: Declared, *, keep: bool) -> Going:
    going = removal.find(context.base, one.sync, keep=keep)
    if going.keeping and not keep:
        name = one.sync.metadata.name
        print(f"Sync/{name}: what it has brought stays (prune: false)", file=sys.stderr)
    return going


def _refuse_files(context: Context, found: Found, one: Declared) -> None:
    """Raise Invalid for a Sync whose file is not podpy's to remove: others are in it, or it has
    another name than `sync add` gives it."""
    if os.path.dirname(one.file) != context.paths.syncs:
        return
    name = one.sync.metadata.name
    together = [other for other in found.syncs if other.file == one.file]
    if one.file != sync_adding.file_of(context.paths, name) or len(together) > 1:
        where = f"{one.file}:{one.line}"
        raise Invalid(f"Sync/{name} is declared at {where}", hint="remove it there")


def _parent(context: Context, name: str) -> str:
    """Return the name of the Sync that has brought a Sync, "" where none has."""
    rows = (row for row in objects.read(context.database, kind="Sync") if row.ref.name == name)
    sets = [row.applyset for row in rows if row.applyset.startswith(decide.APPLYSET)]
    owner = sets[0].removeprefix(decide.APPLYSET) if sets else ""
    return "" if owner == name else owner
