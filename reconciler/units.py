"""Run a pod whose containers units of systemd's start and stop (podpy render systemd).

    start      networks, claims, images, then the pod without its containers: its oneshot service
    run        one container of it, in the cgroup of a service of its own
    wait       until that has ended, for services that are over then
    stop       one container, within its grace period
    remove     the pod; the data of claims stays

The objects are those of the file beside the units. They are not remembered: no pass of podpy's own
knows them, so none goes by them. Killed anywhere, the next `start` begins anew.
"""

from __future__ import annotations

import os

from manifests import kinds, references
from manifests.config import Network, PersistentVolumeClaim
from manifests.faults import HostFault, Invalid
from manifests.observed import Stage
from manifests.pod import Pod
from reconciler.execute import run as execute
from reconciler.health import readiness, readying
from reconciler.plan.change import Change, Op, Plan, Reason
from reconciler.plan.supervised import is_supervised
from reconciler.targets.host import stopping, sync
from reconciler.workloads import naming
from reconciler.workloads.expand import WantedPod
from renderers import unit_names
from runtime import interrupts, locks
from runtime.kernel import cgroups, namespaces, processes
from runtime.observe import pods, records
from runtime.oci import conmon
from runtime.oci import container as oci
from runtime.oci.container import Container as OciContainer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from manifests.container import Container
    from manifests.kinds import Object
    from manifests.observed import ContainerState, PodRecord, PodState
    from manifests.ref import Ref
    from reconciler.targets.host.base import Base
    from reconciler.targets.host.host import Host

SUPERVISOR_CGROUP, CONTAINER_CGROUP = "supervisor", "container"
"""Where in a service's cgroup podpy and conmon are, and where the container's processes."""

_REASON = Reason(text="its units are started")
_LOOK_SECONDS = 0.2


def pod_of(objects: Sequence[Object]) -> Pod:
    """Return the one pod among them. Raises Invalid for what was not rendered for units."""
    found = [thing for thing in objects if isinstance(thing, Pod)]
    if len(found) != 1 or not is_supervised(found[0]):
        raise Invalid("the file holds no pod for units of systemd's", hint="podpy render systemd")
    return found[0]


def start(host: Host, objects: Sequence[Object], aliases: tuple[str, ...]) -> None:
    """Make the pod without its containers, unless it is there as it should be."""
    pod = pod_of(objects)
    ref = kinds.ref(pod)
    wanted = WantedPod(pod=pod, spec_hash=naming.spec_hash(pod), of=ref, aliases=aliases)
    with interrupts.noticed(), locks.held(host.base.paths, [str(ref)]):
        host.sweep()
        host.base.wish(objects)
        _refuse_podpys(host, ref)
        before = _find(host.base, ref)
        if before is not None:
            if _is_sound(host.base, before, wanted):
                return
            _remove(host, before)
        outcomes = execute.run(_plan(objects, wanted), host, host.pods())
        from reconciler import history

        history.note(host.base.database, outcomes)
    for outcome in outcomes:
        if outcome.fault is not None:
            raise outcome.fault


def _refuse_podpys(host: Host, ref: Ref) -> None:
    """Raise HostFault where podpy runs, or remembers, a pod of that name."""
    from reconciler.state import objects

    running = any(
        kinds.ref(record.pod) == ref and not record.supervised
        for record in records.read_pods(host.base.paths)
    )
    if running or objects.find(host.base.database, ref) is not None:
        raise HostFault(
            f"{ref}: podpy runs a pod of that name itself",
            hint=f"podpy delete pod {ref.name} -n {ref.namespace}",
        )


def _find(base: Base, ref: Ref) -> PodRecord | None:
    for record in records.read_pods(base.paths):
        if record.supervised and kinds.ref(record.pod) == ref:
            return record
    return None


def _is_sound(base: Base, record: PodRecord, wanted: WantedPod) -> bool:
    return (
        record.complete
        and not (record.deleting or record.finished)
        and (record.spec_hash, record.aliases) == (wanted.spec_hash, wanted.aliases)
        and namespaces.pinned(base.paths.pod(record.uid))
    )


def _plan(objects: Sequence[Object], wanted: WantedPod) -> Plan:
    """Return the plan that makes the pod, after what it uses."""
    supplies = tuple(
        Change(op=Op.CREATE, ref=kinds.ref(thing), object=thing, reasons=(_REASON,))
        for thing in objects
        if isinstance(thing, Network | PersistentVolumeClaim)
    )
    made = {change.ref for change in supplies}
    pod = Change(
        op=Op.CREATE,
        ref=wanted.of,
        of=wanted.of,
        pod=wanted,
        reasons=(_REASON,),
        needs=tuple(ref for ref in references.references(wanted.pod) if ref in made),
    )
    return Plan(changes=(*supplies, pod))


