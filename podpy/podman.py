"""What `kube play` and `kube down` share with Podman: flags that change manifests, and blocks."""

from __future__ import annotations

import os
import sys
import time

from manifests import digests
from manifests.faults import Invalid
from manifests.pod import Pod
from manifests.references import NETWORK_ANNOTATION
from manifests.workloads import DaemonSet, Deployment, Job, ReplicaSet
from podpy import registry_flags
from reconciler.plan.change import Op
from reconciler.plan.wish import Wished
from reconciler.workloads.naming import ADDRESS_ANNOTATION

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from manifests.container import ContainerPort
    from manifests.kinds import Workload
    from manifests.meta import ObjectMeta
    from manifests.observed import PodState
    from manifests.pod import PodSpec
    from podpy.context import Context
    from reconciler.cycle import Report
    from reconciler.execute.run import Outcome
    from reconciler.targets.host.images import Pulling
    from runtime.image.pull import Stage

FAILED = 125
POLL_SECONDS = 0.2


def pulling(arguments: argparse.Namespace, report: Callable[[Stage, str], None]) -> Pulling:
    """How the flags want images pulled; skopeo's module is not imported for it."""
    from reconciler.targets.host.images import Pulling

    flags = (arguments.authfile, arguments.creds, arguments.cert_dir, arguments.tls_verify)
    if not any(flags):
        return Pulling(progress=report)
    if arguments.authfile and not os.path.exists(arguments.authfile):
        raise Invalid(f"--authfile {arguments.authfile}: there is no such file")
    return Pulling(options=registry_flags.options(arguments), progress=report)


def flagged(wished: Iterable[Wished], arguments: argparse.Namespace) -> tuple[Wished, ...]:
    """Return the objects with what the flags add to their pods."""
    annotations = dict(_pair(word) for word in arguments.annotation)
    addresses = iter(arguments.ip)
    result = []
    for item in wished:
        thing = item.object
        changed = thing
        if isinstance(thing, Pod):
            changed = _pod(thing, arguments, annotations, next(addresses, ""))
        elif isinstance(thing, Deployment | ReplicaSet | DaemonSet | Job):
            changed = _workload(thing, arguments)
        if changed is not thing:
            # What the flags say is part of what is wanted: other flags, another digest.
            item = item.replace(object=changed, digest=digests.of(item.digest + repr(changed)))
        result.append(item)
    return tuple(result)


def _pod(pod: Pod, arguments: argparse.Namespace, extra: dict[str, str], address: str) -> Pod:
    given = dict(extra)
    if address:
        given[ADDRESS_ANNOTATION] = address
    network, host = _network(arguments)
    if network:
        given[NETWORK_ANNOTATION] = network
    spec = _published(pod.spec, arguments)
    if host:
        spec = spec.replace(host_network=True)
    if not given and spec is pod.spec:
        return pod
    metadata: ObjectMeta = pod.metadata
    merged = {**metadata.annotations, **given}
    return pod.replace(metadata=metadata.replace(annotations=merged), spec=spec)


def _workload(thing: Workload, arguments: argparse.Namespace) -> Workload:
    template = thing.spec.template
    network, host = _network(arguments)
    spec = _published(template.spec, arguments)
    if host:
        spec = spec.replace(host_network=True)
    metadata = template.metadata
    if network:
        merged = {**metadata.annotations, NETWORK_ANNOTATION: network}
        metadata = metadata.replace(annotations=merged)
    if spec is template.spec and metadata is template.metadata:
        return thing
    changed = template.replace(metadata=metadata, spec=spec)
    return thing.replace(spec=thing.spec.replace(template=changed))


def _network(arguments: argparse.Namespace) -> tuple[str, bool]:
    """The annotation's value that --network asks for, and whether it is the host's network."""
    if not arguments.network:
        return "", False
    if len(arguments.network) > 1:
        raise Invalid("--network: a pod joins one network only")
    name = str(arguments.network[0])
    if name == "host":
        return "", True
    if name.split(":")[0] in ("slirp4netns", "pasta", "ns", "private") or ":" in name:
        raise Invalid(
            f"--network {name}: podpy has bridge networks, host and none",
            hint="podpy network ls",
        )
    return ("default" if name == "bridge" else name), False


def _published(spec: PodSpec, arguments: argparse.Namespace) -> PodSpec:
    """The spec with hostPorts as --publish and --publish-all ask."""
    if not arguments.publish and not arguments.publish_all:
        return spec
    wanted = {}
    for word in arguments.publish:
        ip, host, inner, protocol = parse_publish(word)
        wanted[(inner, protocol)] = (ip, host)
    containers = []
    for container in spec.containers:
        ports: list[ContainerPort] = []
        for port in container.ports:
            found = wanted.pop((port.container_port, port.protocol.value), None)
            if found is not None:
                port = port.replace(host_ip=found[0], host_port=found[1])
            elif arguments.publish_all and not port.host_port:
                port = port.replace(host_port=port.container_port)
            ports.append(port)
        containers.append(container.replace(ports=tuple(ports)))
    if wanted:
        from manifests.container import ContainerPort, Protocol

        extra = tuple(
            ContainerPort(
                container_port=number, protocol=Protocol(protocol), host_ip=ip, host_port=host
            )
            for (number, protocol), (ip, host) in wanted.items()
        )
        containers[0] = containers[0].replace(ports=(*containers[0].ports, *extra))
    return spec.replace(containers=tuple(containers))


