"""Tell all about a pod and its containers: PodState in, the outline of `describe pod` out."""

from __future__ import annotations

import time

from manifests.references import network_of
from podpy import describe_probes, status, tables
from reconciler.workloads import lifecycle
from renderers import unit_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.container import Container, ContainerPort, EnvVar, VolumeMount
    from manifests.observed import PodState, Termination
    from manifests.pod import PodSpec
    from manifests.volumes import Volume
    from podpy.outline import Node
    from podpy.status import Shown


def pod(state: PodState, now: float) -> dict[str, Node]:
    """Return the outline of a pod, its events aside."""
    from reconciler.targets.host import process
    from runtime.observe import facts

    seen = status.summary(state, now)
    record, metadata, spec = state.record, state.pod.metadata, state.pod.spec
    host = facts.addresses()[0]
    address = host if spec.host_network else record.address
    shown = {one.name: one for one in (*seen.inits, *seen.mains)}
    tree: dict[str, Node] = {
        "Name": metadata.name,
        "Namespace": metadata.namespace,
        "UID": record.uid,
        "Node": f"{facts.node_name()}/{host}",
        "Start Time": moment(record.created_at),
        "Labels": _pairs(metadata.labels.items(), "="),
        "Annotations": _pairs(metadata.annotations.items(), ": "),
        "Status": seen.phase.value if seen.word == seen.phase.value else _phase(seen),
        "IP": address,
        "Network": "host" if spec.host_network else network_of(state.pod),
        "Restart Policy": spec.restart_policy.value,
        "QoS Class": process.qos(spec).value,
        "Grace Period": f"{spec.termination_grace_period_seconds} s",
    }
    if spec.active_deadline_seconds is not None:
        tree["Active Deadline"] = f"{spec.active_deadline_seconds} s"
    if seen.reason:
        tree |= {"Reason": seen.reason, "Message": lifecycle.MESSAGES.get(seen.reason, "")}
    if record.aliases:
        tree["Also Named"] = ", ".join(record.aliases)
    for owner in metadata.owner_references:
        tree["Controlled By"] = f"{owner.kind}/{owner.name}"
    if record.supervised:
        tree["Supervised By"] = unit_names.pod_service(metadata.namespace, metadata.name)
    if spec.init_containers:
        tree["Init Containers"] = containers(spec.init_containers, shown, now)
    tree["Containers"] = containers(spec.containers, shown, now)
    if who := describe_probes.who(state):
        tree["Probes"] = who
    tree["Conditions"] = _conditions(state, seen)
    tree["Volumes"] = volumes(spec)
    if state.drift:
        tree["Broken"] = [drift.text for drift in state.drift]
    return tree


def _phase(seen: status.Summary) -> str:
    return f"{seen.phase.value} ({seen.word})"


def containers(
    given: Iterable[Container], shown: dict[str, Shown] | None = None, now: float = 0.0
) -> dict[str, Node]:
    """Return the containers by name; with what is seen of them where they are a pod's."""
    return {
        container.name: _container(container, (shown or {}).get(container.name), now)
        for container in given
    }


def _container(container: Container, seen: Shown | None, now: float) -> dict[str, Node]:
    tree: dict[str, Node] = {}
    if seen is not None:
        tree["Container ID"] = f"podpy://{seen.container_id}" if seen.container_id else ""
    tree["Image"] = container.image
    if seen is not None:
        tree["Image ID"] = f"sha256:{seen.image_id}" if seen.image_id else ""
    if container.ports:
        tree["Ports"] = ", ".join(_port(port) for port in container.ports)
        tree["Host Ports"] = ", ".join(_host_port(port) for port in container.ports)
    if container.command:
        tree["Command"] = list(container.command)
    if container.args:
        tree["Args"] = list(container.args)
    if seen is not None:
        tree |= _seen(seen)
    for title, amounts in (
        ("Limits", container.resources.limits),
        ("Requests", container.resources.requests),
    ):
        if amounts:
            tree[title] = {name: str(amount) for name, amount in sorted(amounts.items())}
    tree |= describe_probes.of_container(container, seen.health if seen else None, now)
    sources = [
        f"{kind} {source.name}"
        for one in container.env_from
        for kind, source in (("ConfigMap", one.config_map_ref), ("Secret", one.secret_ref))
        if source is not None
    ]
    if sources:
        tree["Environment Variables from"] = sources
    tree["Environment"] = {variable.name: _variable(variable) for variable in container.env}
    tree["Mounts"] = [_mount(mount) for mount in container.volume_mounts]
    return tree


