"""Write a pod's .pod file: its names, its network, and what all of its containers share."""

from __future__ import annotations

from manifests import settings
from manifests.pod import RestartPolicy
from renderers import systemd_text
from renderers.quadlet import naming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Section


def write(rendering: Rendering) -> None:
    """Add the .pod file."""
    source, spec = rendering.source, rendering.spec
    lines = rendering.section("Pod")
    lines.plain("PodName", systemd_text.literal(source.stem))
    if spec.host_network:
        lines.plain("Network", "host")
    else:
        _network(rendering, lines)
        lines.either(("hostname",), "HostName", "--hostname", _hostname(rendering))
        for index, container in enumerate(spec.containers):
            _publish(index, container, lines)
    if spec.restart_policy is not RestartPolicy.NEVER:
        # Else the pod would stop while its one container waits for its restart.
        lines.either(("restartPolicy",), "ExitPolicy", "--exit-policy", "continue")
    _names(rendering, lines)
    for key, value in sorted(source.pod.metadata.labels.items()):
        lines.either((), "Label", "--label", f"{key}={value}", word=True)
    for sysctl in spec.security_context.sysctls:
        lines.flag(("securityContext", "sysctls"), f"--sysctl={sysctl.name}={sysctl.value}")
    rendering.write(
        f"{source.stem}.pod",
        {
            "Unit": [("Description", systemd_text.line(f"Pod {source.stem}"))],
            "Pod": lines.lines,
            "Install": [("WantedBy", "default.target" if rendering.user else "multi-user.target")],
        },
    )


def _hostname(rendering: Rendering) -> str:
    return (rendering.spec.hostname or rendering.source.pod.metadata.name)[:63].rstrip("-.")


def _network(rendering: Rendering, lines: Section) -> None:
    metadata = rendering.source.pod.metadata
    if metadata.annotations.get(settings.NETWORK) is not None:
        rendering.lose((), f"{settings.NETWORK}: the pod is in the network {naming.NETWORK}")
    lines.plain("Network", f"{naming.NETWORK}.network")
    for alias in dict.fromkeys((metadata.name, *rendering.source.aliases)):
        lines.either((), "NetworkAlias", "--network-alias", alias)


def _publish(index: int, container: Container, lines: Section) -> None:
    for number, port in enumerate(container.ports):
        if port.host_port:
            host = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
            front = f"{host}:" if host else ""
            text = f"{front}{port.host_port}:{port.container_port}/{port.protocol.lower()}"
            lines.text(("containers", index, "ports", number), "PublishPort", text)


def _names(rendering: Rendering, lines: Section) -> None:
    spec = rendering.spec
    for number, alias in enumerate(spec.host_aliases):
        for name in alias.hostnames:
            lines.either(("hostAliases", number), "AddHost", "--add-host", f"{name}:{alias.ip}")
    for server in spec.dns_config.nameservers:
        lines.either(("dnsConfig", "nameservers"), "DNS", "--dns", server)
    for domain in spec.dns_config.searches:
        lines.either(("dnsConfig", "searches"), "DNSSearch", "--dns-search", domain)