def parse_publish(word: str) -> tuple[str, int, int, str]:
    """Read [[IP:]HOST:]CONTAINER[/PROTOCOL] as (ip, host port, container port, protocol)."""
    ports, _, protocol = word.partition("/")
    *front, container = ports.split(":")
    host = front.pop() if front else ""
    ip = ":".join(front)
    try:
        number = int(container)
        return ip, int(host or number), number, (protocol or "tcp").upper()
    except ValueError as error:
        raise Invalid(f"--publish {word}: is not [[IP:]HOST:]CONTAINER[/PROTOCOL]") from error


def build(context: Context, wished: Iterable[Wished], arguments: argparse.Namespace) -> None:
    """Build the images that have a directory with a Containerfile beside the manifest."""
    from runtime.image import build as builder

    for item in wished:
        spec = getattr(item.object, "spec", None)
        spec = getattr(getattr(spec, "template", None), "spec", spec)
        root = arguments.context_dir or os.path.dirname(item.file) or "."
        for container in (
            *getattr(spec, "init_containers", ()),
            *getattr(spec, "containers", ()),
        ):
            directory = f"{root}/{container.image.split(':')[0].rpartition('/')[2]}"
            if any(
                os.path.isfile(f"{directory}/{name}") for name in ("Containerfile", "Dockerfile")
            ):
                builder.build(context.host.base.store, directory, container.image)


def complain(outcome: Outcome) -> None:
    """Print the fault of a change as soon as it is known."""
    if outcome.fault is not None:
        print(f"Error: {outcome.change.ref}: {outcome.fault}", file=sys.stderr, flush=True)


def show_rolled_back(report: Report) -> None:
    """Say what a failed play has left of what was there before: all of it, where that worked."""
    if report.refused:
        print("Error: nothing was changed: the pods above cannot be made", file=sys.stderr)
        return
    for outcome in report.restored:
        if outcome.fault is not None:
            print(f"Error: {outcome.change.ref}: not put back: {outcome.fault}", file=sys.stderr)
    again = [
        str(outcome.change.ref)
        for outcome in report.restored
        if outcome.fault is None and outcome.change.op is Op.CREATE
    ]
    more = f"; what ran before runs again: {', '.join(again)}" if again else ""
    print(
        f"Error: nothing of it was kept: the pods above could not be started{more}",
        file=sys.stderr,
    )


def pod_id(uid: str) -> str:
    """Return the id by which Podman's blocks name a pod: 64 hex digits."""
    return digests.of(uid)


def container_id(uid: str, name: str) -> str:
    return digests.of(f"{uid}.{name}")


def show_blocks(context: Context, wished: Iterable[Wished]) -> None:
    """Print Podman's blocks: Volumes, Secrets, and a pod with its containers."""
    items = tuple(wished)
    for title, kind in (("Volumes", "PersistentVolumeClaim"), ("Secrets", "Secret")):
        names = [item.ref.name for item in items if item.ref.kind == kind]
        if names:
            print(f"{title}:")
            print("\n".join(names))
    for state in pods_of(context, items):
        names = [container.name for container in state.pod.spec.containers]
        print("Pod:")
        print(pod_id(state.uid))
        print("Container:" if len(names) == 1 else "Containers:")
        for name in names:
            print(container_id(state.uid, name))
        print()


def pods_of(context: Context, wished: Iterable[Wished]) -> list[PodState]:
    """Return the pods on the host that belong to these objects."""
    from reconciler.plan.pods import belongs_to
    from runtime.observe import pods

    refs = {item.ref for item in wished}
    base = context.base
    return [
        state
        for state in pods.read(base.paths, base.cgroups)
        if belongs_to(state) in refs and not state.record.deleting
    ]


def show_removed(report: Report) -> None:
    """Print Podman's blocks of what was stopped and removed."""
    done = [item for item in report.outcomes if item.fault is None and item.change.op is Op.DELETE]
    pods = [item.change.uid for item in done if item.change.uid]
    print("Pods stopped:")
    for uid in pods:
        print(pod_id(uid))
    print("Pods removed:")
    for uid in pods:
        print(pod_id(uid))
    print("Secrets removed:")
    for item in done:
        if item.change.ref.kind == "Secret":
            print(item.change.ref.name)
    print("Volumes removed:")
    for item in done:
        if item.change.ref.kind == "PersistentVolumeClaim" and item.change.effect == "data loss":
            print(item.change.ref.name)


def wait_and_remove(context: Context, wished: Sequence[Wished]) -> int:
    """Stay until every pod has ended or a signal comes, then remove what was made.

    Returns 1 when a pod has failed, else 0.
    """
    import signal

    from manifests.observed import Phase
    from reconciler import cycle
    from reconciler.workloads.expand import phase_of

    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda caught, _frame: asked.append(caught))
    phases: list[Phase] = []
    while not asked:
        now = time.time()
        phases = [phase_of(state, now) for state in pods_of(context, wished)]
        if all(phase in (Phase.SUCCEEDED, Phase.FAILED) for phase in phases):
            break
        time.sleep(POLL_SECONDS)
    cycle.remove(context.host, {item.ref: item.object for item in wished})
    return 1 if Phase.FAILED in phases else 0


def _pair(word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if not equals or not key:
        raise Invalid(f"--annotation {word}: is not KEY=VALUE")
    return key, value
