"""Turn what is remembered into a wish again: for passes that mend what drifted, with no source."""

from __future__ import annotations

from reconciler.plan.wish import Wished
from reconciler.state import objects
from reconciler.targets.quadlet import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from manifests.ref import Ref
    from reconciler.targets.host.base import Base


_NOT_ON_THE_HOST = frozenset({"ConfigMap", "Secret", "Namespace", "Sync"})


def refs(base: Base) -> frozenset[Ref]:
    """Return which objects are remembered that the host has something of.

    ConfigMaps and Secrets are there as far as pods show them, and are found by those. What systemd
    runs is left to the passes of its Sync.
    """
    found = objects.refs(base.database) - records.owners(base.paths).keys()
    return frozenset(ref for ref in found if ref.kind not in _NOT_ON_THE_HOST)


def wished(base: Base, among: Collection[Ref]) -> tuple[Wished, ...]:
    """Return those of the objects in `among` that are still remembered, as they were applied."""
    return tuple(
        Wished.of(item.object(), item.digest, item.file, item.line)
        for item in objects.read(base.database)
        if item.ref in among
    )
