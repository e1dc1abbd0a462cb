"""Word a pod's state as kubectl does: the cells of `get pods`, and the `status` of its YAML. Pure.

The rules are those of kubectl's printer and of the kubelet: a container that waits for its restart
is in CrashLoopBackOff, an init container that has failed gives Init:Error, and so on.
"""

from __future__ import annotations

import time

from manifests.observed import Phase, Stage
from manifests.pod import RestartPolicy
from manifests.value import Value
from reconciler.health import readiness
from reconciler.workloads import lifecycle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.container import Container
    from manifests.observed import Health, PodState, Termination

CRASH_LOOP = "CrashLoopBackOff"
CREATED = "Created"
CREATING = "ContainerCreating"
INITIALIZING = "PodInitializing"
OVER = (Phase.SUCCEEDED, Phase.FAILED)


class Shown(Value):
    """One container as Kubernetes words it. It either runs, or is `terminated`, or else waits.

    `waiting` is a reason with its `message`; `running` is when the present run started; `last` is
    how the run before this one ended. `init`: of the pod's init containers, sidecars among them.
    `started` and `ready` are what its probes have found (reconciler.health.readiness), the last
    results of which are in `health`.
    """

    name: str
    image: str
    init: bool = False
    sidecar: bool = False
    waiting: str = ""
    message: str = ""
    running: float = 0.0
    terminated: Termination | None = None
    last: Termination | None = None
    restarts: int = 0
    container_id: str = ""
    image_id: str = ""
    started: bool = False
    ready: bool = False
    health: Health | None = None

    @property
    def runs(self) -> bool:
        return self.running > 0

    @property
    def passed(self) -> bool:
        """Whether an init container no longer keeps the next ones from starting."""
        done = self.terminated is not None and self.terminated.exit_code == 0
        return done or (self.sidecar and self.started)

    @property
    def refused(self) -> bool:
        """Whether something keeps it from being made or started."""
        return self.waiting not in ("", CREATING, INITIALIZING, CRASH_LOOP)

    @property
    def said_ready(self) -> bool:
        """What Kubernetes reports: an init container that is done is ready, another is not."""
        return self.ready or (self.init and not self.sidecar and self.passed)


class Summary(Value):
    """A pod as `get pods` shows it. `restarted_at` is when a run last ended; 0 if none has.

    `reason` tells why the pod was ended before its containers ended by themselves.
    """

    phase: Phase
    word: str
    reason: str = ""
    ready: int
    total: int
    restarts: int
    restarted_at: float = 0.0
    inits: tuple[Shown, ...] = ()
    mains: tuple[Shown, ...] = ()


def summary(state: PodState, now: float) -> Summary:
    """Return what kubectl would show of the pod."""
    spec = state.pod.spec
    decision = lifecycle.of_pod(state, now)
    inits = tuple(
        _shown(state, one, decision.start).replace(init=True) for one in spec.init_containers
    )
    mains = tuple(_shown(state, one, decision.start) for one in spec.containers)
    early = decision.phase in (Phase.PENDING, Phase.FAILED)
    # podpy tries the images of all containers first, so a later one can keep the pod from its init.
    stuck = any(one.refused for one in mains)
    initial = _init_word(inits) if early and not stuck else ""
    lasting = (*(one for one in inits if one.sidecar), *mains)
    counted = inits if initial else lasting
    word = decision.reason or initial or _word(decision.phase, mains)
    if state.record.held:
        word = CREATED
    if state.record.deleting and decision.phase not in OVER:
        word = "Terminating"
    return Summary(
        phase=decision.phase,
        word=word,
        reason=decision.reason,
        ready=sum(one.ready for one in lasting),
        total=len(lasting),
        restarts=sum(one.restarts for one in counted),
        restarted_at=max((one.last.finished_at for one in counted if one.last), default=0.0),
        inits=inits,
        mains=mains,
    )


def trouble(state: PodState, now: float) -> str:
    """Return why containers of the pod wait, or "": what is refused before what only waits."""
    seen = summary(state, now)
    waiting = [one for one in (*seen.inits, *seen.mains) if one.message]
    first = next((one for one in waiting if one.refused), waiting[0] if waiting else None)
    return f"{first.waiting}: {first.message}" if first is not None else ""


def _shown(state: PodState, container: Container, due: tuple[str, ...]) -> Shown:
    waiting = INITIALIZING if state.pod.spec.init_containers else CREATING
    common = Shown(
        name=container.name,
        image=container.image,
        sidecar=lifecycle.is_sidecar(container),
        waiting=waiting,
    )
    current = state.containers.get(container.name)
    if current is None:
        return common
    record = current.record
    common = common.replace(
        restarts=record.attempt,
        container_id=record.container_id,
        image_id=record.image_id or state.record.images.get(container.name, ""),
        last=record.last if record.attempt else None,
    )
    if current.stage is Stage.RUNNING:
        return common.replace(
            waiting="",
            running=record.started_at,
            started=readiness.started(container, current),
            ready=readiness.ready(container, current),
            health=current.health,
        )
    if current.ended is not None:
        return _ended(state, container, common, current.ended, due)
    return common.replace(waiting=record.problem_reason or waiting, message=record.problem)


def _ended(
    state: PodState,
    container: Container,
    common: Shown,
    ended: Termination,
    due: tuple[str, ...],
) -> Shown:
    if _restarts(state, container, ended) and container.name not in due:
        backoff = state.containers[container.name].record.backoff
        text = f"back-off {backoff:g}s restarting failed container {container.name}"
        return common.replace(waiting=CRASH_LOOP, message=text, last=ended)
    # The record of a pod that has ended for good holds this end as its last one, too.
    last = common.last if common.last and common.last.finished_at < ended.finished_at else None
    return common.replace(waiting="", terminated=ended, last=last)


