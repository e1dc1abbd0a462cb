"""Keep this host's networks as the pods on it need them: bridges, port maps, names, links.

`synchronise` is level-triggered: it reads the records of all pods and brings the nft table and the
name servers in line with them, whoever has changed what. Starting many pods takes one call.
"""

from __future__ import annotations

from manifests import kinds, references, settings
from manifests.config import Driver, Network, NetworkSpec
from manifests.faults import HostFault, Invalid
from manifests.meta import ObjectMeta
from manifests.observed import Drift, Mend, NetworkState
from manifests.ref import Ref
from manifests.value import EMPTY, Value
from reconciler.state import leases
from reconciler.targets.host import network_records, ruleset
from renderers import names
from runtime import locks
from runtime.net import attach, bridge, dns, inside, rtnetlink
from runtime.net.attach import Attachment
from runtime.observe import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from manifests.observed import PodRecord, PodState
    from manifests.pod import Pod
    from reconciler.targets.host.base import Base
    from runtime.kernel.namespaces import Inside
    from runtime.net.bridge import BridgeNetwork

HOST_NETWORK = "host"
NO_NETWORK = "none"
LOCK = "networks"
_RULING = frozenset({"NET_ADMIN", "CAP_NET_ADMIN", "SYS_ADMIN", "CAP_SYS_ADMIN", "ALL"})
SUBNET_PREFIX = 16
"""A podpy network has room for 65,000 pods unless its manifest says otherwise."""


class Observation(Value):
    """The networks, and what of each pod's part in them is broken (by uid)."""

    networks: Mapping[str, NetworkState] = EMPTY
    of_pods: Mapping[str, tuple[Drift, ...]] = EMPTY


def bridge_of(base: Base, pod: Pod) -> str:
    """Return the bridge network that the pod joins; "" where it has the host's or none.

    A network that no manifest has declared exists if it is the default one.
    """
    name = references.network_of(pod)
    if name in ("", HOST_NETWORK, NO_NETWORK):
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


def ensure(base: Base, network: Network) -> None:
    """Make the bridge of `network` with its name server, or mend them."""
    if network.spec.driver is Driver.BRIDGE:
        _ensure_bridge(base, network)
        synchronise(base)


def ensure_used(base: Base, wanted: Iterable[str]) -> None:
    """Make the bridges that pods are about to join, where they are not there as they should.

    Rules and names follow with the pods' records: see `synchronise`.
    """
    for name in sorted(filter(None, wanted)):
        network = _declared(base, name)
        if network.spec.driver is Driver.BRIDGE:
            _ensure_bridge(base, network)


def _ensure_bridge(base: Base, network: Network) -> None:
    """Make the bridge with its record and its name server, or mend them."""
    with locks.held(base.paths, [LOCK]):
        wanted = _described(base, network)
        bridge.ensure(wanted)
        network_records.write(base.paths, wanted)
        dns.ensure(base.paths, wanted)


def remove(base: Base, name: str) -> None:
    """Remove the bridge and its name server; refuses while pods are on it."""
    users = [record for record in records.read_pods(base.paths) if record.network == name]
    if users:
        raise HostFault(
            f"Network/{name}: in use by {', '.join(str(kinds.ref(user.pod)) for user in users)}",
            hint="delete these pods first",
        )
    with locks.held(base.paths, [LOCK]):
        known = network_records.read(base.paths, name)
        if known is None:
            return
        dns.remove(base.paths, name)
        bridge.remove(known)
        network_records.remove(base.paths, name)
    synchronise(base)


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
        spec, known = _declared(base, name).spec, network_records.read(base.paths, name)
        if not spec.subnet or (known and known.subnet == spec.subnet):
            found.update(pools(base, [name]))
        else:
            gateway = spec.gateway or bridge.gateway_of(spec.subnet)
            found[name] = leases.Pool(subnet=spec.subnet, reserved=(gateway,))
    return found


def join(base: Base, record: PodRecord, entered: Inside) -> None:
    """Join a new pod to its network, or give it its own loopback."""
    if record.network:
        attach.attach(entered, _place(base, record))
    elif not record.pod.spec.host_network:
        attach.loopback(entered)


def rejoin(base: Base, record: PodRecord, entered: Inside) -> None:
    """Put back what the host has lost of the pod's links."""
    if record.network:
        ensure(base, _declared(base, record.network))
        attach.repair(entered, _place(base, record))


def resolver(base: Base, record: PodRecord) -> str:
    """Return the pod's resolv.conf."""
    known = network_records.read(base.paths, record.network) if record.network else None
    return names.resolver(record.pod, known.gateway if known else "", dns.host_resolver())


