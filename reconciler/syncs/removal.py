"""Follow a Sync no more: remove what it has brought, unless it is to stay, and forget it."""

from __future__ import annotations

from reconciler import removing
from reconciler.source import source
from reconciler.state import objects, syncs
from reconciler.syncs import decide
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.execute.run import Outcome
    from reconciler.report import Report
    from reconciler.targets.host.host import Host


def remove(
    host: Host, name: str, *, keep: bool, notify: Callable[[Outcome], None]
) -> Report | None:
    """Remove the Sync's objects and what is known of it; claims keep their data.

    With `keep` its objects stay, as if they had been applied by hand. Where something could not be
    removed, the report says so, and the Sync is still known.
    """
    base = host.base
    with locks.held(base.paths, [decide.lock(name)]):
        brought = objects.read(base.database, applyset=f"{decide.APPLYSET}{name}")
        report = None
        if keep:
            objects.put_back(base.database, [item.replace(applyset="") for item in brought])
        elif brought:
            things = {item.ref: item.object() for item in brought}
            report = removing.remove(host, things, notify=notify)
            if report.failed:
                return report
        syncs.forget(base.database, name)
        for repository in (source.repository_of, source.preview_repository_of):
            repository(base.paths, name).remove()
    return report
