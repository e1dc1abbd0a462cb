"""Tell which pods of a changed workload are wanted now: a step of its rollout. Pure.

Called by reconciler.workloads.expand in each pass, with the pods of the old and of the new template
that are on the host. The rules are the Deployment controller's (pkg/controller/deployment: new pods
up to replicas + maxSurge; old ones go while replicas - maxUnavailable are available without them,
those that are not available first), with two differences. All that can be done now is one step,
and a pod that is told to go counts until it has gone, so that never more than replicas + maxSurge
run. Nothing is kept between steps.
"""

from __future__ import annotations

from manifests.ref import Ref
from manifests.value import Value
from manifests.workloads import (
    DaemonSet,
    DaemonSetRollingUpdate,
    DaemonSetStrategyType,
    DaemonSetUpdateStrategy,
    Deployment,
    DeploymentStrategy,
    RollingUpdate,
    StrategyType,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from manifests.observed import PodState
    from manifests.pod import Pod

DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"


class Bounds(Value):
    """How many pods more than are wanted there may be, and how many fewer may be available."""

    surge: int
    unavailable: int


class One(Value):
    """A pod as a rollout sees it. `ready_since` is None while it is not ready."""

    uid: str
    created_at: float
    ready_since: float | None = None


class Step(Value):
    """What is wanted now: old pods that stay (`kept`), and `new` pods of the new template.

    `again` so many more are to be made of the newest old template.
    Of the new pods that are still to be made, `beside` may start while the others that are to go
    are still there. `waits_for` says what the next step waits for, "" when the rollout is through;
    `wake_at` is when it may be due though nothing happens. `overdue`: no progress was made for as
    long as progressDeadlineSeconds allows. `note` says why old pods do not wait for new ones.
    """

    kept: tuple[str, ...] = ()
    again: int = 0
    new: int
    beside: int = 0
    waits_for: str = ""
    wake_at: float | None = None
    overdue: bool = False
    note: str = ""


class Scene(Value):
    """The pods of one workload and its numbers. Spans are in seconds; no `deadline` is for ever."""

    replicas: int
    old: Sequence[One]
    new: Sequence[One]
    min_ready: int = 0
    deadline: int | None = None


def bounds(thing: Deployment | DaemonSet) -> Bounds | None:
    """Return how far a workload's rollout may go beyond its replicas; None for no rollout.

    With Recreate all old pods go before the new ones come. Percentages of maxSurge are rounded up;
    those of maxUnavailable down for a Deployment, up for a DaemonSet. Two zeros that come of
    rounding leave one pod unavailable, as no step could be made otherwise.
    """
    if isinstance(thing, DaemonSet):
        daemon = (thing.spec.update_strategy or DaemonSetUpdateStrategy()).rolling_update
        daemon = daemon or DaemonSetRollingUpdate()
        found = scaled(daemon.max_surge, 1, up=True), scaled(daemon.max_unavailable, 1, up=True)
    else:
        strategy = thing.spec.strategy or DeploymentStrategy()
        if strategy.type is StrategyType.RECREATE:
            return None
        rolling, count = strategy.rolling_update or RollingUpdate(), thing.spec.replicas
        found = (
            scaled(rolling.max_surge, count, up=True),
            scaled(rolling.max_unavailable, count, up=False),
        )
    surge, unavailable = found
    return Bounds(surge=surge, unavailable=unavailable if surge or unavailable else 1)


def scaled(value: int | str, total: int, *, up: bool) -> int:
    """Return the number, or the percentage of `total` rounded `up` or down."""
    if isinstance(value, int):
        return value
    share = int(value.rstrip("%")) * total
    return -(-share // 100) if up else share // 100


def held(thing: Deployment | DaemonSet) -> bool:
    """Tell whether old pods stay whatever the template says: paused, or replaced by hand."""
    if isinstance(thing, Deployment):
        return thing.spec.paused
    strategy = thing.spec.update_strategy or DaemonSetUpdateStrategy()
    return strategy.type is DaemonSetStrategyType.ON_DELETE


def paused(scene: Scene) -> Step:
    """Return the step of a rollout that is held: it only scales, the newest of what is there."""
    spare = len(scene.new) + len(scene.old) - scene.replicas
    leaving = _first_to_go(scene, scene.replicas)[: max(spare, 0)]
    gone = {one.uid for one in leaving}
    kept = tuple(one.uid for one in scene.old if one.uid not in gone)
    missing = max(-spare, 0)
    if scene.old and not scene.new:
        return Step(kept=kept, again=missing, new=0)
    return Step(kept=kept, new=min(len(scene.new) + missing, scene.replicas - len(kept)))


def at_once(scene: Scene, note: str = "") -> Step:
    """Return the step in which all old pods go, and then all new ones come."""
    return Step(new=scene.replicas, note=note)


def step(scene: Scene, within: Bounds, now: float) -> Step:
    """Return the next step of a rollout."""
    new = min(len(scene.new), scene.replicas)
    available = min(sum(_available(scene, one, now) for one in scene.new), new)
    old = _first_to_go(scene, now)
    least, most = scene.replicas - within.unavailable, scene.replicas + within.surge
    while True:
        before = (new, len(old))
        new += max(0, min(most - new - len(old), scene.replicas - new))
        removable = min(len(old), available + len(old) - least)
        healthy = sum(_available(scene, one, now) for one in old)
        going = min(max(removable, 0), len(old) - healthy + max(0, available + healthy - least))
        old = old[going:]
        if (new, len(old)) == before:
            break
    return _told(scene, new, available, old, within, now)


def _first_to_go(scene: Scene, now: float) -> list[One]:
    """The old pods in the order in which they go: those that serve nobody first."""
    return sorted(scene.old, key=lambda one: (_available(scene, one, now), one.created_at, one.uid))


def _available(scene: Scene, one: One, now: float) -> bool:
    return one.ready_since is not None and one.ready_since + scene.min_ready <= now


def _told(
    scene: Scene, new: int, available: int, old: Sequence[One], within: Bounds, now: float
) -> Step:
    """Say what the step waits for, until when, and whether that is over."""
    room = scene.replicas + within.surge - len(scene.new) - len(scene.old)
    made = Step(
        kept=tuple(one.uid for one in old),
        new=new,
        beside=max(0, min(room, new - len(scene.new))),
    )
    if available == scene.replicas and not old:
        return made
    progressed = _progressed_at(scene, now)
    until = None if scene.deadline is None or not scene.new else progressed + scene.deadline
    soon = [
        one.ready_since + scene.min_ready
        for one in scene.new
        if one.ready_since is not None and one.ready_since + scene.min_ready > now
    ]
    waits = f"{available} of {scene.replicas} new pods are available"
    if old:
        waits += f", {len(old)} old {'one stays' if len(old) == 1 else 'ones stay'} until then"
    return made.replace(
        waits_for=waits,
        wake_at=min([*soon, *([until] if until is not None else [])], default=None),
        overdue=until is not None and until <= now,
    )


def _progressed_at(scene: Scene, now: float) -> float:
    """When the rollout last made progress: a new pod was made, became ready, or available."""
    times = [one.created_at for one in scene.new]
    for one in scene.new:
        if one.ready_since is not None:
            times.append(one.ready_since)
            times.append(min(now, one.ready_since + scene.min_ready))
    return max(times, default=now)


def apart(old: Iterable[PodState], new: Pod, replicas: int, shared: Callable[[Ref], bool]) -> str:
    """Return why the new pod cannot run while one of the old ones does, "" if it can.

    `shared` tells of a claim whether several pods are meant to write into it. With more than one
    replica they share it already. On one host Kubernetes would leave a new pod Pending for a port.
    """
    from manifests import settings
    from manifests.checks import ports

    claimed = [port for _path, port in ports.lasting(new.spec, ())]
    for state in old:
        if state.record.finished:
            continue
        before = state.pod
        for _path, port in ports.lasting(before.spec, ()):
            if any(ports.overlap(port, other) for other in claimed):
                return f"{ports.shown(port)} of this host can be had once"
        for key, what in ((settings.ADDRESS, "address"), (settings.MAC, "hardware address")):
            wanted = new.metadata.annotations.get(key)
            if wanted and wanted == before.metadata.annotations.get(key):
                return f"the {what} {wanted} can be had once"
        if replicas == 1:
            for claim in sorted(_claims(before) & _claims(new), key=Ref.key):
                if not shared(claim):
                    return f"claim {claim.name} is written by one pod at a time"
    return ""


def _claims(pod: Pod) -> frozenset[Ref]:
    """The claims that a pod may write into."""
    return frozenset(
        Ref(
            kind="PersistentVolumeClaim",
            namespace=pod.metadata.namespace,
            name=volume.persistent_volume_claim.claim_name,
        )
        for volume in pod.spec.volumes
        if volume.persistent_volume_claim is not None
        and not volume.persistent_volume_claim.read_only
    )