def synchronise(base: Base) -> None:
    """Bring rules and names in line with the pods on this host that are not leaving it."""
    with locks.held(base.paths, [LOCK]):
        present = [record for record in records.read_pods(base.paths) if _present(record)]
        ruleset.load(base.paths, present)
        _publish(base, present)


def forget(base: Base, left: Iterable[PodRecord]) -> None:
    """Let the bridges forget the addresses of pods that are gone."""
    attach.forget([_place(base, record) for record in left if record.network])


def observe(base: Base, states: Sequence[PodState]) -> Observation:
    """Compare links, rules and name servers with what the records say. Reads only."""
    known = {
        name: network_records.get(base.paths, name) for name in network_records.names(base.paths)
    }
    if not known and not any(state.record.network for state in states):
        return Observation()
    with rtnetlink.Socket() as kernel:
        links, addresses = tuple(kernel.links()), tuple(kernel.addresses())
    present = [state.record for state in states if _present(state.record)]
    rules = ruleset.drift(base.paths, present)
    networks = {
        name: NetworkState(
            name=name,
            driver=Driver.BRIDGE,
            subnet=network.subnet,
            gateway=network.gateway,
            mtu=network.mtu,
            internal=network.internal,
            drift=(
                *bridge.drift(network, links, addresses),
                *bridge.settings_drift(network),
                *dns.drift(base.paths, network),
                *rules,
            ),
        )
        for name, network in known.items()
    }
    by_name, hairpin = {link.name: link for link in links}, attach.needs_hairpin()
    of_pods: dict[str, tuple[Drift, ...]] = {}
    for state in states:
        if state.record.network in known and state.record.complete:
            place = _attachment(known[state.record.network], state.record)
            found = (
                *attach.drift(place, by_name, hairpin=hairpin),
                *_inside_drift(state, place),
                *networks[state.record.network].drift,
            )
            of_pods[state.uid] = tuple(Drift(mend=Mend.NETWORK, text=text) for text in found)
    return Observation(networks=networks, of_pods=of_pods)


def own_masters(pod: Pod) -> bool:
    """Say whether the pod may change its network itself: then podpy leaves that to it. Pure."""
    return any(
        container.security_context.privileged
        or not _RULING.isdisjoint(container.security_context.capabilities.add)
        for container in (*pod.spec.init_containers, *pod.spec.containers)
    )


def _inside_drift(state: PodState, place: Attachment) -> tuple[str, ...]:
    """What the pod has lost of its end, as one of its containers sees it."""
    pid = next((one.pid for one in state.containers.values() if one.pid), 0)
    return inside.lost(pid, place) if pid and not own_masters(state.pod) else ()


def _publish(base: Base, present: Sequence[PodRecord]) -> None:
    """Let the name server of every network know the pods on it."""
    for name in network_records.names(base.paths):
        entries = [
            names.Entry(
                address=record.address,
                name=record.pod.metadata.name,
                namespace=record.pod.metadata.namespace,
                aliases=record.aliases,
            )
            for record in present
            if record.network == name
        ]
        dns.publish(base.paths, name, names.records(entries))


def _present(record: PodRecord) -> bool:
    return not record.deleting and not record.finished


def _attachment(known: BridgeNetwork, record: PodRecord) -> Attachment:
    return Attachment(
        instance=known.instance,
        pod=record.uid,
        bridge=known.link,
        address=record.address,
        prefix=known.prefix,
        gateway="" if known.internal else known.gateway,
        mtu=known.mtu or bridge.DEFAULT_MTU,
        asked_mac=record.pod.metadata.annotations.get(settings.MAC, "").lower(),
    )


def _place(base: Base, record: PodRecord) -> Attachment:
    return _attachment(network_records.get(base.paths, record.network), record)


def _declared(base: Base, name: str) -> Network:
    """The Network object of that name; the default one needs none."""
    found = base.find(Ref(kind="Network", name=name))
    if isinstance(found, Network):
        return found
    return Network(metadata=ObjectMeta(name=name), spec=NetworkSpec())


def _described(base: Base, network: Network) -> BridgeNetwork:
    """The bridge that the object asks for; what it leaves open stays as it was first chosen."""
    name, spec = network.metadata.name, network.spec
    known = network_records.read(base.paths, name)
    subnet = spec.subnet or (known.subnet if known else "")
    if not subnet:
        subnet = bridge.choose_subnet(bridge.taken_subnets(), SUBNET_PREFIX)
    if known and known.subnet != subnet:
        bridge.remove(known)
    described = bridge.BridgeNetwork(
        instance=base.paths.instance,
        name=name,
        subnet=subnet,
        gateway=spec.gateway or bridge.gateway_of(subnet),
        mtu=spec.mtu,
        internal=spec.internal,
    )
    return described.replace(mtu=bridge.mtu_of(described))
