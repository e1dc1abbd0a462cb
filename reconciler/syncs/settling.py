"""Wait until objects of a revision are healthy: wishes in, those that are not, with why, out.

Called by reconciler.syncs.hooks, for hooks and before a new revision counts as a good one. No lock
of an object is held meanwhile.
"""

from __future__ import annotations

import time

from manifests.workloads import DaemonSet, Deployment, Job
from reconciler.health import assess, readying
from reconciler.health.assess import HEALTHY, Assessment, Health
from reconciler.state import results
from reconciler.workloads import rollout
from reconciler.workloads.ownership import belongs_to
from runtime import interrupts
from runtime.observe import health

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from manifests.observed import PodState
    from manifests.ref import Ref
    from reconciler.plan.wish import Wished
    from reconciler.targets.host.host import Host
    from reconciler.workloads.jobs import Progress

    Ill = list[tuple[Wished, Assessment]]
    Judge = Callable[[Wished, Sequence[PodState], float, Mapping[Ref, Progress]], Assessment]

POLL_SECONDS = 0.1
SETTLED_SECONDS = 0.5
"""How long a pod without probes must have run: one that ends as soon as it has begun is no good."""


def ended(host: Host, items: Sequence[Wished], seconds: float) -> Ill:
    """Wait until each of these is healthy or never will be; return those that are not."""
    return _wait(host, items, seconds, _whole, until=all)


def unsettled(host: Host, items: Sequence[Wished], seconds: float, *, jobs: bool) -> Ill:
    """Wait until all of these are healthy; return at once, with those that are not, when one of
    them never will be.

    Without `jobs` a Job is not waited for while it runs, or is to be tried again. Nor is a rollout
    that is held: a paused Deployment, a DaemonSet whose pods are replaced by hand.
    """

    def judge(
        item: Wished, states: Sequence[PodState], now: float, remembered: Mapping[Ref, Progress]
    ) -> Assessment:
        seen = _settled(item, states, now, remembered)
        return seen if jobs or seen.final or not isinstance(item.object, Job) else HEALTHY

    return _wait(host, items, seconds, judge, until=any)


def _wait(
    host: Host,
    items: Sequence[Wished],
    seconds: float,
    judge: Judge,
    *,
    until: Callable[[Iterable[bool]], bool],
) -> Ill:
    deadline = time.monotonic() + seconds
    awaited = {item.ref for item in items}
    with interrupts.noticed(), readying.probing(host.base) as probe:
        while True:
            remembered = results.read_jobs(host.base.database)
            states, now = host.pods(), time.time()
            seen = [(item, judge(item, states, now, remembered)) for item in items]
            ill = [(item, one) for item, one in seen if not one.healthy]
            if not ill or until(one.final for _item, one in ill) or time.monotonic() >= deadline:
                return ill
            probe((one.uid for one in states if belongs_to(one) in awaited), POLL_SECONDS)


def _whole(
    item: Wished, states: Sequence[PodState], now: float, remembered: Mapping[Ref, Progress]
) -> Assessment:
    thing = item.object
    if isinstance(thing, Deployment | DaemonSet) and rollout.held(thing):
        return HEALTHY
    return assess.assess(thing, states, now, remembered)


def _settled(
    item: Wished, states: Sequence[PodState], now: float, remembered: Mapping[Ref, Progress]
) -> Assessment:
    seen = _whole(item, states, now, remembered)
    young = any(_young(one, now) for one in states if belongs_to(one) == item.ref)
    if seen.healthy and young:
        return Assessment(health=Health.PROGRESSING, why="has just begun")
    return seen


def _young(state: PodState, now: float) -> bool:
    """Tell whether a pod that nothing but its running tells of has begun only now."""
    record = state.record
    if record.finished or record.deleting or health.has_probes(record.pod):
        return False
    begun = [one.record.started_at for one in state.containers.values() if one.ended is None]
    return any(now - at < SETTLED_SECONDS for at in begun if at)
