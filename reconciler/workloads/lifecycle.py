"""Decide what one pod's containers need next: which to start, which to stop, when to look again.

Pure and level-triggered: the same function serves the first start, a container's exit, a pass of
the agent and a pass after a crash. The rules are the kubelet's: init containers in order and to
their end, sidecars (init containers with restartPolicy Always) kept up from their turn on and
waited for until their startup probe has passed, the restart policy with exponential back-off, and
sidecars stopped once the last container has ended; a pod that still runs at its deadline is
stopped, and Failed.
"""

from __future__ import annotations

from manifests.observed import ContainerState, Phase, Stage
from manifests.pod import RestartPolicy
from manifests.value import Value
from reconciler.health import readiness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.container import Container
    from manifests.observed import PodState
    from manifests.pod import PodSpec

FIRST_BACKOFF = 10.0
LONGEST_BACKOFF = 300.0
STEADY_AFTER = 600.0
"""A container that ran this many seconds has recovered: its back-off begins anew."""

DEADLINE_EXCEEDED = "DeadlineExceeded"
MESSAGES = {DEADLINE_EXCEEDED: "Pod was active on the node longer than the specified deadline"}
"""What Kubernetes says to the reasons for which a pod is ended."""


class Decision(Value):
    """`start` and `stop` name containers, in order; `wake_at` is when to look at the pod again.

    `delayed` names the containers in their back-off, `waiting_for` running init containers: the
    pod goes on when they end; `unstarted` sidecars: it goes on when their startup probe has passed.
    With a `reason` the whole pod is to end, whatever runs of it.
    """

    phase: Phase
    start: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    delayed: tuple[str, ...] = ()
    wake_at: float | None = None
    waiting_for: tuple[str, ...] = ()
    unstarted: tuple[str, ...] = ()
    reason: str = ""


def is_sidecar(container: Container) -> bool:
    return container.restart_policy is not None


def next_backoff(state: ContainerState) -> float:
    """Return the delay to keep after the attempt that is about to start has ended.

    The first restart is immediate, the second comes 10 s after the end, then 20, 40 ... 300 s.
    """
    if not state.record.container_id or state.ended is None:
        return 0.0
    delay = _delay(state)
    return FIRST_BACKOFF if not delay else min(delay * 2, LONGEST_BACKOFF)


def _delay(state: ContainerState) -> float:
    """Return how long after its end the container is due again: at once if it was steady."""
    record, ended = state.record, state.ended
    if ended is not None and ended.finished_at - record.started_at >= STEADY_AFTER:
        return 0.0
    return record.backoff


def retry_delay(failures: int) -> float:
    """Return how long to wait after something has failed `failures` times in a row."""
    # The exponent is bounded so that no number of failures can overflow.
    return min(FIRST_BACKOFF * 2.0 ** min(failures - 1, 10), LONGEST_BACKOFF)


def of_pod(state: PodState, now: float) -> Decision:
    """Return what the pod needs now, its deadline considered.

    One whose containers have all ended by themselves is over, whenever that was.
    """
    record = state.record
    decision = decide(record.pod.spec, state.containers, now)
    if record.reason:
        return _ended_by_force(state, record.reason)
    if not record.deadline or decision.phase in (Phase.SUCCEEDED, Phase.FAILED):
        return decision
    if record.deadline <= now:
        return _ended_by_force(state, DEADLINE_EXCEEDED)
    wake_at = record.deadline if decision.wake_at is None else decision.wake_at
    return decision.replace(wake_at=min(wake_at, record.deadline))


def _ended_by_force(state: PodState, reason: str) -> Decision:
    alive = (Stage.RUNNING, Stage.CREATED)
    living = tuple(name for name, one in state.containers.items() if one.stage in alive)
    return Decision(phase=Phase.FAILED, stop=living, reason=reason)


def decide(spec: PodSpec, states: Mapping[str, ContainerState], now: float) -> Decision:
    """Return what the containers need now. `states` may lack some: these are absent."""
    begun = any(_stage(states, container) is not Stage.ABSENT for container in spec.containers)
    if not begun:
        decision = _initialise(spec, states, now)
        if decision is not None:
            return decision
    return _run(spec, states, now)


