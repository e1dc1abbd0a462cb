"""Take one pod a step further: start what is due, stop what is done, until nothing is due now.

The one function that serves a first start, a container's exit (the hook that conmon runs), a
repair and, later, the agent: it reads the pod as it is, lets workloads.lifecycle decide, and acts.
Killed at any point, the next call goes on from what it finds.
"""

from __future__ import annotations

import contextlib
import math
import os
import time

from manifests import kinds
from manifests.faults import Fault
from manifests.observed import ContainerRecord, Phase, Stage
from reconciler.state import events
from reconciler.state.events import Event, EventType
from reconciler.targets.host import (
    handlers,
    last_words,
    logs,
    networking,
    shutdown,
    stopping,
    waiting,
)
from reconciler.workloads import lifecycle
from reconciler.workloads.ownership import owner_in
from runtime import activation, files, locks
from runtime.kernel import cgroups, namespaces
from runtime.observe import pods, records
from runtime.oci import container as oci
from runtime.oci import ending
from runtime.oci.container import Container as OciContainer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.container import Container
    from manifests.observed import ContainerState, PodRecord, PodState
    from reconciler.targets.host.base import Base
    from reconciler.workloads.lifecycle import Decision
    from runtime.kernel.inside import Inside
    from runtime.oci.creation import Creating
    from runtime.paths import Paths


_LATENESS = 10
"""How many seconds after the end of the grace period the hook that ends a pod is given up."""

_LONGEST_TIMER = 4_000_000
"""GLib keeps conmon's timer as milliseconds in 32 bits."""


def lock_name(uid: str) -> str:
    return f"pod-{uid}"


def step(base: Base, uid: str, inside: Inside | None = None) -> tuple[PodState, Decision] | None:
    """Do what the pod needs now; return it as it is then with what it waits for.

    None when the pod is gone, is being deleted, is held, is supervised by systemd or has ended for
    good, and where the host goes down. The caller holds no lock.
    """
    with locks.held(base.paths, [lock_name(uid)]):
        stepped = advance(base, uid, inside)
    if stepped is not None and is_over(stepped[1]):
        networking.synchronise(base)
    return stepped


def advance(base: Base, uid: str, inside: Inside | None = None) -> tuple[PodState, Decision] | None:
    """Do `step`'s work on the pod alone. The caller holds the pod's lock.

    Where the pod is over then, the caller has the network forget it: networking.synchronise.
    """
    record = records.read_pod(base.paths, uid)
    if record is None or record.deleting or record.finished or record.held or record.supervised:
        return None
    if shutdown.under_way(base.paths):
        return None
    while True:
        state = pods.state_of(base.paths, record, base.cgroups)
        state = last_words.collect(base, state, inside)
        decision = lifecycle.of_pod(state, time.time())
        if decision.reason and not record.reason:
            record = _condemn(base, record, decision.reason)
            continue
        if not decision.start and not decision.stop:
            break
        _act(base, state, decision, inside)
    if is_over(decision):
        finish(base, state)
    return state, decision


def start_one(base: Base, record: PodRecord, name: str) -> None:
    """Create and start one container of a pod that others supervise. The caller holds its lock."""
    with namespaces.enter(base.paths.pod(record.uid)) as inside:
        state = pods.state_of(base.paths, record, base.cgroups)
        _start(base, last_words.collect(base, state, inside), (name,), inside)


def _condemn(base: Base, record: PodRecord, reason: str) -> PodRecord:
    """Write down why the pod is ended, before anything of it is: its containers may end well."""
    record = record.replace(reason=reason)
    records.write_pod(base.paths, record)
    message = lifecycle.MESSAGES.get(reason, "")
    event = Event(ref=kinds.ref(record.pod), reason=reason, message=message, type=EventType.WARNING)
    events.record(base.database, [event], time.time())
    return record


def is_over(decision: Decision) -> bool:
    return decision.phase in (Phase.SUCCEEDED, Phase.FAILED)


def _act(base: Base, state: PodState, decision: Decision, inside: Inside | None) -> None:
    if decision.reason:
        grace = float(state.pod.spec.termination_grace_period_seconds)
        stopping.pods(base, [state], {state.uid: grace})
    elif decision.stop:
        stopping.containers(base, state, decision.stop)
    if not decision.start:
        return
    if inside is not None:
        _start(base, state, decision.start, inside)
        return
    with namespaces.enter(base.paths.pod(state.uid)) as entered:
        _start(base, state, decision.start, entered)


def _start(base: Base, state: PodState, names: tuple[str, ...], inside: Inside) -> None:
    """Create these containers side by side and start them in their order.

    One that cannot be created does not keep the others, as under the kubelet; then the first such
    fault is raised.
    """
    spec = state.pod.spec
    begun: list[Creating] = []
    faults: list[Fault] = []
    with contextlib.ExitStack() as unfinished:
        for container in (*spec.init_containers, *spec.containers):
            if container.name not in names:
                continue
            try:
                creating = _begin_one(base, state, container, inside)
            except Fault as fault:
                fault.container = container.name
                faults.append(fault)
                continue
            if creating is not None:
                begun.append(unfinished.enter_context(creating))
        for creating in begun:
            try:
                inside.call(creating.finish)
                inside.call(oci.start, base.engine(inside), creating.container)
                _greet(base, state.record, creating.container.name, inside)
            except Fault as fault:
                fault.container = creating.container.name
                faults.append(fault)
    if faults:
        raise faults[0]