def _mount(mount: VolumeMount) -> str:
    part = mount.sub_path or mount.sub_path_expr
    words = ("ro" if mount.read_only else "rw", *((f'path="{part}"',) if part else ()))
    return f"{mount.mount_path} from {mount.name} ({','.join(words)})"


def _seen(seen: Shown) -> dict[str, Node]:
    tree: dict[str, Node] = {}
    if seen.runs:
        tree["State"] = "Running", {"Started": moment(seen.running)}
    elif seen.terminated is not None:
        tree["State"] = "Terminated", _end(seen.terminated)
    else:
        told: dict[str, Node] = {"Reason": seen.waiting}
        if seen.message:
            told["Message"] = seen.message
        tree["State"] = "Waiting", told
    if seen.last is not None:
        tree["Last State"] = "Terminated", _end(seen.last)
    tree["Ready"] = str(seen.said_ready)
    tree["Restart Count"] = str(seen.restarts)
    return tree


def _end(ended: Termination) -> dict[str, Node]:
    tree: dict[str, Node] = {"Reason": ended.reason, "Exit Code": str(ended.exit_code)}
    if ended.signal:
        tree["Signal"] = str(ended.signal)
    if ended.message:
        tree["Message"] = ended.message
    return tree | {"Started": moment(ended.started_at), "Finished": moment(ended.finished_at)}


def _port(port: ContainerPort) -> str:
    name = f" ({port.name})" if port.name else ""
    return f"{port.container_port}/{port.protocol.value}{name}"


def _host_port(port: ContainerPort) -> str:
    place = f"{port.host_ip}:" if port.host_ip else ""
    return f"{place}{port.host_port}/{port.protocol.value}"


def _variable(variable: EnvVar) -> str:
    source = variable.value_from
    if source is None:
        return variable.value
    for kind, ref in (("config map", source.config_map_key_ref), ("secret", source.secret_key_ref)):
        if ref is not None:
            optional = ", optional" if ref.optional else ""
            return f"<key {ref.key} of {kind} {ref.name}{optional}>"
    if source.field_ref is not None:
        return f"<{source.field_ref.field_path}>"
    if source.resource_field_ref is not None:
        return f"<{source.resource_field_ref.resource}>"
    return ""


def _conditions(state: PodState, seen: status.Summary) -> list[str]:
    rows = [
        (one["type"], one["status"], one.get("reason", ""), one.get("message", ""))
        for one in status.conditions(state, seen)
    ]
    return tables.lines(("Type", "Status", "Reason", "Message"), rows).split("\n")


def volumes(spec: PodSpec) -> dict[str, Node]:
    """Return the volumes by name."""
    return {volume.name: _volume(volume) for volume in spec.volumes}


def _volume(volume: Volume) -> dict[str, Node]:
    if volume.host_path is not None:
        kind = volume.host_path.type.value or "unchecked"
        return {"Type": f"HostPath ({kind})", "Path": volume.host_path.path}
    if volume.config_map is not None:
        return {
            "Type": "ConfigMap",
            "Name": volume.config_map.name,
            "Optional": str(volume.config_map.optional),
        }
    if volume.secret is not None:
        return {
            "Type": "Secret",
            "SecretName": volume.secret.secret_name,
            "Optional": str(volume.secret.optional),
        }
    if volume.persistent_volume_claim is not None:
        claim = volume.persistent_volume_claim
        return {
            "Type": "PersistentVolumeClaim",
            "ClaimName": claim.claim_name,
            "ReadOnly": str(claim.read_only),
        }
    if volume.downward_api is not None:
        return {"Type": "DownwardAPI", "Files": str(len(volume.downward_api.items))}
    if volume.projected is not None:
        return {"Type": "Projected", "Sources": str(len(volume.projected.sources))}
    if volume.ephemeral is not None:
        return {"Type": "EphemeralVolume (it goes with the pod)"}
    if volume.image is not None:
        policy = volume.image.pull_policy.value if volume.image.pull_policy else ""
        return {"Type": "Image", "Reference": volume.image.reference, "PullPolicy": policy}
    made = volume.empty_dir
    return {
        "Type": "EmptyDir",
        "Medium": (made.medium.value if made else "") or "disk",
        "SizeLimit": str(made.size_limit) if made and made.size_limit else "<unset>",
    }


def _pairs(items: Iterable[tuple[str, str]], between: str) -> list[str]:
    return [f"{key}{between}{value}" for key, value in sorted(items)]


def moment(seconds: float) -> str:
    """Return a time for people, in the host's time zone."""
    if not seconds:
        return ""
    return time.strftime("%a, %d %b %Y %H:%M:%S %z", time.localtime(seconds))