def _stage(states: Mapping[str, ContainerState], container: Container) -> Stage:
    state = states.get(container.name)
    return Stage.ABSENT if state is None else state.stage


def _initialise(spec: PodSpec, states: Mapping[str, ContainerState], now: float) -> Decision | None:
    """Return what the first unfinished init container needs; None when all have had their turn."""
    restarts: list[str] = []
    waits: dict[str, float] = {}
    for index, container in enumerate(spec.init_containers):
        stage = _stage(states, container)
        if is_sidecar(container):
            if readiness.started(container, states.get(container.name)):
                continue
            later = spec.init_containers[index + 1 :]
            first = all(_stage(states, follower) is Stage.ABSENT for follower in later)
            if stage is not Stage.RUNNING:
                _restart_or_wait(states.get(container.name), container.name, now, restarts, waits)
            elif first:
                return _pending(restarts, waits, unstarted=(container.name,))
            if first:
                return _pending(restarts, waits)
            continue
        state = states.get(container.name)
        if state is not None and stage is Stage.EXITED and state.ended is not None:
            if state.ended.exit_code == 0:
                continue
            if spec.restart_policy is RestartPolicy.NEVER:
                return Decision(phase=Phase.FAILED, stop=_running_sidecars(spec, states))
        if stage is Stage.RUNNING:
            return _pending(restarts, waits, waiting_for=(container.name,))
        _restart_or_wait(state, container.name, now, restarts, waits)
        return _pending(restarts, waits)
    return None


def _pending(
    start: list[str],
    waits: dict[str, float],
    waiting_for: tuple[str, ...] = (),
    unstarted: tuple[str, ...] = (),
) -> Decision:
    return Decision(
        phase=Phase.PENDING,
        start=tuple(start),
        delayed=tuple(waits),
        wake_at=min(waits.values(), default=None),
        waiting_for=waiting_for,
        unstarted=unstarted,
    )


def _run(spec: PodSpec, states: Mapping[str, ContainerState], now: float) -> Decision:
    start: list[str] = []
    waits: dict[str, float] = {}
    done = [
        container for container in spec.containers if _is_done(spec, states.get(container.name))
    ]
    if len(done) == len(spec.containers):
        failed = any(
            (state := states.get(container.name)) and state.ended and state.ended.exit_code != 0
            for container in done
        )
        return Decision(
            phase=Phase.FAILED if failed else Phase.SUCCEEDED,
            stop=_running_sidecars(spec, states),
        )
    sidecars = [container for container in spec.init_containers if is_sidecar(container)]
    for container in (*sidecars, *spec.containers):
        if container not in done and _stage(states, container) is not Stage.RUNNING:
            _restart_or_wait(states.get(container.name), container.name, now, start, waits)
    unborn = (Stage.ABSENT, Stage.CREATED)
    waiting = any(_stage(states, container) in unborn for container in spec.containers)
    return Decision(
        phase=Phase.PENDING if waiting else Phase.RUNNING,
        start=tuple(start),
        delayed=tuple(waits),
        wake_at=min(waits.values(), default=None),
    )


def _is_done(spec: PodSpec, state: ContainerState | None) -> bool:
    """Tell whether a container has ended for good under the pod's restart policy."""
    if state is None or state.stage is not Stage.EXITED or state.ended is None:
        return False
    match spec.restart_policy:
        case RestartPolicy.ALWAYS:
            return False
        case RestartPolicy.NEVER:
            return True
        case RestartPolicy.ON_FAILURE:
            return state.ended.exit_code == 0


def _restart_or_wait(
    state: ContainerState | None, name: str, now: float, start: list[str], waits: dict[str, float]
) -> None:
    due = 0.0
    # An end in the future: the clock was set back, and how long ago that was nobody can tell.
    if state is not None and state.ended is not None and state.ended.finished_at <= now:
        due = state.ended.finished_at + _delay(state)
    if due <= now:
        start.append(name)
    else:
        waits[name] = due


def _running_sidecars(spec: PodSpec, states: Mapping[str, ContainerState]) -> tuple[str, ...]:
    """The sidecars that still run, the last started first."""
    return tuple(
        container.name
        for container in reversed(spec.init_containers)
        if is_sidecar(container) and _stage(states, container) is Stage.RUNNING
    )
