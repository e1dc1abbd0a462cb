"""Stop containers of pods: one after the other, or all of several pods at once.

Nothing is decided here: which ones are to stop is the caller's, as is the lock that keeps others
from starting them again.
"""

from __future__ import annotations

import signal

from manifests.observed import Stage
from runtime.oci import container as oci
from runtime.oci.container import Container

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from manifests.observed import PodState
    from reconciler.targets.host.base import Base


def containers(base: Base, state: PodState, names: tuple[str, ...]) -> None:
    """Stop these containers in order, each with the pod's grace period."""
    grace = float(state.pod.spec.termination_grace_period_seconds)
    seen = base.cgroups if state.pod.spec.host_pid else None
    for name in names:
        number = signal_of(base, state, name)
        oci.stop([(Container.of(base.paths, state.uid, name), number, grace)], seen)


def pods(base: Base, states: Sequence[PodState], graces: Mapping[str, float]) -> None:
    """Stop the containers of all pods, which share one wait; `graces` are by uid, in seconds.

    Sidecars (init containers that run) go after the others, as in Kubernetes.
    """
    for sidecars in (False, True):
        stopping = [
            (
                Container.of(base.paths, state.uid, container.name),
                signal_of(base, state, container.name),
                graces[state.uid],
            )
            for state in states
            for container in (
                state.pod.spec.init_containers if sidecars else state.pod.spec.containers
            )
            if state.containers[container.name].stage in (Stage.RUNNING, Stage.CREATED)
        ]
        if stopping:
            shared = any(state.pod.spec.host_pid for state in states)
            oci.stop(stopping, base.cgroups if shared else None)


def signal_of(base: Base, state: PodState, name: str) -> int:
    """Return the signal that stops a container: the manifest's, the image's, else SIGTERM."""
    spec = state.pod.spec
    for container in (*spec.init_containers, *spec.containers):
        if container.name == name and container.lifecycle.stop_signal:
            return signal.Signals[container.lifecycle.stop_signal]
    image_id = state.containers[name].record.image_id
    image = base.store.image(image_id) if image_id else None
    wanted = image.config.stop_signal if image is not None else ""
    if wanted.isdigit():
        return int(wanted)
    name = wanted if wanted.startswith("SIG") else f"SIG{wanted}"
    return signal.Signals[name] if wanted and name in signal.Signals.__members__ else signal.SIGTERM
