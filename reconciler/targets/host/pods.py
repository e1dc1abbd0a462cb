"""Make pods and change them in place: record, namespaces, network, volumes, then containers."""

from __future__ import annotations

import time

from manifests import kinds, references, settings
from manifests.faults import Fault, HostFault
from manifests.observed import PodRecord
from reconciler import uids
from reconciler.plan.pods import config_key
from reconciler.state import leases
from reconciler.targets.host import (
    bidirectional,
    bringing_up,
    confines,
    etc_files,
    host_ports,
    networking,
    networks,
    observing,
    removal,
    stopping,
    sync,
    volumes,
)
from reconciler.targets.host import container as resolve
from runtime import locks
from runtime.kernel import namespaces, sysctls
from runtime.observe import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from manifests.observed import PodState
    from manifests.pod import Pod
    from manifests.ref import Ref
    from reconciler.targets.host.base import Base
    from reconciler.workloads.expand import WantedPod
    from runtime.kernel.inside import Inside


def prepare(base: Base, wanted: Sequence[WantedPod]) -> dict[Ref, PodRecord | Fault]:
    """Give each pod its uid, address and host ports, write its record, open its network.

    One transaction and one change of the firewall for all of them; where that fails, each is
    tried alone, so that one pod's taken port does not keep the others.
    """
    made: dict[Ref, PodRecord | Fault] = {}
    requests: dict[Ref, leases.Request] = {}
    for item in wanted:
        try:
            requests[kinds.ref(item.pod)] = request(base, item)
        except Fault as fault:
            made[kinds.ref(item.pod)] = fault
    networks.make_used(base, {one.network for one in requests.values()})
    # Until a pod's record is written, nothing but this lock tells a lease from one left behind.
    with locks.held(base.paths, [removal.LEASES_LOCK]):
        tidy_leases(base)
        leased = _lease(base, requests)
        _refuse_held(base, requests, leased)
        for item in wanted:
            ref = kinds.ref(item.pod)
            if ref in made:
                continue
            address = leased[ref]
            if isinstance(address, Fault):
                made[ref] = address
                continue
            record = record_of(base, item, requests[ref], address)
            records.write_pod(base.paths, record)
            made[ref] = record
    networking.synchronise(base)
    return {ref: _let_in(base, ref, one) for ref, one in made.items()}


def _let_in(base: Base, ref: Ref, made: PodRecord | Fault) -> PodRecord | Fault:
    """Return a new pod if its ports lead to it; else it is taken back, and this is why."""
    barred = networking.barred(base, made) if isinstance(made, PodRecord) else None
    if barred is None or isinstance(made, Fault):
        return made
    abandon(base, made)
    return HostFault(f"{ref}: {barred.message}", hint=barred.hint)


def tidy_leases(base: Base) -> None:
    """Free what no pod on the host holds; take again what pods hold and a lost database forgot.

    The caller holds removal.LEASES_LOCK.
    """
    present = {
        record.uid: record for record in records.read_pods(base.paths) if not record.finished
    }
    known = leases.holders(base.database)
    leases.free(base.database, known - present.keys())
    forgotten = [
        leases.Request(
            holder=uid,
            network=record.network,
            address=record.address,
            ports=host_ports.claimed(record.pod),
        )
        for uid, record in present.items()
        if uid not in known
        and not record.deleting
        and (record.network or host_ports.claimed(record.pod))
    ]
    if forgotten:
        leases.restore(base.database, forgotten)


def request(base: Base, wanted: WantedPod) -> leases.Request:
    """What the pod is to be leased, under a new uid.

    Raises Invalid for a network that nobody declares, HostFault for what takes root.
    """
    pod = wanted.pod
    confines.check(pod)
    return leases.Request(
        holder=uids.new(),
        network=networks.bridge_of(base, pod),
        address=pod.metadata.annotations.get(settings.ADDRESS, ""),
        ports=host_ports.claimed(pod),
    )


def _lease(base: Base, requests: Mapping[Ref, leases.Request]) -> dict[Ref, str | Fault]:
    pools = networks.pools(base, {request.network for request in requests.values()})
    try:
        given = leases.take(base.database, requests.values(), pools)
        return {ref: given.get(request.holder, "") for ref, request in requests.items()}
    except HostFault:
        results: dict[Ref, str | Fault] = {}
        for ref, request in requests.items():
            try:
                results[ref] = leases.take(base.database, [request], pools).get(request.holder, "")
            except HostFault as fault:
                results[ref] = worded(base, ref, fault)
        return results


def _refuse_held(
    base: Base, requests: Mapping[Ref, leases.Request], leased: dict[Ref, str | Fault]
) -> None:
    """Put a fault in the place of what was leased where a process holds a port of it."""
    sound = {ref: one for ref, one in requests.items() if not isinstance(leased[ref], Fault)}
    refused = host_ports.held(base, sound)
    if refused:
        leases.free(base.database, [requests[ref].holder for ref in refused])
        leased.update(refused)


def worded(base: Base, ref: Ref, fault: HostFault) -> HostFault:
    """Return the fault of a lease with the names of the pods that it is about."""
    if isinstance(fault, leases.Taken):
        holder = records.read_pod(base.paths, fault.holder)
        if holder is not None:
            fault = fault.named(f"{holder.pod.metadata.namespace}/{holder.pod.metadata.name}")
    return HostFault(f"{ref}: {fault.message}", hint=fault.hint)


