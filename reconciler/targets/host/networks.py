"""Make, change and remove this host's networks: their bridges, records and name servers.

What is left open of a Network (subnet, gateway, MTU) is chosen when it is made, and kept. Rules,
names and the pods' own links are reconciler.targets.host.networking's.
"""

from __future__ import annotations

import contextlib

from manifests import kinds, references
from manifests.config import Driver, Network, NetworkSpec
from manifests.faults import HostFault, Invalid
from manifests.meta import ObjectMeta
from manifests.ref import Ref
from reconciler.state import leases
from reconciler.targets.host import network_records
from runtime import locks
from runtime.net import bridge, dns, subnets
from runtime.net.bridge import BridgeNetwork
from runtime.observe import records
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.observed import PodRecord
    from manifests.pod import Pod
    from reconciler.targets.host.base import Base

HOST_NETWORK = "host"
SUBNET_PREFIX = 16
"""A podpy network has room for 65,000 pods unless its manifest says otherwise."""


def bridge_of(base: Base, pod: Pod) -> str:
    """Return the bridge network that the pod joins; "" where it has the host's or none.

    A network that no manifest has declared exists if it is the default one.
    """
    name = references.network_of(pod)
    if name in ("", HOST_NETWORK, references.NO_NETWORK):
        return ""
    declared = base.find(Ref(kind="Network", name=name))
    if isinstance(declared, Network):
        return name if declared.spec.driver is Driver.BRIDGE else ""
    if name == references.DEFAULT_NETWORK or network_records.read(base.paths, name):
        return name
    raise Invalid(
        f"{kinds.ref(pod)}: network {name} is not declared",
        hint=f"apply a podpy.dev/v1 Network named {name}, or leave the annotation out",
    )


def make(base: Base, network: Network) -> tuple[PodRecord, ...]:
    """Make the bridge with its record and its name server, or mend or change them.

    Returns the pods on it whose own links must follow a change. Refuses a change of what pods on it
    have for good: their addresses, and their name server's.
    """
    name = network.metadata.name
    if network.spec.driver is not Driver.BRIDGE:
        unmake(base, name)
        return ()
    with locks.held(base.paths, [network_records.LOCK]):
        known = network_records.read(base.paths, name) or bridge.found(base.paths.instance, name)
        fixed = known is not None and network.spec.subnet in ("", known.subnet)
        with contextlib.nullcontext() if fixed else subnets.choosing():
            wanted = _described(base, network, known)
            changed = known is not None and known != wanted
            pods = _users(base, name) if changed else ()
            if known is not None and changed and _moves(known, wanted):
                _refuse_used(name, pods, "its addresses cannot change")
                bridge.remove(known)
            bridge.ensure(wanted)
            network_records.write(base.paths, wanted)
        dns.ensure(base.paths, wanted, base.cgroups)
    return tuple(record for record in pods if record.complete and not record.finished)


def make_used(base: Base, wanted: Iterable[str]) -> None:
    """Make the bridges that pods are about to join, where they are not there as they should."""
    for name in sorted(filter(None, wanted)):
        network = declared(base, name)
        if network.spec.driver is Driver.BRIDGE:
            make(base, network)


def unmake(base: Base, name: str) -> None:
    """Remove the bridge and its name server; refuses while pods are on it."""
    with locks.held(base.paths, [network_records.LOCK]):
        known = network_records.read(base.paths, name)
        if known is None:
            return
        _refuse_used(name, _users(base, name), "it cannot be removed")
        dns.remove(base.paths, name)
        bridge.remove(known)
        network_records.remove(base.paths, name)


def pools(base: Base, wanted: Iterable[str]) -> dict[str, leases.Pool]:
    """Return what may be leased of each network."""
    found: dict[str, leases.Pool] = {}
    for name in filter(None, wanted):
        known = network_records.read(base.paths, name)
        if known is not None:
            found[name] = leases.Pool(subnet=known.subnet, reserved=(known.gateway,))
    return found


def pools_wished(base: Base, wanted: Iterable[str]) -> dict[str, leases.Pool]:
    """Return what may be leased of each network once it is as its manifest says.

    A network that is yet to be given its subnet is left out: its addresses are all free.
    """
    found: dict[str, leases.Pool] = {}
    for name in filter(None, wanted):
        spec, known = declared(base, name).spec, network_records.read(base.paths, name)
        if not spec.subnet or (known and known.subnet == spec.subnet):
            found.update(pools(base, [name]))
        else:
            gateway = spec.gateway or subnets.gateway_of(spec.subnet)
            found[name] = leases.Pool(subnet=spec.subnet, reserved=(gateway,))
    return found


def declared(base: Base, name: str) -> Network:
    """The Network object of that name; the default one needs none."""
    found = base.find(Ref(kind="Network", name=name))
    if isinstance(found, Network):
        return found
    return Network(metadata=ObjectMeta(name=name), spec=NetworkSpec())


def _described(base: Base, network: Network, known: BridgeNetwork | None) -> BridgeNetwork:
    """The bridge that the object asks for; what it leaves open stays as it was first chosen."""
    spec = network.spec
    empty = BridgeNetwork(
        instance=base.paths.instance, name=network.metadata.name, subnet="", gateway=""
    )
    before = known or empty
    subnet = spec.subnet or before.subnet or _free_subnet(base)
    same = subnet == before.subnet
    if not same and spec.subnet:
        _refuse_overlap(base, empty.replace(subnet=subnet))
    described = empty.replace(
        subnet=subnet,
        gateway=spec.gateway or (before.gateway if same else subnets.gateway_of(subnet)),
        mtu=spec.mtu or before.mtu,
        internal=spec.internal,
    )
    return described.replace(mtu=bridge.mtu_of(described))


def _free_subnet(base: Base) -> str:
    # A network whose bridge was deleted by hand keeps its subnet.
    known = [one.subnet for one in network_records.every(base.paths)]
    return subnets.choose([*subnets.taken(), *_outside(base), *known], SUBNET_PREFIX)


def _outside(base: Base) -> list[str]:
    """Return the host's subnets where podpy has another network namespace than the host."""
    if not mode.active():
        return []
    from runtime.rootless import outside

    return [one.subnet for one in outside.used(base.paths)]


def _refuse_overlap(base: Base, wanted: BridgeNetwork) -> None:
    """Raise HostFault where a wished subnet is another network's, or something else's here."""
    others = [
        subnets.Used(subnet=one.subnet, by=f"network {one.name}")
        for one in network_records.every(base.paths)
        if one.name != wanted.name
    ]
    clash = subnets.overlapping(wanted.subnet, [*others, *subnets.used(without=wanted.link)])
    if clash is not None:
        raise HostFault(
            f"Network/{wanted.name}: subnet {wanted.subnet} overlaps with {clash.subnet} of "
            f"{clash.by or 'this host'}",
            hint="choose another subnet, or leave it out: podpy chooses a free one",
        )


def _moves(known: BridgeNetwork, wanted: BridgeNetwork) -> bool:
    """Say whether pods on the network would have to have another address or name server. Pure."""
    return (known.subnet, known.gateway) != (wanted.subnet, wanted.gateway)


def _users(base: Base, name: str) -> tuple[PodRecord, ...]:
    return tuple(record for record in records.read_pods(base.paths) if record.network == name)


def _refuse_used(name: str, pods: Iterable[PodRecord], what: str) -> None:
    users = ", ".join(str(kinds.ref(record.pod)) for record in pods)
    if users:
        raise HostFault(
            f"Network/{name}: {what} while pods are on it: {users}", hint="delete these pods first"
        )
