"""Write the network of a pod, or of a container without one: where it is, and what it is called."""

from __future__ import annotations

from manifests import references, settings
from manifests.config import Driver
from manifests.pod import DNSConfig
from renderers.quadlet import naming, unit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.config import Network
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import File, Lines, Section
    from renderers.quadlet_keys import Target

_HOST, _NONE = "host", "none"
_BRIDGE = [("Driver", "bridge")]


def write(rendering: Rendering, lines: Section, *, found: bool = True) -> None:
    """Add the lines; `found` tells whether others are to find it: by names, by published ports."""
    network = named(rendering)
    lines.text((), "Network", network)
    if network != _HOST:
        lines.either(("hostname",), "HostName", "--hostname", _hostname(rendering))
    if network not in (_HOST, _NONE):
        if found:
            _names(rendering, lines)
            _publish(rendering, lines)
        _addresses(rendering, lines, found=found)
    _resolving(rendering, network, lines)
    for sysctl in rendering.spec.security_context.sysctls:
        path = ("securityContext", "sysctls")
        lines.either(path, "Sysctl", "--sysctl", f"{sysctl.name}={sysctl.value}", word=True)


def file(thing: Network, origin: str, target: Target) -> File | None:
    """Return the .network file of a Network; None for one that Podman has already."""
    spec = thing.spec
    if spec.driver is not Driver.BRIDGE:
        return None
    lines: Lines = [("Driver", "bridge")]
    lines.extend(
        (key, value) for key, value in (("Subnet", spec.subnet), ("Gateway", spec.gateway)) if value
    )
    if spec.internal:
        lines.append(("Internal", "true"))
    if spec.mtu:
        lines.append(("Options", f"mtu={spec.mtu}"))
    return _file(thing.metadata.name, origin, target, lines)


def default(origin: str, target: Target) -> File:
    """Return the file of the network that pods are in which name none."""
    return _file(naming.NETWORK, origin, target, [])


def _file(name: str, origin: str, target: Target, lines: Lines) -> File:
    # Without its name Podman calls it systemd-NAME, which units do not see.
    named = [("NetworkName", name)] if target.knows("Network", "NetworkName") else []
    return unit.write(f"{name}.network", origin, {"Network": [*named, *(lines or _BRIDGE)]})


def named(rendering: Rendering) -> str:
    """Return what Network= says: a unit, or a network of Podman's own."""
    if rendering.spec.host_network:
        return _HOST
    name = references.network_of(rendering.source.pod)
    if name == references.DEFAULT_NETWORK:
        return f"{naming.NETWORK}.network"
    if name in (_HOST, _NONE):
        return name
    known = rendering.source.networks.get(name)
    if known is None:
        message = f'the Network "{name}" is not given: Podman must have one of that name'
        rendering.lose_annotation(settings.NETWORK, message)
        return name
    return f"{name}.network" if known.spec.driver is Driver.BRIDGE else str(known.spec.driver)


def _hostname(rendering: Rendering) -> str:
    return (rendering.spec.hostname or rendering.source.pod.metadata.name)[:63].rstrip("-.")


def _names(rendering: Rendering, lines: Section) -> None:
    name = rendering.source.pod.metadata.name
    for alias in dict.fromkeys((name, *rendering.source.aliases)):
        lines.either((), "NetworkAlias", "--network-alias", alias)


def _publish(rendering: Rendering, lines: Section) -> None:
    for group, containers in (
        ("initContainers", rendering.spec.init_containers),
        ("containers", rendering.spec.containers),
    ):
        for index, container in enumerate(containers):
            for number, port in enumerate(container.ports):
                if not port.host_port:
                    continue
                host = f"[{port.host_ip}]" if ":" in port.host_ip else port.host_ip
                front = f"{host}:" if host else ""
                text = f"{front}{port.host_port}:{port.container_port}/{port.protocol.lower()}"
                lines.text((group, index, "ports", number), "PublishPort", text)


def _addresses(rendering: Rendering, lines: Section, *, found: bool) -> None:
    annotations = rendering.source.pod.metadata.annotations
    if settings.ADDRESS in annotations and found:
        lines.either((), "IP", "--ip", annotations[settings.ADDRESS])
    if settings.MAC in annotations and found:
        lines.flag((), f"--mac-address={annotations[settings.MAC]}")


def _resolving(rendering: Rendering, network: str, lines: Section) -> None:
    spec = rendering.spec
    for number, alias in enumerate(spec.host_aliases):
        for name in alias.hostnames:
            lines.either(("hostAliases", number), "AddHost", "--add-host", f"{name}:{alias.ip}")
    config = spec.dns_config
    if network == _NONE:
        if config != DNSConfig():
            rendering.lose(("dnsConfig",), "is not kept: Podman takes none without a network")
        return
    for server in config.nameservers:
        lines.either(("dnsConfig", "nameservers"), "DNS", "--dns", server)
    for domain in config.searches:
        lines.either(("dnsConfig", "searches"), "DNSSearch", "--dns-search", domain)
    for option in config.options:
        text = option.name if option.value is None else f"{option.name}:{option.value}"
        lines.either(("dnsConfig", "options"), "DNSOption", "--dns-option", text)