def remove(host: Host, ref: Ref) -> None:
    """Remove the pod with all that is left of it. Gone already is success."""
    with locks.held(host.base.paths, [str(ref)]):
        record = _find(host.base, ref)
        if record is not None:
            _remove(host, record)


def _remove(host: Host, record: PodRecord) -> None:
    faults = host.remove([pods.state_of(host.base.paths, record, host.base.cgroups)])
    for fault in faults.values():
        raise fault


def move_into_unit(base: Base) -> str:
    """Make room for a container in the cgroup of the service that runs this process.

    Returns where that is. Raises HostFault where no service does, or the host has cgroup v1.
    """
    service = cgroups.own()
    if not base.cgroups.v2 or not service.endswith(".service"):
        raise HostFault(
            "containers of units run in a service of systemd's on cgroup v2; this is none",
            hint="systemctl start the unit",
        )
    cgroups.step_down(base.cgroups, service, SUPERVISOR_CGROUP)
    return f"{service}/{CONTAINER_CGROUP}"


def run(host: Host, objects: Sequence[Object], name: str, cgroup: str) -> None:
    """Start the container in `cgroup`, which `move_into_unit` has made room for.

    One that has a startup probe has passed that, or has ended, when this returns.
    """
    base = host.base
    base.wish(objects)
    ref = kinds.ref(pod_of(objects))
    record = _made(base, ref)
    with locks.held(base.paths, [sync.lock_name(record.uid)]):
        oci.give_cgroup(base.paths, record.uid, name, cgroup)
        sync.start_one(base, record, name)
    _await_startup(base, record, _container(record, name))


def conmon_of(base: Base, ref: Ref, name: str) -> int | None:
    """Return the pid of the container's conmon, whose exit code will be the container's; None when
    it has ended."""
    return conmon.pid(OciContainer.of(base.paths, _made(base, ref).uid, name).bundle)


def _made(base: Base, ref: Ref) -> PodRecord:
    record = _find(base, ref)
    if record is None or not record.complete or record.deleting:
        service = unit_names.pod_service(ref.namespace, ref.name)
        raise HostFault(f"{ref}: is not there", hint=f"systemctl restart {service}")
    return record


def _container(record: PodRecord, name: str) -> Container:
    spec = record.pod.spec
    for container in (*spec.init_containers, *spec.containers):
        if container.name == name:
            return container
    raise Invalid(f"{kinds.ref(record.pod)}: has no container {name}", hint="systemctl restart it")


def _await_startup(base: Base, record: PodRecord, container: Container) -> None:
    if container.startup_probe is None:
        return
    with readying.probing(base) as probe:
        while not readiness.started(container, state := _look(base, record, container.name)):
            if state.stage is Stage.EXITED:
                return
            probe([record.uid], _LOOK_SECONDS)


def _look(base: Base, record: PodRecord, name: str) -> ContainerState:
    return pods.state_of(base.paths, record, base.cgroups).containers[name]


def wait(base: Base, ref: Ref, name: str) -> int:
    """Wait until the container has ended; return its exit code.

    Where a signal is noted it is stopped, within its grace period, and Interrupted is raised.
    """
    record = _made(base, ref)
    bundle = OciContainer.of(base.paths, record.uid, name).bundle
    descriptor = conmon.opened(bundle)
    try:
        while descriptor is not None and not processes.wait([descriptor], _LOOK_SECONDS):
            interrupts.check(str(ref))
    except interrupts.Interrupted:
        with interrupts.undisturbed():
            stop(base, ref, name)
        raise
    finally:
        if descriptor is not None:
            os.close(descriptor)
    ended = _look(base, record, name).ended
    return pods.UNKNOWN_EXIT if ended is None else ended.exit_code


def stop(base: Base, ref: Ref, name: str) -> None:
    """Stop the container if it runs, as its pod says. Gone already is success."""
    record = _find(base, ref)
    if record is None:
        return
    with locks.held(base.paths, [sync.lock_name(record.uid)]):
        state = pods.state_of(base.paths, record, base.cgroups)
        if _runs(state, name):
            stopping.containers(base, state, (name,))


def _runs(state: PodState, name: str) -> bool:
    current = state.containers.get(name)
    return current is not None and current.stage in (Stage.RUNNING, Stage.CREATED)
