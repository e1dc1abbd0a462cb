"""Carry out a plan on a target: removals and what pods use first, then pods in parallel.

Called by reconciler.cycle. A change whose needs failed is not tried, and says whose fault it was;
everything else goes on. Two streams run side by side: pods that wait for no removal start at
once, while the pods to be removed take their time to stop; then come those that replace them.
"""

from __future__ import annotations

import threading
import time
from functools import partial

from manifests.config import Network, PersistentVolumeClaim
from manifests.container import PullPolicy
from manifests.faults import Fault
from manifests.value import Value
from reconciler.execute import pool
from reconciler.plan.change import Change, Effect, Op
from reconciler.targets.target import Image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from manifests.observed import PodRecord, PodState
    from manifests.ref import Ref
    from reconciler.plan.change import Plan
    from reconciler.targets.target import Target

GROUPS_AT_ONCE = 4
STARTS_AT_ONCE = 4
"""Two containers in the making keep two cores busy; the others wait for init containers."""
STRICTNESS = (
    PullPolicy.NEVER,
    PullPolicy.IF_NOT_PRESENT,
    PullPolicy.MISSING,
    PullPolicy.NEWER,
    PullPolicy.ALWAYS,
)


class Outcome(Value):
    """What became of a change. `fault` is None where it worked; `uid` is the pod it left."""

    change: Change
    fault: Fault | None = None
    uid: str = ""
    seconds: float = 0.0


class Run:
    """One execution: collects outcomes, and which refs have failed, from all its threads."""

    def __init__(self, target: Target, states: Mapping[str, PodState]) -> None:
        self.target = target
        self.states = states
        self.outcomes: list[Outcome] = []
        self.failed: dict[Ref, Fault] = {}
        self._lock = threading.Lock()
        self.notify: Callable[[Outcome], None] = lambda _outcome: None

    def ended(self, change: Change, started: float, fault: Fault | None, uid: str = "") -> None:
        outcome = Outcome(change=change, fault=fault, uid=uid, seconds=time.monotonic() - started)
        with self._lock:
            self.outcomes.append(outcome)
            if fault is not None:
                self.failed[change.ref] = fault
        self.notify(outcome)

    def blocked(self, change: Change) -> bool:
        """Tell whether something that `change` needs has failed; then its outcome is recorded."""
        for need in change.needs:
            if need in self.failed:
                fault = Fault(f"{change.ref}: waits for {need}, which failed")
                self.ended(change, time.monotonic(), fault)
                return True
        return False

    def carry_out(self, change: Change, action: Callable[[], None]) -> None:
        started = time.monotonic()
        fault: Fault | None = None
        try:
            action()
        except Fault as error:
            fault = error
        self.ended(change, started, fault, change.uid)


def run(
    plan: Plan,
    target: Target,
    states: Iterable[PodState],
    notify: Callable[[Outcome], None] = lambda _outcome: None,
) -> tuple[Outcome, ...]:
    """Carry out the plan's changes and return their outcomes; `states` are the observed pods."""
    this = Run(target, {state.uid: state for state in states})
    this.notify = notify
    todo = plan.effective()
    _supplies(this, [change for change in todo if change.op is not Op.DELETE])
    leaving = [change for change in todo if change.uid and change.op in (Op.DELETE, Op.REPLACE)]
    starting = [change for change in todo if change.pod and change.op in (Op.CREATE, Op.REPLACE)]
    left = {change.ref for change in leaving}
    late = [change for change in starting if change.uid or left.intersection(change.needs)]
    early = [change for change in starting if change not in late]
    stopping = threading.Thread(target=_leave, args=(this, leaving))
    stopping.start()
    try:
        _start(this, early)
        _change_in_place(this, todo)
    finally:
        stopping.join()
    _start(this, late)
    _withdraw(this, [change for change in todo if change.op is Op.DELETE and not change.uid])
    return tuple(this.outcomes)


def _supplies(this: Run, changes: Sequence[Change]) -> None:
    """Make what pods use: networks and claims. The other objects are only recorded."""
    for change in changes:
        thing = change.object
        if isinstance(thing, Network):
            this.carry_out(change, partial(this.target.ensure_network, thing))
        elif isinstance(thing, PersistentVolumeClaim):
            this.carry_out(change, partial(this.target.ensure_claim, change.ref))
        elif thing is not None and change.pod is None:
            this.ended(change, time.monotonic(), None)


