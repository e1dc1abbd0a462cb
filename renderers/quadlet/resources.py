"""Write how much of the host a container may have, and what it is entitled to."""

from __future__ import annotations

from manifests import podman_limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.problems import FieldPath
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Section

_PERIOD = 100_000
_LEAST_QUOTA = 1_000
"""Microseconds of cpu time, as the kubelet sets them."""
_SHARES = (2, 262_144)


def write(rendering: Rendering, where: FieldPath, container: Container, lines: Section) -> None:
    """Add limits, the cpu shares of the request, and what Podman's annotations ask for."""
    limits, requests = container.resources.limits, container.resources.requests
    there = (*where, "resources")
    memory = limits["memory"].whole() if "memory" in limits else 0
    if memory:
        lines.either(there, "Memory", "--memory", str(memory))
    if "cpu" in limits and limits["cpu"].milli():
        quota = max(limits["cpu"].milli() * _PERIOD // 1000, _LEAST_QUOTA)
        lines.plain("PodmanArgs", f"--cpu-period={_PERIOD} --cpu-quota={quota}")
    if "cpu" in requests:
        shares = min(max(requests["cpu"].milli() * 1024 // 1000, _SHARES[0]), _SHARES[1])
        lines.plain("PodmanArgs", f"--cpu-shares={shares}")
    _annotated(rendering, container, lines)


def _annotated(rendering: Rendering, container: Container, lines: Section) -> None:
    extra = podman_limits.of_container(rendering.source.pod.metadata.annotations, container.name)
    for limit in extra.ulimits:
        soft, hard = (
            -1 if one == podman_limits.UNLIMITED else one for one in (limit.soft, limit.hard)
        )
        lines.text((), "Ulimit", f"{limit.name}={soft}:{hard}")
    if extra.pids is not None:
        lines.plain("PidsLimit", str(extra.pids))
    if extra.cpus:
        lines.flag((), f"--cpuset-cpus={extra.cpus}")
    if extra.nodes:
        lines.flag((), f"--cpuset-mems={extra.nodes}")