def _greet(base: Base, record: PodRecord, name: str, inside: Inside) -> None:
    """Do what the container asks for after its start, and stop it where that fails."""
    spec = record.pod.spec
    for container in (*spec.init_containers, *spec.containers):
        if container.name == name and not handlers.after_start(base, record, container, inside):
            stopping.containers(base, pods.state_of(base.paths, record, base.cgroups), (name,))


def _begin_one(
    base: Base, state: PodState, container: Container, inside: Inside
) -> Creating | None:
    """Begin to create a container: its record first, so that a crash leaves no unknown attempt.

    None for one that was created before a crash, and only had to be started.
    """
    from reconciler.targets.host import bundle
    from runtime.oci import creation

    record, before = state.record, state.containers[container.name]
    where = OciContainer.of(base.paths, record.uid, container.name)
    engine, seen = base.engine(inside), base.pod_cgroups
    if before.stage is Stage.CREATED:
        inside.call(ending.recover, engine, where, seen)
        _shelter(base, where)
        return None
    attempt = _next_attempt(before, where, record.images.get(container.name, ""))
    inside.call(ending.remove, where, seen, engine)
    records.write_container(base.paths, record.uid, container.name, attempt)
    image = base.store.image(attempt.image_id)
    config = bundle.prepare(base, record, container, image, inside)
    log_path = logs.prepare(base, record, container.name, attempt.attempt)
    supervision = creation.Supervision(
        log_path=log_path,
        # Where users of units look.
        journal=record.supervised and bool(log_path),
        log_size_max=logs.most_bytes(record),
        exit_command=_hook(base, record, container.name),
        terminal=container.tty,
        stdin=container.stdin,
        # A supervised one's stays with who starts it: its end tells systemd of the container's.
        conmon_cgroup="" if record.supervised else conmon_cgroup(base, record.uid),
        timeout=_last_resort(record),
        sockets=activation.passed() if record.supervised else 0,
    )
    begun: Creating = inside.call(creation.begin, engine, where, config, supervision, seen)
    return begun


def _shelter(base: Base, where: OciContainer) -> None:
    """See that conmon is where it outlives this session: podpy may have been killed before that."""
    conmon = oci.conmon_pid(where)
    if conmon is not None and not cgroups.sheltered(base.cgroups, base.paths.instance, conmon):
        cgroups.shelter(base.cgroups, base.paths.instance, conmon)


def _last_resort(record: PodRecord) -> int:
    """After how many seconds conmon kills the container, should nobody have ended the pod by then;
    0 for never."""
    if not record.deadline:
        return 0
    grace = record.pod.spec.termination_grace_period_seconds
    seconds = math.ceil(record.deadline - time.time() + grace) + _LATENESS
    return max(seconds, 1) if seconds <= _LONGEST_TIMER else 0


def _next_attempt(before: ContainerState, where: OciContainer, image_id: str) -> ContainerRecord:
    again = bool(before.record.container_id)
    if before.ended is not None and before.ended.finished_at < before.record.started_at:
        again = False  # The present attempt never ran: it could not be created, and is made again.
    return ContainerRecord(
        attempt=before.record.attempt + again,
        container_id=where.id,
        image_id=image_id,
        started_at=time.time(),
        backoff=lifecycle.next_backoff(before),
        last=before.ended or before.record.last,
    )


def finish(base: Base, state: PodState) -> None:
    """Let go of what an ended pod held; its record, how it ended and its logs stay.

    Those of a pod that no workload counts outlive the boot: it would run again else.
    """
    waiting.end(base.paths, state.uid)
    over = {
        name: container.record.replace(last=container.ended)
        for name, container in state.containers.items()
    }
    for name, container in over.items():
        ending.remove(OciContainer.of(base.paths, state.uid, name), base.cgroups)
        records.write_container(base.paths, state.uid, name, container)
    namespaces.remove(base.paths.pod(state.uid))
    record = state.record.replace(finished=True, complete=False)
    if owner_in(record) is None:
        _keep(base, record, over)
    records.write_pod(base.paths, record)


def _keep(base: Base, record: PodRecord, over: Mapping[str, ContainerRecord]) -> None:
    """Have it outlive the boot that the pod has ended; a disk that takes no more is no obstacle."""
    try:
        records.keep_ended(base.paths, record, over)
    except OSError as error:
        said = f"after a boot it would run again: its end cannot be recorded: {error.strerror}"
        ref = kinds.ref(record.pod)
        event = Event(ref=ref, reason="NotRecorded", message=said, type=EventType.WARNING)
        # The database may lie on the same disk.
        with contextlib.suppress(Fault):
            events.record(base.database, [event], time.time())


def conmon_cgroup(base: Base, uid: str) -> str:
    """Where conmon goes: nowhere if it outlives this session where it is."""
    if cgroups.sheltered(base.cgroups, base.paths.instance):
        return ""
    return f"/{base.paths.instance}/{uid}/conmon"


def _hook(base: Base, record: PodRecord, name: str) -> tuple[str, ...]:
    """What conmon runs at the container's end. Unlinking `on-exit` makes that do nothing."""
    if not base.hook or record.supervised:
        return ()
    link = f"{base.paths.pod(record.uid)}/on-exit"
    if not os.path.islink(link):
        os.symlink(base.hook, link)
    return link, "internal", "exited", record.uid, name


def mute(paths: Paths, uid: str) -> None:
    """Have conmon start nothing at further ends of the pod's containers."""
    files.unlink(f"{paths.pod(uid)}/on-exit")
