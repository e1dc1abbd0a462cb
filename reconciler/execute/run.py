"""Carry out a plan on a target: removals and what pods use first, then pods in parallel.

Called by reconciler.cycle. A change whose needs failed is not tried, and says whose fault it was;
everything else goes on. No pod is stopped for a successor that cannot be made:
reconciler.execute.preflight finds that out before anything is changed.

Two streams run side by side: pods that wait for no removal start at once, while the pods to be
removed take their time to stop; then come those that replace them. A `careful` run, which will be
taken back when anything fails, has them one after the other: what was not stopped need not be
brought back.
"""

from __future__ import annotations

import threading
import time
from functools import partial

from manifests.config import Network, PersistentVolumeClaim
from manifests.faults import Fault, NotReady, Retry, host_fault
from manifests.value import Value
from reconciler.execute import pool
from reconciler.execute.images import Images
from reconciler.plan.change import Change, Effect, Op
from runtime import interrupts

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

_GOING = (Op.DELETE, Op.REPLACE)


class Outcome(Value):
    """What became of a change. `fault` is None where it worked; `uid` is the pod it left."""

    change: Change
    fault: Fault | None = None
    uid: str = ""
    seconds: float = 0.0


class Run:
    """One execution: its changes by what is to be done first, and what has become of them so far.

    `gone` are the uids of the pods that it has removed, `failed` the objects whose change failed.
    What waits for other objects is not done. A run goes on with an `earlier` one of the same wish:
    what became of that is part of it, and `first` are the pods there were before either.
    Of the pods to be started, `late` ones wait for removals; those `beside` replace some, too.
    """

    def __init__(
        self,
        plan: Plan,
        target: Target,
        states: Iterable[PodState],
        notify: Callable[[Outcome], None] = lambda _outcome: None,
        *,
        careful: bool = False,
        earlier: Run | None = None,
    ) -> None:
        self.target = target
        now = {state.uid: state for state in states}
        self.states: dict[str, PodState] = {**earlier.states, **now} if earlier else now
        self.first: Mapping[str, PodState] = earlier.first if earlier else now
        self.careful = careful
        self.outcomes: list[Outcome] = list(earlier.outcomes) if earlier else []
        self.before = len(self.outcomes)
        self.failed: dict[Ref, Fault] = dict(earlier.failed) if earlier else {}
        self.gone: list[str] = list(earlier.gone) if earlier else []
        self.held = plan.held()
        self.todo = tuple(change for change in plan.effective() if not change.after)
        starting = [
            change for change in self.todo if change.pod and change.op in (Op.CREATE, Op.REPLACE)
        ]
        self.late: list[Change] = []
        self.beside: list[Change] = []
        left = {change.ref for change in self.leaving()}
        self.late = [change for change in starting if change.uid or left.intersection(change.needs)]
        self.early = [change for change in starting if change not in self.late]
        replaced = {object_of(change) for change in self.leaving()}
        self.beside = [change for change in self.early if object_of(change) in replaced]
        self.images = Images(target, [*starting, *(one for one in self.held if one.pod)])
        self._lock = threading.Lock()
        self._notify = notify

    @property
    def news(self) -> tuple[Outcome, ...]:
        """The outcomes that no earlier run had."""
        return tuple(self.outcomes[self.before :])

    def leaving(self) -> list[Change]:
        """The changes by which pods go, but for those whose successors cannot be made."""
        replacing = (*self.late, *self.beside)
        kept = {object_of(change) for change in replacing if change.ref in self.failed}
        going = (change for change in self.todo if change.uid and change.op in _GOING)
        return [change for change in going if object_of(change) not in kept]

    def ended(self, change: Change, started: float, fault: Fault | None, uid: str = "") -> None:
        outcome = Outcome(change=change, fault=fault, uid=uid, seconds=time.monotonic() - started)
        with self._lock:
            self.outcomes.append(outcome)
            if fault is not None:
                self.failed[change.ref] = fault
        self._notify(outcome)

    def blocked(self, change: Change) -> bool:
        """Tell whether something that `change` needs has failed; then its outcome is recorded."""
        for need in change.needs:
            if need in self.failed:
                lasting = Retry if isinstance(self.failed[need], Retry) else Fault
                fault = lasting(f"{change.ref}: waits for {need}, which failed")
                self.ended(change, time.monotonic(), fault)
                return True
        return False

    def carry_out(self, change: Change, action: Callable[[], None]) -> None:
        started = time.monotonic()
        self.ended(change, started, tried(str(change.ref), action), change.uid)


def object_of(change: Change) -> Ref:
    """The object that a change belongs to: a pod's workload, or what is changed itself."""
    return change.of or change.ref


def tried(about: str, action: Callable[[], object]) -> Fault | None:
    """Do it; return the fault, also where the host refused a system call."""
    try:
        action()
    except Fault as fault:
        return fault
    except OSError as error:
        return host_fault(about, error)
    return None


def run(
    plan: Plan,
    target: Target,
    states: Iterable[PodState],
    notify: Callable[[Outcome], None] = lambda _outcome: None,
) -> tuple[Outcome, ...]:
    """Carry out the plan's changes and return their outcomes; `states` are the observed pods."""
    from reconciler.execute import preflight

    this = Run(plan, target, states, notify)
    preflight.vet(this)
    carry_out(this)
    return tuple(this.outcomes)


