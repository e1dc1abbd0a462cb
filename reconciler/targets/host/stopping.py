"""Stop containers of pods: one after the other, or all of several pods at once.

Nothing is decided here: which ones are to stop is the caller's, as is the lock that keeps others
from starting them again.
"""

from __future__ import annotations

import time
from functools import partial

from manifests.container import Container
from manifests.faults import Fault
from manifests.observed import PodState, Stage
from manifests.value import Value
from reconciler.execute import pool
from reconciler.targets.host import handlers
from runtime import descriptors
from runtime.kernel import signals
from runtime.oci import ending
from runtime.oci.container import Container as OciContainer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.targets.host.base import Base

_LEAST_SECONDS = 2.0
"""The kubelet's minimumGracePeriodInSeconds."""


class _Stop(Value):
    """One container that is to be stopped, within so many seconds."""

    state: PodState
    container: Container
    grace: float


def containers(
    base: Base, state: PodState, names: tuple[str, ...], seconds: int | None = None
) -> None:
    """Stop these containers in order, each with the pod's grace period, unless that is given."""
    spec = state.pod.spec
    by_name = {one.name: one for one in (*spec.init_containers, *spec.containers)}
    grace = float(spec.termination_grace_period_seconds if seconds is None else seconds)
    for name in names:
        _stop_one(base, _Stop(state=state, container=by_name[name], grace=grace))


def pods(base: Base, states: Sequence[PodState], graces: Mapping[str, float]) -> None:
    """Stop the containers of all pods, which share one wait; `graces` are by uid, in seconds.

    Sidecars (init containers that run) go after the others, as in Kubernetes, and have what is
    left of the pod's time, but two seconds at least. A container with a preStop gets its signal
    after that, which keeps none of the others waiting.
    """
    began = time.monotonic()
    for sidecars in (False, True):
        gone = time.monotonic() - began if sidecars else 0.0
        stops = [
            _Stop(state=state, container=container, grace=left(graces[state.uid], gone))
            for state in states
            for container in (
                state.pod.spec.init_containers if sidecars else state.pod.spec.containers
            )
            if state.containers[container.name].stage in (Stage.RUNNING, Stage.CREATED)
        ]
        asking = [one for one in stops if _has_wish(one)]
        silent = [one for one in stops if not _has_wish(one)]
        tasks = [partial(_stop_one, base, one) for one in asking]
        if silent:
            tasks.append(partial(_signal, base, silent))
        if tasks:
            # For each exec: its process, what describes it, the pod's namespaces.
            with descriptors.room_for(10 * len(asking)):
                outcomes = pool.run(tasks, len(tasks))
            for outcome in outcomes:
                if isinstance(outcome, Fault):
                    raise outcome


def left(grace: float, gone: float) -> float:
    """Return how many of a pod's seconds to stop are left to its sidecars, `gone` seconds later."""
    return max(grace - gone, min(grace, _LEAST_SECONDS))


def _has_wish(one: _Stop) -> bool:
    running = one.state.containers[one.container.name].stage is Stage.RUNNING
    return running and one.grace > 0 and one.container.lifecycle.pre_stop is not None


def _stop_one(base: Base, one: _Stop) -> None:
    grace = one.grace
    if _has_wish(one):
        grace = handlers.before_stop(base, one.state.record, one.container, grace)
    _signal(base, [one.replace(grace=grace)])


def _signal(base: Base, stops: Sequence[_Stop]) -> None:
    stopping = [
        (
            OciContainer.of(base.paths, one.state.uid, one.container.name),
            signal_of(base, one.state, one.container.name),
            one.grace,
        )
        for one in stops
    ]
    shared = any(one.state.pod.spec.host_pid for one in stops)
    ending.stop(stopping, base.cgroups, by_cgroup=shared)


def signal_of(base: Base, state: PodState, name: str) -> int:
    """Return the signal that stops a container: the manifest's, the image's, else SIGTERM."""
    spec = state.pod.spec
    for container in (*spec.init_containers, *spec.containers):
        if container.name == name and container.lifecycle.stop_signal:
            import signal

            return signal.Signals[container.lifecycle.stop_signal]
    image_id = state.containers[name].record.image_id
    image = base.store.image(image_id) if image_id else None
    wanted = image.config.stop_signal if image is not None else ""
    if not wanted:
        return signals.SIGTERM
    if wanted.isdigit():
        return int(wanted)
    import signal

    name = wanted if wanted.startswith("SIG") else f"SIG{wanted}"
    return signal.Signals[name] if name in signal.Signals.__members__ else signals.SIGTERM
