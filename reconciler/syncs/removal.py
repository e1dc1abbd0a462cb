"""Follow a Sync no more: remove what it has brought, unless it is to stay, and forget it."""

from __future__ import annotations

from reconciler import removing
from reconciler.state import objects
from reconciler.syncs import decide, declared, departing
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.execute.run import Outcome
    from reconciler.report import Report
    from reconciler.targets.host.host import Host


def remove(
    host: Host,
    name: str,
    *,
    keep: bool,
    notify: Callable[[Outcome], None],
    undeclare: Callable[[], object],
) -> Report | None:
    """Remove the Sync's objects and what is known of it; claims keep their data.

    Syncs among them go with what they have brought in turn, unless they say `prune: false`. With
    `keep` its objects stay, as if they had been applied by hand. Where something could not be
    removed, the report says so, and the Sync is still known. `undeclare` removes its file: a pass
    that waits for this removal finds none, and brings nothing back.
    """
    base = host.base
    found = declared.read(base.paths, base.database)
    rows = objects.read(base.database, kind="Sync")
    filed = declared.filed(found, base.paths)
    going = () if keep else departing.find(rows, name, (), (), filed).syncs
    with locks.held(base.paths, [decide.lock(one) for one in (name, *going)]):
        brought = [
            item
            for one in decide.applysets((name, *going))
            for item in objects.read(base.database, applyset=one)
        ]
        report = None
        if keep:
            objects.put_back(base.database, [item.replace(applyset="") for item in brought])
        elif brought:
            things = {item.ref: item.object() for item in brought}
            report = removing.remove(host, things, notify=notify)
            if report.failed:
                return report
        for one in (*going, name):
            departing.erase(base, one)
        undeclare()
    return report
