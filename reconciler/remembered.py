"""Turn what is remembered into a wish again: for passes that mend what drifted, with no source."""

from __future__ import annotations

from manifests.config import Secret
from manifests.sync import Sync
from reconciler.plan.wish import Wished
from reconciler.state import objects, secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from manifests.kinds import Object
    from manifests.ref import Ref
    from reconciler.state.objects import Applied
    from reconciler.targets.host.base import Base


def wished(base: Base, among: Collection[Ref]) -> tuple[Wished, ...]:
    """Return those of the objects in `among` that are still remembered, as they were applied.

    A Secret whose content a reboot has taken is left out, for its source to bring it again.
    """
    found = []
    for item in objects.read(base.database):
        thing = _whole(base, item) if item.ref in among else None
        if thing is not None and not isinstance(thing, Sync):
            found.append(Wished(object=thing, digest=item.digest, file=item.file, line=item.line))
    return tuple(found)


def _whole(base: Base, item: Applied) -> Object | None:
    thing = item.object()
    if isinstance(thing, Secret):
        return secrets.read(base.paths, item.ref.namespace, item.ref.name)
    return thing
