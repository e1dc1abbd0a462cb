"""Do what a container's lifecycle asks for after its start and before its stop.

    postStart   while the pod's other containers wait for their turn; where it fails the container
                is stopped, and its restart policy decides
    preStop     within the grace period, before the signal; that it failed is noted, and no more

Called by sync and by stopping, with the pod's lock held.
"""

from __future__ import annotations

import time

from manifests import kinds
from manifests.faults import Fault, HostFault
from reconciler.state import events
from reconciler.state.events import Event, EventType
from runtime import interrupts
from runtime.kernel import namespaces
from runtime.oci.container import Container as OciContainer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container, Handler
    from manifests.observed import PodRecord
    from reconciler.targets.host.base import Base
    from runtime.kernel.inside import Inside
    from runtime.probing.attempt import Target

_LEAST_SECONDS = 2.0
"""What the kubelet leaves a container after its preStop, however long that took."""


def after_start(base: Base, record: PodRecord, container: Container, inside: Inside) -> bool:
    """Do what the container that has just been started asks for; False where it is to be stopped.

    It may take as long as a pod may take to run.
    """
    handler = container.lifecycle.post_start
    if handler is None:
        return True
    try:
        _do(base, record, container, handler, inside, base.start_seconds)
    except interrupts.Interrupted:
        raise
    except Fault as fault:
        _warn(base, record, "FailedPostStartHook", f"container {container.name}: {fault}")
        return False
    return True


def before_stop(base: Base, record: PodRecord, container: Container, grace: float) -> float:
    """Do what the container asks for before it is stopped; return what is left of its grace."""
    handler = container.lifecycle.pre_stop
    if handler is None or grace <= 0:
        return grace
    began = time.monotonic()
    try:
        with namespaces.enter(base.paths.pod(record.uid)) as inside:
            _do(base, record, container, handler, inside, grace)
    except interrupts.Interrupted:
        raise
    except Fault as fault:
        _warn(base, record, "FailedPreStopHook", f"container {container.name}: {fault}")
    return max(grace - (time.monotonic() - began), _LEAST_SECONDS)


def _do(
    base: Base,
    record: PodRecord,
    container: Container,
    handler: Handler,
    inside: Inside,
    seconds: float,
) -> None:
    if handler.sleep is not None:
        interrupts.sleep(min(handler.sleep.seconds, seconds), f"container {container.name}")
    if handler.http_get is not None or handler.tcp_socket is not None:
        from runtime.probing import attempt

        attempt.ask(target_of(base, record, container), handler, seconds)
    if handler.exec is None:
        return
    from runtime.oci import exec as oci_exec

    where = OciContainer.of(base.paths, record.uid, container.name)
    wanted = oci_exec.Command(argv=handler.exec.command)
    status = inside.call(oci_exec.status_of, where, wanted, timeout=seconds)
    if status:
        raise HostFault(f"{handler.exec.command[0]} ended with exit code {status}")


def target_of(base: Base, record: PodRecord, container: Container) -> Target:
    """Return where a container is asked: at the pod's address, or this host's where it has none."""
    from runtime.observe import facts
    from runtime.probing.attempt import Target

    address = facts.addresses()[0] if record.pod.spec.host_network else record.address
    return Target(
        pod_dir=base.paths.pod(record.uid),
        address=address or "127.0.0.1",
        container=container,
        where=OciContainer.of(base.paths, record.uid, container.name),
    )


def _warn(base: Base, record: PodRecord, reason: str, message: str) -> None:
    event = Event(ref=kinds.ref(record.pod), reason=reason, message=message, type=EventType.WARNING)
    events.record(base.database, [event], time.time())
