"""Tell of a container's probes: how they ask and what they found last, as lines of `describe`."""

from __future__ import annotations

from manifests import probes
from podpy import tables
from reconciler.health import readiness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.observed import Health, PodState, ProbeResult
    from manifests.probes import Probe
    from podpy.outline import Node


def of_container(container: Container, health: Health | None, now: float) -> dict[str, Node]:
    """Return a line for each probe, with its last result in the present run below it."""
    tree: dict[str, Node] = {}
    for kind, probe in probes.of_container(container):
        result = health.results.get(kind) if health is not None else None
        line = worded(probe)
        tree[kind.value.capitalize()] = (
            line if result is None else (line, {"Last Result": _result(result, now)})
        )
    return tree


def who(state: PodState) -> str:
    """Return who runs the pod's probes at the moment; "" for a pod that has none to be run."""
    if readiness.unattended(state):
        return f"{readiness.NOBODY}; what is shown was found last"
    words = {"agent": "run by the agent", "command": "run by a command that waits"}
    return words.get(state.prober, "")


def worded(probe: Probe) -> str:
    """Return how a probe asks, and how often, in kubectl's words."""
    return (
        f"{_asks(probe)} delay={probe.initial_delay_seconds}s timeout={probe.timeout_seconds}s "
        f"period={probe.period_seconds}s #success={probe.success_threshold} "
        f"#failure={probe.failure_threshold}"
    )


def _asks(probe: Probe) -> str:
    if probe.exec is not None:
        return f"exec [{' '.join(probe.exec.command)}]"
    if probe.http_get is not None:
        asked = probe.http_get
        path = asked.path if asked.path.startswith("/") else f"/{asked.path}"
        return f"http-get {asked.scheme.value.lower()}://{asked.host}:{asked.port}{path}"
    if probe.tcp_socket is not None:
        return f"tcp-socket {probe.tcp_socket.host}:{probe.tcp_socket.port}"
    if probe.grpc is not None:
        return f"grpc <pod>:{probe.grpc.port} {probe.grpc.service}".rstrip()
    return "nothing"


def _result(result: ProbeResult, now: float) -> str:
    """`failed 3s ago, 4 times in a row: what it said`; what a success says is not told."""
    how = "succeeded" if result.ok else "failed"
    times = f", {result.times} times in a row" if result.times > 1 else ""
    said = f": {result.message}" if result.message and not result.ok else ""
    return f"{how} {tables.age(now - result.at)} ago{times}{said}"
