"""Keep this host's networks as the pods on it need them: bridges, port maps, names, links.

`synchronise` is level-triggered: it reads the records of all pods and brings the nft table and the
name servers in line with them, whoever has changed what. Starting many pods takes one call.
"""

from __future__ import annotations

from manifests import settings
from manifests.config import Driver
from manifests.observed import Drift, Mend, NetworkState
from manifests.value import EMPTY, Value
from reconciler.targets.host import network_records, ruleset
from renderers import names
from runtime import locks
from runtime.kernel import namespaces
from runtime.net import attach, bridge, dns, pod_end, rtnetlink
from runtime.net.attach import Attachment
from runtime.observe import records
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from manifests.config import Network
    from manifests.faults import Fault
    from manifests.observed import PodRecord, PodState
    from manifests.pod import Pod
    from reconciler.targets.host.base import Base
    from runtime.kernel.inside import Inside
    from runtime.net.bridge import BridgeNetwork
    from runtime.net.rtnetlink import Link

_RULING = frozenset({"NET_ADMIN", "CAP_NET_ADMIN", "SYS_ADMIN", "CAP_SYS_ADMIN", "ALL"})


class Observation(Value):
    """The networks, and what of each pod's part in them is broken (by uid)."""

    networks: Mapping[str, NetworkState] = EMPTY
    of_pods: Mapping[str, tuple[Drift, ...]] = EMPTY


def ensure(base: Base, network: Network) -> None:
    """Make the bridge of `network` with its name server, or mend or change them and its pods'."""
    from reconciler.targets.host import networks

    for record in networks.make(base, network):
        with namespaces.enter(base.paths.pod(record.uid)) as entered:
            attach.repair(entered, _place(base, record))
    synchronise(base)


def remove(base: Base, name: str) -> None:
    """Remove the bridge and its name server; refuses while pods are on it."""
    from reconciler.targets.host import networks

    networks.unmake(base, name)
    synchronise(base)


def join(base: Base, record: PodRecord, entered: Inside) -> None:
    """Join a new pod to its network, or give it its own loopback."""
    if record.network:
        attach.attach(entered, _place(base, record))
    elif not record.pod.spec.host_network:
        attach.loopback(entered)


def rejoin(base: Base, record: PodRecord, entered: Inside) -> None:
    """Put back what the host has lost of the pod's links."""
    if record.network:
        from reconciler.targets.host import networks

        ensure(base, networks.declared(base, record.network))
        attach.repair(entered, _place(base, record))


def resolver(base: Base, record: PodRecord) -> str:
    """Return the pod's resolv.conf."""
    known = network_records.read(base.paths, record.network) if record.network else None
    return names.resolver(record.pod, known.gateway if known else "", dns.host_resolver())


def synchronise(base: Base) -> None:
    """Bring rules and names in line with the pods on this host that are not leaving it."""
    with locks.held(base.paths, [network_records.LOCK]):
        present = [record for record in records.read_pods(base.paths) if _present(record)]
        ruleset.load(base.paths, present)
        if mode.active():
            _forwards().synchronise(base.paths, present)
        _publish(base, present)


def barred(base: Base, new: PodRecord) -> Fault | None:
    """Return why a port of the host does not lead to a new pod: those of users others may take."""
    return _forwards().barred(base.paths, new) if mode.active() else None


def _forwards() -> Any:
    from reconciler.targets.host import forwards

    return forwards


def forget(base: Base, left: Iterable[PodRecord]) -> None:
    """Let the bridges forget the addresses of pods that are gone."""
    known = {network.name: network for network in network_records.every(base.paths)}
    attach.forget([_attachment(known[one.network], one) for one in left if one.network in known])


def observe(base: Base, states: Sequence[PodState]) -> Observation:
    """Compare links, rules and name servers with what the records say. Reads only."""
    known = {network.name: network for network in network_records.whole(base.paths)}
    if not known and not any(state.record.network for state in states):
        return Observation()
    with rtnetlink.Socket() as kernel:
        links, addresses = tuple(kernel.links()), tuple(kernel.addresses())
    present = [state.record for state in states if _present(state.record)]
    rules = ruleset.drift(base.paths, present)
    shut = _forwards().drift(base.paths, present) if mode.active() else {}
    found_networks = {
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
                *dns.drift(base.paths, network, base.cgroups),
                *rules,
            ),
        )
        for name, network in known.items()
    }
    by_name, hairpin = {link.name: link for link in links}, attach.needs_hairpin()
    of_pods: dict[str, tuple[Drift, ...]] = {}
    for state in states:
        network = known.get(state.record.network)
        if not state.record.network or not state.record.complete:
            continue
        if network is None or not network.holds(state.record.address):
            of_pods[state.uid] = (_uprooted(base, state.record, network, by_name),)
            continue
        place = _attachment(network, state.record)
        found = (
            *attach.drift(place, by_name, hairpin=hairpin),
            *_inside_drift(state, place),
            *found_networks[network.name].drift,
            *shut.get(state.uid, ()),
        )
        of_pods[state.uid] = tuple(Drift(mend=Mend.NETWORK, text=text) for text in found)
    return Observation(networks=found_networks, of_pods=of_pods)


def own_masters(pod: Pod) -> bool:
    """Say whether the pod may change its network itself: then podpy leaves that to it. Pure."""
    return any(
        container.security_context.privileged
        or not _RULING.isdisjoint(container.security_context.capabilities.add)
        for container in (*pod.spec.init_containers, *pod.spec.containers)
    )


def _uprooted(
    base: Base, record: PodRecord, network: BridgeNetwork | None, links: Mapping[str, Link]
) -> Drift:
    """What is wrong where the pod's network is not, or no longer, the one that it was put on."""
    if network is not None:
        text = f"its address {record.address} is none of network {network.name}'s"
        return Drift(mend=Mend.RECREATE, text=text)
    lost = bridge.BridgeNetwork(
        instance=base.paths.instance, name=record.network, subnet="", gateway=""
    )
    # The bridge still tells the subnet; where it is gone as well the pod needs another address.
    return Drift(
        mend=Mend.NETWORK if lost.link in links else Mend.RECREATE,
        text=f"the record of network {record.network} was missing",
    )


def _inside_drift(state: PodState, place: Attachment) -> tuple[str, ...]:
    """What the pod has lost of its end, as one of its containers sees it."""
    pid = next((one.pid for one in state.containers.values() if one.pid), 0)
    return pod_end.lost(pid, place) if pid and not own_masters(state.pod) else ()


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
