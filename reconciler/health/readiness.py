"""Tell whether containers and pods are ready: what was observed in, yes or why not out. Pure.

The one place that says what `ready` means, asked by whoever shows pods, waits for them or counts
them. A container is ready while it runs, its startup probe, if it has one, has passed in this run,
and so has its readiness probe. What nobody has probed yet is not ready; what nobody probes any
more is what it was found to be last, and `why_not` and `unattended` say that.
"""

from __future__ import annotations

from manifests import probes
from manifests.observed import Stage
from manifests.probes import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.container import Container
    from manifests.observed import ContainerState, Health, PodState

NOBODY = "nobody runs its probes now: the agent does (podpy agent), and apply while it waits"


def started(container: Container, state: ContainerState | None) -> bool:
    """Tell whether a container runs and its startup probe, if it has one, has passed."""
    if state is None or state.stage is not Stage.RUNNING:
        return False
    return container.startup_probe is None or (state.health is not None and state.health.started)


def ready(container: Container, state: ContainerState | None) -> bool:
    """Tell whether a container is ready."""
    if state is None or not started(container, state):
        return False
    return container.readiness_probe is None or (state.health is not None and state.health.ready)


def pod_ready(state: PodState) -> bool:
    """Tell whether all of a pod's containers are, and its sidecars: the condition `Ready`.

    A pod that ends, has ended or is going is not.
    """
    record = state.record
    if record.finished or record.deleting or record.reason:
        return False
    return all(ready(one, state.containers.get(one.name)) for one in _lasting(state))


def ready_since(state: PodState) -> float:
    """Return when the last of a ready pod's containers became ready; seconds since the epoch."""
    return max((_since(one, state.containers[one.name]) for one in _lasting(state)), default=0.0)


def why_not(state: PodState) -> str:
    """Return why a pod whose containers run is not ready: the first container's reason, or ""."""
    for container in _lasting(state):
        seen = state.containers.get(container.name)
        if seen is None or ready(container, seen):
            continue
        if seen.stage is not Stage.RUNNING:
            return f"container {container.name} does not run"
        kind = Kind.READINESS if started(container, seen) else Kind.STARTUP
        told = f"container {container.name}: {_last_words(kind, seen.health)}"
        return told if state.prober else f"{told}; {NOBODY}"
    return ""


def unattended(state: PodState) -> bool:
    """Tell whether the pod has containers that run and are to be probed, and nobody does."""
    return not state.prober and any(True for _ in probed(state))


def probed(state: PodState) -> Iterator[Container]:
    """Give the containers of a pod that run and have probes."""
    record = state.record
    if record.finished or record.deleting:
        return
    for container in _lasting(state):
        seen = state.containers.get(container.name)
        if seen is not None and seen.stage is Stage.RUNNING and has_probes(container):
            yield container


def has_probes(container: Container) -> bool:
    return any(True for _ in probes.of_container(container))


def _lasting(state: PodState) -> tuple[Container, ...]:
    spec = state.pod.spec
    sidecars = (one for one in spec.init_containers if one.restart_policy is not None)
    return (*sidecars, *spec.containers)


def _since(container: Container, seen: ContainerState) -> float:
    if seen.health is None or not has_probes(container):
        return seen.record.started_at
    return max(seen.health.turned_at, seen.record.started_at)


def _last_words(kind: Kind, health: Health | None) -> str:
    result = health.results.get(kind) if health is not None else None
    if result is None:
        return f"its {kind} probe has not been tried yet"
    if result.ok:
        return f"its {kind} probe has to succeed more often"
    return f"its {kind} probe failed: {result.message}"
