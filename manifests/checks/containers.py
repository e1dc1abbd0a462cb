"""Check containers: names, images, resources, and what only an init container may say."""

from __future__ import annotations

from manifests.checks import env, lifecycles, names, ports, probes, security
from manifests.checks.findings import Once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.container import Container, Resources
    from manifests.pod import PodSpec
    from manifests.quantity import Quantity

_STANDARD_RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage"})


def check(spec: PodSpec, path: Path, findings: Findings) -> None:
    """Check all containers of a pod, without their mounts (manifests.checks.volumes)."""
    if not spec.containers:
        findings.add((*path, "containers"), "must have at least one container")
    once = Once(findings, "container name")
    known = {container.name for container in (*spec.init_containers, *spec.containers)}
    for here, container in each(spec, path):
        findings.unless(names.dns_label(container.name), (*here, "name"))
        if container.name:
            once.see(container.name, (*here, "name"))
        check_image(container.image, (*here, "image"), findings)
        ports.check(container, here, findings, host_network=spec.host_network)
        env.check(container, here, findings, containers=known)
        check_resources(container.resources, (*here, "resources"), findings)
        findings.unless(_signal_fault(container), (*here, "lifecycle", "stopSignal"))
        grace = spec.termination_grace_period_seconds
        lifecycles.check(container, here, findings, grace=grace)
        probes.check(container, here, findings)
        security.check_container(container, spec.security_context, here, findings)
    for index, container in enumerate(spec.containers):
        if container.restart_policy is not None:
            here = (*path, "containers", index, "restartPolicy")
            findings.add(here, "may be given for init containers only, which it makes sidecars")


def each(spec: PodSpec, path: Path) -> Iterator[tuple[Path, Container]]:
    """Give every container of a pod with the path to it, init containers first."""
    for index, container in enumerate(spec.init_containers):
        yield (*path, "initContainers", index), container
    for index, container in enumerate(spec.containers):
        yield (*path, "containers", index), container


def check_image(image: str, path: Path, findings: Findings) -> None:
    """Check the name of an image."""
    if not image:
        findings.add(path, "is required")
    elif image != image.strip():
        findings.add(path, "must not start or end with white space")


def check_resources(resources: Resources, path: Path, findings: Findings) -> None:
    """Amounts must be quantities, and nothing may be asked for beyond its limit."""
    for field, amounts in (("limits", resources.limits), ("requests", resources.requests)):
        for name, amount in amounts.items():
            here = (*path, field, name)
            findings.unless(_resource_name(name), here)
            findings.unless(amount_fault(amount), here)
    for name, request in resources.requests.items():
        limit = resources.limits.get(name)
        if limit is not None and _exceeds(request, limit):
            message = f"{request} must be no more than the limit, {limit}"
            findings.add((*path, "requests", name), message)


def check_amounts(amounts: Mapping[str, Quantity], path: Path, findings: Findings) -> None:
    for name, amount in amounts.items():
        findings.unless(amount_fault(amount), (*path, name))


def amount_fault(amount: Quantity) -> str:
    """Say why this is not an amount: no quantity, or below zero."""
    if not amount.valid():
        return f'"{amount}" is not a quantity; write a number with a suffix, as 500m, 64Mi or 2G'
    return f"must not be negative; it is {amount}" if amount.negative() else ""


def _exceeds(one: Quantity, other: Quantity) -> bool:
    if not (one.valid() and other.valid()):
        return False
    upper, lower = one.fraction(), other.fraction()
    return upper[0] * lower[1] > lower[0] * upper[1]


def _signal_fault(container: Container) -> str:
    name = container.lifecycle.stop_signal
    if not name:
        return ""
    import signal

    known = name.startswith("SIG") and name in signal.Signals.__members__
    return "" if known else f'"{name}" must be the name of a signal, as SIGTERM'


def _resource_name(name: str) -> str:
    if name in _STANDARD_RESOURCES or name.startswith("hugepages-"):
        return ""
    if "=" in name:
        # Podman's notation of a device, vendor/class=name: unsupported rather than wrong.
        return ""
    if "/" in name:
        return names.qualified(name)
    return f'"{name}" is not a resource; there are cpu and memory'