def _leave(this: Run, changes: Sequence[Change]) -> None:
    """Stop and remove the pods that go, all together."""
    if not changes:
        return
    started = time.monotonic()
    faults = this.target.remove([this.states[change.uid] for change in changes])
    for change in changes:
        fault = faults.get(change.uid)
        if change.op is Op.DELETE or fault is not None:
            this.ended(change, started, fault)


def _start(this: Run, changes: Sequence[Change]) -> None:
    """Prepare the pods together, then start them; each group of images has its own stream."""
    ready = [
        change for change in changes if change.ref not in this.failed and not this.blocked(change)
    ]
    if not ready:
        return
    prepared = this.target.prepare([change.pod for change in ready if change.pod is not None])
    images = Images(this.target, ready)
    groups: dict[frozenset[str], list[Change]] = {}
    for change in ready:
        groups.setdefault(images.of(change), []).append(change)
    pool.run(
        [partial(_start_group, this, group, prepared, images) for group in groups.values()],
        GROUPS_AT_ONCE,
    )


def _start_group(
    this: Run,
    changes: Sequence[Change],
    prepared: Mapping[Ref, PodRecord | Fault],
    images: Images,
) -> None:
    pool.run([partial(images.get, name) for name in images.of(changes[0])], len(changes))
    pool.run(
        [partial(_start_one, this, change, prepared, images) for change in changes],
        STARTS_AT_ONCE,
    )


def _start_one(
    this: Run, change: Change, prepared: Mapping[Ref, PodRecord | Fault], images: Images
) -> None:
    started = time.monotonic()
    record = prepared[change.ref]
    if isinstance(record, Fault):
        this.ended(change, started, record)
        return
    try:
        ids = {name: images.get(name) for name in images.of(change)}
        this.target.start(record, ids)
    except Fault as fault:
        this.target.abandon(record)
        this.ended(change, started, fault, record.uid)
        return
    this.ended(change, started, None, record.uid)


class Images:
    """The images of a batch of pods: each is pulled once, by whoever asks first."""

    def __init__(self, target: Target, changes: Iterable[Change]) -> None:
        self._target = target
        self._policies: dict[str, PullPolicy] = {}
        self._of: dict[Ref, frozenset[str]] = {}
        self._ids: dict[str, str | Fault] = {}
        for change in changes:
            if change.pod is None:
                continue
            spec = change.pod.pod.spec
            containers = (*spec.init_containers, *spec.containers)
            self._of[change.ref] = frozenset(container.image for container in containers)
            for container in containers:
                policy = container.image_pull_policy or PullPolicy.IF_NOT_PRESENT
                known = self._policies.get(container.image, policy)
                self._policies[container.image] = max(policy, known, key=STRICTNESS.index)
        self._locks = {name: threading.Lock() for name in self._policies}

    def of(self, change: Change) -> frozenset[str]:
        return self._of[change.ref]

    def get(self, name: str) -> str:
        """Return the id of the image, pulling it if need be; raises the same fault each time."""
        with self._locks[name]:
            if name not in self._ids:
                try:
                    image = Image(name=name, policy=self._policies[name])
                    self._ids[name] = self._target.pull(image)
                except Fault as fault:
                    self._ids[name] = fault
        found = self._ids[name]
        if isinstance(found, Fault):
            raise found
        return found


def _change_in_place(this: Run, changes: Sequence[Change]) -> None:
    """Update and mend the pods that stay."""

    def change_one(change: Change) -> None:
        if change.pod is None or this.blocked(change):
            return
        state, wanted = this.states[change.uid], change.pod
        act = this.target.mend if change.op is Op.REPAIR else this.target.update
        this.carry_out(change, lambda: act(state, wanted))

    staying = [change for change in changes if change.pod and change.op in (Op.UPDATE, Op.REPAIR)]
    pool.run([partial(change_one, change) for change in staying], STARTS_AT_ONCE)


def _withdraw(this: Run, changes: Sequence[Change]) -> None:
    """Remove what pods used, once they are gone."""
    for change in changes:
        if this.blocked(change):
            continue
        if isinstance(change.object, Network):
            name = change.object.metadata.name
            this.carry_out(change, partial(this.target.remove_network, name))
        elif change.effect is Effect.DATA_LOSS:
            this.carry_out(change, partial(this.target.remove_claim, change.ref))
        else:
            this.ended(change, time.monotonic(), None)
