"""Check podpy's Network: subnet, gateway and packet size."""

from __future__ import annotations

from manifests.config import Driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ipaddress import IPv4Network

    from manifests.checks.findings import Findings
    from manifests.config import Network, NetworkSpec

_SMALLEST_MTU = 68  # RFC 791: what every link must carry
_LARGEST_MTU = 65535
_LONGEST_PREFIX = 30  # network, gateway, one pod, broadcast


def check(network: Network, findings: Findings) -> None:
    spec = network.spec
    if spec.driver is not Driver.BRIDGE:
        for field, given in (
            ("subnet", spec.subnet),
            ("gateway", spec.gateway),
            ("mtu", spec.mtu),
            ("internal", spec.internal),
        ):
            if given:
                findings.add(("spec", field), f"cannot be given with driver {spec.driver}")
        return
    if spec.mtu and not _SMALLEST_MTU <= spec.mtu <= _LARGEST_MTU:
        message = f"must be from {_SMALLEST_MTU} to {_LARGEST_MTU}; it is {spec.mtu}"
        findings.add(("spec", "mtu"), message)
    _check_gateway(spec, _subnet(spec, findings), findings)


def _subnet(spec: NetworkSpec, findings: Findings) -> IPv4Network | None:
    """Return the subnet if it is one, and say what is wrong with it if it is not."""
    import ipaddress

    if not spec.subnet:
        return None
    path = ("spec", "subnet")
    try:
        subnet = ipaddress.ip_network(spec.subnet, strict=False)
    except ValueError:
        findings.add(path, f'"{spec.subnet}" is not a subnet, as 10.90.0.0/24')
        return None
    if "/" not in spec.subnet:
        findings.add(path, f'"{spec.subnet}" must say how long its prefix is, as {spec.subnet}/24')
        return None
    if str(subnet.network_address) != spec.subnet.partition("/")[0]:
        findings.add(path, f'"{spec.subnet}" is an address within a subnet; write {subnet}')
    if subnet.version == 6:
        findings.add(path, f'"{spec.subnet}" is IPv6; podpy gives pods IPv4 addresses so far')
        return None
    if subnet.prefixlen > _LONGEST_PREFIX:
        findings.add(path, f"/{subnet.prefixlen} has no room for a gateway and a pod")
    if subnet.is_multicast or subnet.is_loopback or subnet.is_unspecified:
        findings.add(path, f'"{spec.subnet}" is not for pods: it is a reserved range')
    return subnet


def _check_gateway(spec: NetworkSpec, subnet: IPv4Network | None, findings: Findings) -> None:
    import ipaddress

    if not spec.gateway:
        return
    path = ("spec", "gateway")
    try:
        gateway = ipaddress.ip_address(spec.gateway)
    except ValueError:
        findings.add(path, f'"{spec.gateway}" is not an IP address')
        return
    if gateway.version == 6:
        findings.add(path, f'"{spec.gateway}" is IPv6; podpy gives pods IPv4 addresses so far')
        return
    if not spec.subnet:
        findings.add(path, "cannot be given without a subnet")
    if subnet is None:
        return
    if gateway not in subnet:
        findings.add(path, f"{gateway} is not in the subnet {subnet}")
    elif gateway in (subnet.network_address, subnet.broadcast_address):
        findings.add(path, f"{gateway} is the first or last address of the subnet: not for a host")
