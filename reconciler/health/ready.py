"""Tell whether what runs of a pod is ready. Pure: the one place that says what `ready` means."""

from __future__ import annotations

from manifests.observed import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.observed import PodState


def why_not(state: PodState) -> str:
    """Return why a pod whose containers run is not ready; "" for one that is."""
    lasting = [one for one in state.pod.spec.init_containers if one.restart_policy is not None]
    for container in (*lasting, *state.pod.spec.containers):
        seen = state.containers.get(container.name)
        if seen is None or seen.stage is not Stage.RUNNING:
            return f"container {container.name} does not run"
    return ""
