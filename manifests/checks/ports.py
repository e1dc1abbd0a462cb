"""Check the ports of containers: numbers, names, and which of the host's they claim."""

from __future__ import annotations

from manifests.checks import names
from manifests.checks.findings import Once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.container import Container, ContainerPort
    from manifests.pod import PodSpec

_EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 (compared, not bound)


def number(port: int) -> str:
    """Say what is wrong with a port's number."""
    return "" if 1 <= port <= 65535 else f"must be from 1 to 65535; it is {port}"


def check(container: Container, path: Path, findings: Findings, *, host_network: bool) -> None:
    """Check the ports of one container."""
    once = Once(findings, "port name")
    for index, port in enumerate(container.ports):
        here = (*path, "ports", index)
        findings.unless(number(port.container_port), (*here, "containerPort"))
        if port.name:
            findings.unless(names.port_name(port.name), (*here, "name"))
            once.see(port.name, (*here, "name"))
        if port.host_ip:
            findings.unless(names.address(port.host_ip), (*here, "hostIP"))
        if port.host_port:
            findings.unless(number(port.host_port), (*here, "hostPort"))
        if host_network and port.host_port not in (0, port.container_port):
            message = f"must be {port.container_port} as the containerPort, because of hostNetwork"
            findings.add((*here, "hostPort"), message)


def check_conflicts(spec: PodSpec, path: Path, findings: Findings) -> None:
    """Two containers that run at the same time may not claim one port of the host."""
    claimed: list[ContainerPort] = []
    for where, port in lasting(spec, path):
        if any(overlap(port, other) for other in claimed):
            message = f"{shown(port)} of the host is claimed twice in this pod"
            findings.add((*where, "hostPort"), message)
        claimed.append(port)


def lasting(spec: PodSpec, path: Path) -> Iterator[tuple[Path, ContainerPort]]:
    """Give the host's ports that the pod claims while it runs: its containers' and sidecars'."""
    for field, containers in (
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
    ):
        for index, container in enumerate(containers):
            if field == "initContainers" and container.restart_policy is None:
                continue
            for number_, port in enumerate(container.ports):
                if port.host_port:
                    yield (*path, field, index, "ports", number_), port


def overlap(one: ContainerPort, other: ContainerPort) -> bool:
    """Whether both cannot be had at once on a host."""
    return (
        one.host_port == other.host_port
        and one.protocol is other.protocol
        and (
            one.host_ip == other.host_ip
            or one.host_ip in _EVERY_ADDRESS
            or other.host_ip in _EVERY_ADDRESS
        )
    )


def shown(port: ContainerPort) -> str:
    """Name a port of the host in a message: `port 80/TCP`, `port 127.0.0.1:80/TCP`."""
    address = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
    return f"port {address}{':' if address else ''}{port.host_port}/{port.protocol}"