def _restarts(state: PodState, container: Container, ended: Termination) -> bool:
    """Tell whether the container is to run again after this end."""
    if state.record.finished or state.record.deleting:
        return False
    if lifecycle.is_sidecar(container):
        return True
    match state.pod.spec.restart_policy:
        case RestartPolicy.ALWAYS:
            return ended.exit_code != 0 or container in state.pod.spec.containers
        case RestartPolicy.ON_FAILURE:
            return ended.exit_code != 0
        case RestartPolicy.NEVER:
            return False


def _init_word(inits: tuple[Shown, ...]) -> str:
    """Return Init:... while an init container keeps the pod from running, else ""."""
    for position, one in enumerate(inits):
        if one.passed:
            continue
        if one.terminated is not None:
            return f"Init:{_end_word(one.terminated)}"
        if one.waiting and one.waiting != INITIALIZING:
            return f"Init:{one.waiting}"
        return f"Init:{position}/{len(inits)}"
    return ""


def _word(phase: Phase, mains: tuple[Shown, ...]) -> str:
    """Return the trouble of the first container that has any, or the phase.

    What is refused comes before what only waits for it.
    """
    word, running = phase.value, False
    refused = [one for one in mains if one.refused]
    others = [one for one in mains if not one.refused]
    for one in reversed((*refused, *others)):
        if one.runs:
            running = running or one.ready
        elif one.terminated is not None:
            word = _end_word(one.terminated)
        else:
            word = one.waiting
    return "NotReady" if word == "Completed" and running else word


def _end_word(ended: Termination) -> str:
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code}"


def wire(state: PodState, host: str, now: float) -> dict[str, Any]:
    """Return the pod's `status` in Kubernetes' shape; `host` is this host's address."""
    from reconciler.targets.host import process

    seen = summary(state, now)
    address = host if state.pod.spec.host_network else state.record.address
    found: dict[str, Any] = {"phase": seen.phase.value, "conditions": conditions(state, seen)}
    if seen.reason:
        found |= {"reason": seen.reason, "message": lifecycle.MESSAGES.get(seen.reason, "")}
    if host:
        found |= {"hostIP": host, "hostIPs": [{"ip": host}]}
    if address:
        found |= {"podIP": address, "podIPs": [{"ip": address}]}
    found["startTime"] = stamp(state.record.created_at)
    if seen.inits:
        found["initContainerStatuses"] = [_container(one) for one in seen.inits]
    found["containerStatuses"] = [_container(one) for one in seen.mains]
    found["qosClass"] = process.qos(state.pod.spec).value
    return found


def _container(one: Shown) -> dict[str, Any]:
    last = {"terminated": termination(one.last)} if one.last is not None else {}
    return {
        "name": one.name,
        "image": one.image,
        "imageID": f"sha256:{one.image_id}" if one.image_id else "",
        "containerID": f"podpy://{one.container_id}" if one.container_id else "",
        "ready": one.said_ready,
        "started": one.started,
        "restartCount": one.restarts,
        "state": _state(one),
        "lastState": last,
    }


def _state(one: Shown) -> dict[str, Any]:
    if one.runs:
        return {"running": {"startedAt": stamp(one.running)}}
    if one.terminated is not None:
        return {"terminated": termination(one.terminated)}
    message = {"message": one.message} if one.message else {}
    return {"waiting": {"reason": one.waiting, **message}}


def termination(ended: Termination) -> dict[str, Any]:
    """Return how a container ended, in Kubernetes' shape."""
    return {
        "exitCode": ended.exit_code,
        "reason": ended.reason,
        **({"signal": ended.signal} if ended.signal else {}),
        **({"message": ended.message} if ended.message else {}),
        "startedAt": stamp(ended.started_at),
        "finishedAt": stamp(ended.finished_at),
    }


def conditions(state: PodState, seen: Summary) -> list[dict[str, Any]]:
    """Return the pod's conditions: scheduled, initialized, containers ready, ready."""
    created = state.record.created_at
    turned = max((_turned(one) for one in (*seen.inits, *seen.mains)), default=0.0) or created
    early = [one.name for one in seen.inits if not one.passed]
    if seen.phase in (Phase.RUNNING, Phase.SUCCEEDED):
        early = []
    sidecars = (one for one in seen.inits if one.sidecar)
    late = [one.name for one in (*sidecars, *seen.mains) if not one.ready]
    uninitialized = _complaint("ContainersNotInitialized", "incomplete", early)
    unready = _complaint("ContainersNotReady", "unready", late)
    if seen.phase is Phase.SUCCEEDED:
        unready = {"reason": "PodCompleted"}
    return [
        _condition("PodScheduled", created, {}),
        _condition("Initialized", turned if seen.inits else created, uninitialized),
        _condition("ContainersReady", turned, unready),
        _condition("Ready", turned, unready),
    ]


def _complaint(reason: str, what: str, names: list[str]) -> dict[str, str]:
    if not names:
        return {}
    return {"reason": reason, "message": f"containers with {what} status: [{' '.join(names)}]"}


def _condition(kind: str, at: float, complaint: dict[str, str]) -> dict[str, Any]:
    return {
        "type": kind,
        "status": "False" if complaint else "True",
        "lastTransitionTime": stamp(at),
        **complaint,
    }


def _turned(one: Shown) -> float:
    """When the container last started or ended."""
    ends = [end.finished_at for end in (one.terminated, one.last) if end is not None]
    return max((one.running, *ends))


def stamp(seconds: float) -> str | None:
    """Return a time as Kubernetes writes it, 2026-11-24T06:00:00Z; None for one not known."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds else None
