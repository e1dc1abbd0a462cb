"""Which ports of the host pods claim, and which of them processes of the host hold already."""

from __future__ import annotations

from manifests.faults import Fault, HostFault
from reconciler.state import leases
from reconciler.targets.host import network_records
from runtime.kernel import processes
from runtime.net import listeners
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from manifests.pod import Pod
    from manifests.ref import Ref
    from reconciler.targets.host.base import Base
    from runtime.net.listeners import Listener

_EVERY_ADDRESS = frozenset({"", leases.ANY_IP, "::"})


def claimed(pod: Pod) -> tuple[leases.HostPort, ...]:
    """Return the ports of the host that lead to the pod, or that it listens on itself.

    Port maps are IPv4's alone: see manifests.support. Where podpy works for a user a port is one
    pod's, on whichever address: they come in by one (runtime.rootless.slirp).
    """
    own = pod.spec.host_network
    every = mode.active()
    return tuple(
        leases.HostPort(
            protocol=port.protocol.value,
            port=port.host_port,
            ip="" if every or port.host_ip in _EVERY_ADDRESS else port.host_ip,
        )
        for container in (*pod.spec.init_containers, *pod.spec.containers)
        for port in container.ports
        if port.host_port and (own or ":" not in port.host_ip)
    )


def held(
    base: Base, requests: Mapping[Ref, leases.Request], leaving: Collection[str] = ()
) -> dict[Ref, Fault]:
    """Return the fault of each pod that wants a port of the host which a process listens on.

    Processes of the pods `leaving` (uids) do not count, nor do podpy's name servers.
    """
    wanting = {ref: one for ref, one in requests.items() if one.ports and one.network}
    if not wanting:
        return {}
    own = {known.gateway for known in network_records.every(base.paths)}
    protocols = {port.protocol for request in wanting.values() for port in request.ports}
    found = [one for one in _listening(base, protocols) if one.address not in own]
    refused: dict[Ref, Fault] = {}
    for ref, request in wanting.items():
        for port in request.ports:
            clash = next((one for one in found if _clash(port, one)), None)
            if clash is not None and not _leaves(base, clash, leaving):
                refused[ref] = _fault(ref, port, clash)
                break
    return refused


def _listening(base: Base, protocols: Collection[str]) -> Collection[Listener]:
    """Return who listens on ports of the host; for a user that is not podpy's network namespace."""
    if not mode.active():
        return listeners.listening(protocols)
    from runtime.rootless import outside

    return outside.listening(base.paths, protocols)


def _clash(port: leases.HostPort, one: Listener) -> bool:
    return (port.protocol, port.port) == (one.protocol, one.port) and (
        port.ip in ("", one.address) or one.address == listeners.EVERY_ADDRESS
    )


def _leaves(base: Base, one: Listener, leaving: Collection[str]) -> bool:
    """Say whether the socket is one of a pod that is about to go."""
    owner = listeners.owner(one) if leaving else None
    if owner is None:
        return False
    places = processes.cgroups(owner.pid).values()
    return any(
        f"/{base.paths.instance}/{uid}/" in f"{place}/" for place in places for uid in leaving
    )


def _fault(ref: Ref, port: leases.HostPort, one: Listener) -> Fault:
    owner = listeners.owner(one)
    who = f"{owner.name} (process {owner.pid})" if owner else "a process of this host"
    at_one = one.address != listeners.EVERY_ADDRESS and not port.ip
    other = f", or a hostIP other than {one.address}" if at_one else ""
    return HostFault(
        f"{ref}: host port {port} is held by {who}, which listens on {one.address}:{one.port}",
        hint=f"stop it, or choose another hostPort{other}",
    )
