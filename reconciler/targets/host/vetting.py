"""Find what would keep pods from being made, before those that they replace are stopped.

Looks up all that making a pod looks up, in the same functions, and changes nothing.
"""

from __future__ import annotations

from manifests import kinds
from manifests.faults import Fault
from reconciler.state import leases
from reconciler.targets.host import bundle, host_ports, networks, pods, removal, volumes
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from manifests.observed import PodRecord
    from manifests.ref import Ref
    from reconciler.targets.host.base import Base
    from reconciler.workloads.expand import WantedPod


def check(
    base: Base, wanted: Sequence[WantedPod], ids: Mapping[str, str], leaving: Collection[str]
) -> dict[Ref, Fault]:
    """Return the fault of each pod that could not be made once the pods `leaving` are gone.

    `ids` maps the names of images in the store to their ids; containers of others are left out.
    """
    refused: dict[Ref, Fault] = {}
    requests: dict[Ref, leases.Request] = {}
    for item in wanted:
        ref = kinds.ref(item.pod)
        try:
            requests[ref] = pods.request(base, item)
            _check_one(base, pods.record_of(base, item, requests[ref], ""), ids)
        except Fault as fault:
            refused[ref] = fault
    sound = {ref: one for ref, one in requests.items() if ref not in refused}
    return {
        **refused,
        **host_ports.held(base, sound, leaving),
        **_check_leases(base, sound, leaving),
    }


def _check_one(base: Base, record: PodRecord, ids: Mapping[str, str]) -> None:
    """Raise what is wrong with the pod's volumes, references, security settings or images."""
    sources = base.sources(record.pod)
    volumes.check(volumes.plan(record, sources, base.paths), base.paths, base.wished)
    spec = record.pod.spec
    for container in (*spec.init_containers, *spec.containers):
        if container.image not in ids:
            continue
        try:
            bundle.describe(base, record, container, base.store.image(ids[container.image]))
        except Fault as fault:
            fault.container = container.name
            raise


def _check_leases(
    base: Base, requests: Mapping[Ref, leases.Request], leaving: Collection[str]
) -> dict[Ref, Fault]:
    """What addresses and host ports other pods have."""
    pools = networks.pools_wished(base, {one.network for one in requests.values()})
    known = {
        ref: one if one.network in pools else one.replace(network="", address="")
        for ref, one in requests.items()
    }
    with locks.held(base.paths, [removal.LEASES_LOCK]):
        pods.tidy_leases(base)
        faults = leases.rehearse(base.database, known.values(), pools, leaving)
    return {
        ref: pods.worded(base, ref, faults[one.holder])
        for ref, one in known.items()
        if one.holder in faults
    }
