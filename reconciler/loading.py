"""Turn what was loaded into what is wished: each object with the digest that it is known again by.

Called by the commands that apply, and for each revision of a Sync.
"""

from __future__ import annotations

from manifests import kinds
from reconciler.plan.wish import Wished
from reconciler.state import objects
from reconciler.workloads import restarting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.load import Loaded, Located
    from reconciler.state.database import Database
    from runtime.paths import Paths


def wished(paths: Paths, database: Database, loaded: Loaded) -> tuple[Wished, ...]:
    """Return the loaded objects as a wish; workloads that were restarted stay so."""
    found = _wished(paths, loaded)
    if not any(item.ref.kind in restarting.KINDS for item in found):
        return found
    before = {row.ref: row for row in objects.holding(database, restarting.RESTARTED_AT)}
    if not before:
        return found
    return tuple(
        item.replace(object=restarting.taken_over(item.object, before[item.ref].object()))
        if item.ref in before
        else item
        for item in found
    )


def _wished(paths: Paths, loaded: Loaded) -> tuple[Wished, ...]:
    return tuple(
        Wished(
            ref=kinds.ref(item.object),
            object=item.object,
            digest=_digest(paths, item),
            file=item.file,
            line=item.line,
            index=item.index,
            text=loaded.texts.get(item.file),
        )
        for item in loaded.objects
    )


def _digest(paths: Paths, item: Located) -> str:
    """What the database keeps of an object to know it again; it must not tell a Secret."""
    if item.object.kind != "Secret":
        return item.digest
    from reconciler.state import secrets

    return secrets.digest(paths, item.digest)
