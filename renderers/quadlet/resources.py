"""Write how much of the host a container may have, and what it is entitled to."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.problems import FieldPath
    from renderers.quadlet.unit import Section

_PERIOD = 100_000
_LEAST_QUOTA = 1_000
"""Microseconds of cpu time, as the kubelet sets them."""


def write(where: FieldPath, container: Container, lines: Section) -> None:
    """Add memory and cpu limits, and the cpu shares of the request."""
    limits, requests = container.resources.limits, container.resources.requests
    there = (*where, "resources")
    if "memory" in limits:
        lines.either(there, "Memory", "--memory", str(limits["memory"].whole()))
    if "cpu" in limits:
        quota = max(limits["cpu"].milli() * _PERIOD // 1000, _LEAST_QUOTA)
        lines.plain("PodmanArgs", f"--cpu-period={_PERIOD} --cpu-quota={quota}")
    if "cpu" in requests:
        shares = max(requests["cpu"].milli() * 1024 // 1000, 2)
        lines.plain("PodmanArgs", f"--cpu-shares={shares}")