def record_of(base: Base, wanted: WantedPod, leased: leases.Request, address: str) -> PodRecord:
    """The record of a new pod, as yet written nowhere."""
    now = time.time()
    metadata = wanted.pod.metadata.replace(
        uid=leased.holder,
        creation_timestamp=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
    )
    return PodRecord(
        uid=leased.holder,
        pod=wanted.pod.replace(metadata=metadata),
        spec_hash=wanted.spec_hash,
        network=leased.network,
        address=address,
        created_at=now,
        aliases=wanted.aliases,
        configs=_configs(base, wanted),
        held=not base.start,
        deadline=_deadline(wanted.pod, now) if base.start else 0.0,
    )


def _deadline(pod: Pod, start: float) -> float:
    """When podpy is to end a pod that is started now; 0 for never."""
    if pod.metadata.annotations.get(settings.SUPERVISOR):
        return 0.0
    seconds = pod.spec.active_deadline_seconds
    return 0.0 if seconds is None else start + seconds


def _configs(base: Base, wanted: WantedPod) -> dict[str, str]:
    """The digests of what the pod's volumes show; "" for what is optional and missing."""
    return {config_key(ref): base.digests.get(ref, "") for ref in references.projected(wanted.pod)}


def start(base: Base, record: PodRecord, ids: Mapping[str, str]) -> None:
    """Make the pod of `record` and bring it up: see targets.target.Target.start."""
    chosen = {key: ids[name] for key, name, _policy in references.images(record.pod.spec)}
    record = record.replace(images=chosen)
    with locks.held(base.paths, [sync.lock_name(record.uid)]):
        inside = _make(base, record)
        try:
            record = record.replace(complete=True)
            records.write_pod(base.paths, record)
        except BaseException:
            inside.close()
            raise
    with inside:
        if not (record.held or record.supervised):
            bringing_up.bring_up(base, record.uid, inside)


def _make(base: Base, record: PodRecord) -> Inside:
    """Make the pod's namespaces with its network, files and volumes; return them entered."""
    directory = base.paths.pod(record.uid)
    hostname = resolve.hostname(record, base.facts)
    spec = record.pod.spec
    inside = namespaces.create(
        directory, network=not spec.host_network, ipc=not spec.host_ipc, hostname=hostname
    )
    try:
        networking.join(base, record, inside)
        for setting in spec.security_context.sysctls:
            inside.call(sysctls.write, setting.name, setting.value)
        etc_files.write(base.paths, record, hostname, networking.resolver(base, record))
        planned = volumes.plan(record, base.sources(record.pod), base.paths)
        inside.call(volumes.apply, planned, base.paths)
        bidirectional.bring_in(planned, inside)
    except BaseException:
        inside.close()
        raise
    return inside


def abandon(base: Base, record: PodRecord) -> None:
    """Remove what there is of a pod that could not be started."""
    state = observing.state_of(base, record)
    removal.remove(base, [state], now=True)


def update(base: Base, state: PodState, wanted: WantedPod) -> None:
    """Change a pod in place: its metadata, further names, and the files of its volumes."""
    with locks.held(base.paths, [sync.lock_name(state.uid)]):
        record = records.read_pod(base.paths, state.uid)
        if record is None or record.deleting:
            return
        kept = record.pod.metadata
        metadata = wanted.pod.metadata.replace(
            uid=kept.uid, creation_timestamp=kept.creation_timestamp
        )
        record = record.replace(
            pod=record.pod.replace(metadata=metadata),
            aliases=wanted.aliases,
            configs=_configs(base, wanted),
        )
        if not record.finished:
            planned = volumes.plan(record, base.sources(record.pod), base.paths)
            with namespaces.enter(base.paths.pod(state.uid)) as inside:
                inside.call(volumes.refresh, planned)
        records.write_pod(base.paths, record)
    if record.aliases != state.record.aliases:
        networking.synchronise(base)


def _release(base: Base, uid: str) -> bool:
    """Let a pod that was made with --start=false start, unless this command has the flag, too.

    Returns whether it is still held.
    """
    with locks.held(base.paths, [sync.lock_name(uid)]):
        record = records.read_pod(base.paths, uid)
        if record is None or not record.held:
            return False
        if base.start:
            deadline = _deadline(record.pod, time.time())
            records.write_pod(base.paths, record.replace(held=False, deadline=deadline))
        return not base.start


def _spare_backoff(base: Base, uid: str, name: str) -> None:
    """Let the container's next start be at once: it is podpy that ends it now."""
    with locks.held(base.paths, [sync.lock_name(uid)]):
        record = records.read_container(base.paths, uid, name)
        if record is not None:
            records.write_container(base.paths, uid, name, record.replace(backoff=0.0))


def mend(base: Base, state: PodState, wanted: WantedPod) -> None:
    """Put back what the host has lost of a pod: pins, links, rules, containers."""
    directory = base.paths.pod(state.uid)
    if not namespaces.pinned(directory):
        conmon = observing.living_conmon(base, state)
        if conmon is None:
            raise HostFault(f"{kinds.ref(state.pod)}: its namespaces are gone")
        namespaces.repin(directory, conmon)
    networking.synchronise(base)
    etc_files.restore(base.paths, state.uid)
    with namespaces.enter(directory) as inside:
        networking.rejoin(base, state.record, inside)
        for name in sorted({name for name, _ in observing.deprived(base, state)}):
            _spare_backoff(base, state.uid, name)
            stopping.containers(base, state, (name,))
        if not _release(base, state.uid):
            bringing_up.bring_up(base, state.uid, inside)
    update(base, state, wanted)
