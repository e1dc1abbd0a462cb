"""Have what a Sync brings run where it says: by podpy's own runtime, or by systemd and Podman."""

from __future__ import annotations

from manifests.sync import SyncTarget
from reconciler import cycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from manifests.sync import Sync
    from reconciler.cycle import Consent, Options
    from reconciler.execute.run import Outcome
    from reconciler.plan.change import Plan
    from reconciler.plan.wish import Wished
    from reconciler.report import Report
    from reconciler.targets.host.host import Host


def by_units(sync: Sync) -> bool:
    """Tell whether systemd runs what the Sync brings."""
    return sync.spec.target is SyncTarget.QUADLET


def plan(
    host: Host, sync: Sync, wished: Sequence[Wished], options: Options, consent: Consent
) -> Plan:
    """Return what a pass would do; as `cycle.prospect`."""
    if not by_units(sync):
        return cycle.prospect(host, wished, options, consent).plan
    from reconciler.targets.quadlet.converging import Units

    return Units(host, sync).plan(wished, options, consent)


class Converging:
    """One Sync's way to have its objects run on this host."""

    def __init__(self, host: Host, sync: Sync, notify: Callable[[Outcome], None]) -> None:
        self._host, self._sync, self._notify = host, sync, notify

    def converge(self, wished: Sequence[Wished], options: Options, consent: Consent) -> Report:
        """Bring the host in line; as `cycle.converge`."""
        if not by_units(self._sync):
            return cycle.converge(self._host, wished, options, self._notify, consent)
        from reconciler.targets.quadlet.converging import Units

        return Units(self._host, self._sync).converge(wished, options, self._notify, consent)


def take_away(host: Host, names: Iterable[str]) -> None:
    """Stop the units that these Syncs still have, and remove their files."""
    from reconciler.targets.quadlet import leaving, records

    known = records.names(host.base.paths)
    for name in names:
        if name in known:
            leaving.take_away(host, name)
