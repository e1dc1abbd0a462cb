"""Word a pod's state as kubectl does: the row of `get pods`, and the `status` of its YAML. Pure."""

from __future__ import annotations

import time

from manifests.observed import ContainerState, Phase, Stage
from manifests.value import Value
from reconciler.workloads import lifecycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.observed import PodState, Termination


class Row(Value):
    """What `get pods` shows of a pod; `age` in seconds."""

    ready: int
    containers: int
    status: str
    restarts: int
    age: float


def row(state: PodState, now: float) -> Row:
    """Return the pod's row. Without probes a container that runs is ready."""
    spec = state.pod.spec
    sidecars = [one.name for one in spec.init_containers if lifecycle.is_sidecar(one)]
    names = [*sidecars, *(one.name for one in spec.containers)]
    states = [state.containers[name] for name in names]
    return Row(
        ready=sum(one.stage is Stage.RUNNING for one in states),
        containers=len(states),
        status=word(state, now),
        restarts=sum(one.record.attempt for one in states),
        age=max(0.0, now - state.record.created_at),
    )


def word(state: PodState, now: float) -> str:
    """Return the STATUS column's word, by the rules of kubectl's printer."""
    if state.record.deleting:
        return "Terminating"
    phase = lifecycle.decide(state.pod.spec, state.containers, now).phase
    if not state.record.complete and not state.record.finished:
        return "ContainerCreating"
    if phase is Phase.PENDING or (phase is Phase.FAILED and not _begun(state)):
        return _initialising(state)
    worst = ""
    for container in reversed(state.pod.spec.containers):
        reason = waiting_reason(state, state.containers[container.name])
        worst = reason or worst
    return worst or phase.value


def _begun(state: PodState) -> bool:
    return any(
        state.containers[one.name].stage is not Stage.ABSENT for one in state.pod.spec.containers
    )


def _initialising(state: PodState) -> str:
    total = len(state.pod.spec.init_containers)
    for position, container in enumerate(state.pod.spec.init_containers):
        current = state.containers[container.name]
        if current.ended is not None and current.ended.exit_code == 0:
            continue
        if lifecycle.is_sidecar(container) and current.stage is Stage.RUNNING:
            continue
        reason = waiting_reason(state, current)
        return f"Init:{reason}" if reason else f"Init:{position}/{total}"
    return "PodInitializing"


def waiting_reason(state: PodState, current: ContainerState) -> str:
    """Why the container does not run, in the kubelet's word; "" while it runs or is fine."""
    ended = current.ended
    if current.stage is Stage.RUNNING:
        return ""
    if ended is None:
        return "" if state.record.complete else "ContainerCreating"
    if current.record.backoff and not state.record.finished:
        return "CrashLoopBackOff"
    return ended.reason


def phase(state: PodState, now: float) -> Phase:
    return lifecycle.decide(state.pod.spec, state.containers, now).phase


def wire(state: PodState, host: str, now: float) -> dict[str, Any]:
    """Return the pod's `status` in Kubernetes' shape."""
    spec = state.pod.spec
    shown = row(state, now)
    ready = "True" if shown.ready == shown.containers else "False"
    return {
        "phase": phase(state, now).value,
        "hostIP": host,
        "podIP": state.record.address or host,
        "startTime": stamp(state.record.created_at),
        "conditions": [
            {"type": kind, "status": status}
            for kind, status in (
                ("Initialized", "True" if _begun(state) else "False"),
                ("ContainersReady", ready),
                ("Ready", ready),
                ("PodScheduled", "True"),
            )
        ],
        "initContainerStatuses": [
            _container(state, one.name, one.image) for one in spec.init_containers
        ],
        "containerStatuses": [_container(state, one.name, one.image) for one in spec.containers],
    }


def _container(state: PodState, name: str, image: str) -> dict[str, Any]:
    current = state.containers[name]
    running = current.stage is Stage.RUNNING
    found: dict[str, Any] = {
        "name": name,
        "image": image,
        "imageID": f"sha256:{current.record.image_id}" if current.record.image_id else "",
        "containerID": f"podpy://{current.record.container_id}",
        "ready": running,
        "started": running,
        "restartCount": current.record.attempt,
        "state": _state(state, current),
    }
    if current.record.last is not None and running:
        found["lastState"] = {"terminated": _terminated(current.record.last)}
    return found


def _state(state: PodState, current: ContainerState) -> dict[str, Any]:
    if current.stage is Stage.RUNNING:
        return {"running": {"startedAt": stamp(current.record.started_at)}}
    reason = waiting_reason(state, current)
    if current.ended is not None and reason != "CrashLoopBackOff":
        return {"terminated": _terminated(current.ended)}
    return {"waiting": {"reason": reason or "PodInitializing"}}


def _terminated(ended: Termination) -> dict[str, Any]:
    return {
        "exitCode": ended.exit_code,
        "reason": ended.reason,
        "startedAt": stamp(ended.started_at),
        "finishedAt": stamp(ended.finished_at),
        **({"signal": ended.signal} if ended.signal else {}),
    }


def stamp(seconds: float) -> str:
    """Return a time as Kubernetes writes it: 2026-11-24T06:00:00Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def age(seconds: float) -> str:
    """Return a duration as kubectl's AGE column writes it: 45s, 12m, 3h, 2d."""
    whole = int(seconds)
    if whole < 120:
        return f"{whole}s"
    if whole < 7200:
        return f"{whole // 60}m"
    if whole < 172800:
        return f"{whole // 3600}h"
    return f"{whole // 86400}d"