def carry_out(this: Run) -> None:
    """Do all that is to be done, each step after what it needs."""
    _supplies(this, [change for change in this.todo if change.op is not Op.DELETE])
    for change in this.late:
        if change.ref not in this.failed:
            this.blocked(change)
    if this.careful:
        steps: tuple[Callable[[], None], ...] = (
            lambda: _start(this, this.early),
            lambda: _change_in_place(this),
            lambda: _leave(this),
            lambda: _start(this, this.late),
            lambda: _withdraw(this),
        )
        for step in steps:
            _heed_interrupts(this)
            if this.failed:
                return
            step()
        return
    _side_by_side(this)
    _start(this, this.late)
    _withdraw(this)


def _heed_interrupts(this: Run) -> None:
    """Fail what is still to be started if a signal asks podpy to end."""
    fault = tried("", interrupts.check)
    for change in this.late if fault is not None else ():
        if change.ref not in this.failed:
            this.ended(change, time.monotonic(), fault)


def _side_by_side(this: Run) -> None:
    broken: list[BaseException] = []

    def leave() -> None:
        try:
            _leave(this)
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            broken.append(error)

    stopping = threading.Thread(target=leave)
    stopping.start()
    try:
        _start(this, this.early)
        _change_in_place(this)
    finally:
        stopping.join()
    if broken:
        raise broken[0]


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


def _leave(this: Run) -> None:
    """Stop and remove the pods that go: those of one turn together, the last to begin first."""
    changes = this.leaving()
    for turn in sorted({change.turn for change in changes}, reverse=True):
        _remove(this, [change for change in changes if change.turn == turn])


def _remove(this: Run, changes: Sequence[Change]) -> None:
    started = time.monotonic()
    faults: dict[str, Fault] = {}

    def remove() -> None:
        faults.update(this.target.remove([this.states[change.uid] for change in changes]))

    whole = tried("removal of pods", remove)
    for change in changes:
        fault = whole or faults.get(change.uid)
        if fault is None:
            this.gone.append(change.uid)
        if change.op is Op.DELETE or fault is not None:
            this.ended(change, started, fault)


def _start(this: Run, changes: Sequence[Change]) -> None:
    """Prepare the pods together, then start them; each group of images has its own stream."""
    ready = [
        change for change in changes if change.ref not in this.failed and not this.blocked(change)
    ]
    if not ready:
        return
    started = time.monotonic()
    prepared: dict[Ref, PodRecord | Fault] = {}

    def prepare() -> None:
        wanted = [change.pod for change in ready if change.pod is not None]
        prepared.update(this.target.prepare(wanted))

    whole = tried("preparation of pods", prepare)
    if whole is not None:
        for change in ready:
            this.ended(change, started, whole)
        return
    groups: dict[frozenset[str], list[Change]] = {}
    for change in ready:
        groups.setdefault(this.images.of(change), []).append(change)
    pool.run(
        [partial(_start_group, this, group, prepared) for group in groups.values()],
        GROUPS_AT_ONCE,
    )


def _start_group(
    this: Run, changes: Sequence[Change], prepared: Mapping[Ref, PodRecord | Fault]
) -> None:
    names = this.images.of(changes[0])
    pool.run([partial(this.images.get, name) for name in names], len(changes))
    pool.run([partial(_start_one, this, change, prepared) for change in changes], STARTS_AT_ONCE)


def _start_one(this: Run, change: Change, prepared: Mapping[Ref, PodRecord | Fault]) -> None:
    started = time.monotonic()
    record = prepared[change.ref]
    if isinstance(record, Fault):
        this.ended(change, started, record)
        return

    def start() -> None:
        interrupts.check(str(change.ref))
        ids = {name: this.images.get(name) for name in this.images.of(change)}
        this.target.start(record, ids)

    fault = tried(str(change.ref), start)
    # A pod that waits for something may get it after podpy's end: only a careful run takes it back.
    if fault is not None and (this.careful or not isinstance(fault, NotReady)):
        left = tried(str(change.ref), partial(this.target.abandon, record))
        if left is not None:
            fault = Fault(f"{fault}; what was made of it could not be removed: {left}")
    this.ended(change, started, fault, record.uid)


def _change_in_place(this: Run) -> None:
    """Update and mend the pods that stay."""

    def change_one(change: Change) -> None:
        if change.pod is None or this.blocked(change):
            return
        state, wanted = this.states[change.uid], change.pod
        act = this.target.mend if change.op is Op.REPAIR else this.target.update
        this.carry_out(change, lambda: act(state, wanted))

    staying = [change for change in this.todo if change.pod and change.op in (Op.UPDATE, Op.REPAIR)]
    pool.run([partial(change_one, change) for change in staying], STARTS_AT_ONCE)


def _withdraw(this: Run) -> None:
    """Remove what pods used, once they are gone."""
    for change in this.todo:
        if change.op is not Op.DELETE or change.uid or this.blocked(change):
            continue
        if isinstance(change.object, Network):
            name = change.object.metadata.name
            this.carry_out(change, partial(this.target.remove_network, name))
        elif change.effect is Effect.DATA_LOSS:
            this.carry_out(change, partial(this.target.remove_claim, change.ref))
        else:
            this.ended(change, time.monotonic(), None)
