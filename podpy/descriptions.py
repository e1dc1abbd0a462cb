"""Tell all about one object: an item in, the outline that `describe` prints out."""

from __future__ import annotations

from manifests.config import ConfigMap, Network, PersistentVolumeClaim, Secret
from manifests.workloads import CronJob, DaemonSet, Deployment, Job, ReplicaSet
from podpy import columns, counts, status, tables
from podpy.describe_pod import containers, moment, pod, volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from manifests.observed import PodState
    from manifests.pod import PodTemplate
    from podpy.inventory import Inventory, Item
    from podpy.outline import Node

POD_HEADS = ("NAME", "READY", "STATUS", "RESTARTS", "AGE")


def described(inventory: Inventory, item: Item) -> dict[str, Node]:
    """Return the outline of an object, its events aside."""
    if item.state is not None:
        return pod(item.state, inventory.now)
    tree = _front(item)
    thing = item.thing
    match thing:
        case Deployment() | ReplicaSet() | DaemonSet():
            tree |= _replicas(inventory, item, thing)
        case Job():
            tree |= _job(inventory, item, thing)
        case CronJob():
            from podpy import cron_jobs

            tree |= cron_jobs.describe(inventory, item, thing)
            tree["Pod Template"] = _template(thing.spec.job_template.spec.template)
        case ConfigMap():
            tree["Data"] = {
                key: value.removesuffix("\n").split("\n")
                for key, value in sorted(thing.data.items())
            }
            tree["BinaryData"] = _sizes(thing.binary_data)
        case Secret():
            tree["Type"] = thing.type
            tree["Data"] = _sizes(thing.content())
            if inventory.has_lost(thing):
                tree["Data"] = (
                    "lost: Secrets are kept in memory only, and this host has booted since; "
                    "apply the manifest again"
                )
        case PersistentVolumeClaim():
            tree |= _claim(inventory, thing)
        case Network():
            tree |= _network(inventory, thing)
        case _:
            here = [
                state for state in inventory.pods if state.pod.metadata.namespace == item.ref.name
            ]
            tree |= {"Status": "Active", "Pods": pod_lines(here, inventory.now)}
    return tree


def _front(item: Item) -> dict[str, Node]:
    metadata = item.thing.metadata
    tree: dict[str, Node] = {"Name": item.ref.name}
    if item.ref.namespace:
        tree["Namespace"] = item.ref.namespace
    tree["Labels"] = [f"{key}={value}" for key, value in sorted(metadata.labels.items())]
    tree["Annotations"] = [f"{key}: {value}" for key, value in sorted(metadata.annotations.items())]
    if item.applied is not None:
        where = f"{item.applied.file}:{item.applied.line}" if item.applied.file else ""
        tree["Created"] = moment(item.created_at)
        tree["Generation"] = str(item.applied.generation)
        tree["Source"] = where
    return tree


def _replicas(
    inventory: Inventory, item: Item, thing: Deployment | ReplicaSet | DaemonSet
) -> dict[str, Node]:
    owned = inventory.owned(item.ref)
    found = counts.replicas(thing, owned, inventory.now)
    return {
        "Selector": columns.worded_selector(thing.spec.selector),
        "Replicas": (
            f"{found.wanted} desired | {found.updated} updated | {found.there} total | "
            f"{found.available} available | {max(0, found.wanted - found.available)} unavailable"
        ),
        **_rollout(inventory, item, thing),
        "Pod Template": _template(thing.spec.template),
        "Pods": pod_lines(owned, inventory.now),
    }


def _rollout(
    inventory: Inventory, item: Item, thing: Deployment | ReplicaSet | DaemonSet
) -> dict[str, Node]:
    """How far a Deployment's rollout is, and what it waits for."""
    if not isinstance(thing, Deployment):
        return {}
    told = counts.progressing(thing, inventory, item)
    return {"Rollout": ": ".join(filter(None, (told["reason"], told.get("message"))))}


def _job(inventory: Inventory, item: Item, thing: Job) -> dict[str, Node]:
    owned = inventory.owned(item.ref)
    found = counts.job(thing, owned, inventory.now, inventory.remembered_jobs.get(item.ref))
    progress, deadline = found.progress, thing.spec.active_deadline_seconds
    return {
        "Parallelism": str(thing.spec.parallelism),
        "Completions": str(thing.spec.completions or "one of the queue's pods"),
        "Backoff Limit": str(thing.spec.backoff_limit),
        **({} if deadline is None else {"Active Deadline": f"{deadline} s"}),
        "Status": (
            found.word,
            {"Reason": progress.reason, "Message": progress.message} if progress.reason else {},
        ),
        "Start Time": moment(found.started_at),
        "Completed At": moment(found.ended_at),
        "Pods Statuses": (
            f"{progress.active} active | {progress.succeeded} succeeded | {progress.failed} failed"
        ),
        "Pod Template": _template(thing.spec.template),
        "Pods": pod_lines(owned, inventory.now),
    }


def _template(template: PodTemplate) -> dict[str, Node]:
    labels = template.metadata.labels
    return {
        "Labels": [f"{key}={value}" for key, value in sorted(labels.items())],
        **(
            {"Init Containers": init} if (init := containers(template.spec.init_containers)) else {}
        ),
        "Containers": containers(template.spec.containers),
        "Volumes": volumes(template.spec),
    }


def _claim(inventory: Inventory, claim: PersistentVolumeClaim) -> dict[str, Node]:
    from runtime.volume import claims

    metadata, spec = claim.metadata, claim.spec
    held = claims.find(inventory.paths, metadata.namespace, metadata.name)
    users = [
        state.pod.metadata.name
        for state in inventory.pods
        if state.pod.metadata.namespace == metadata.namespace
        and any(
            volume.persistent_volume_claim
            and volume.persistent_volume_claim.claim_name == metadata.name
            for volume in state.pod.spec.volumes
        )
    ]
    return {
        "Status": "Bound" if held else "Lost",
        "Directory": held.path if held else "",
        "Used": tables.size(claims.disk_usage(held.path)) if held else "",
        "Requested": str(spec.resources.requests.get("storage", "")),
        "Access Modes": ", ".join(spec.access_modes),
        "StorageClass": spec.storage_class_name,
        "VolumeMode": spec.volume_mode,
        "Used By": users,
    }


def _network(inventory: Inventory, network: Network) -> dict[str, Node]:
    bridge = inventory.networks.get(network.metadata.name)
    users = [
        (f"{state.pod.metadata.namespace}/{state.pod.metadata.name}", state.record.address)
        for state in inventory.on_network(network.metadata.name)
    ]
    return {
        "Driver": network.spec.driver.value,
        "Subnet": bridge.subnet if bridge else network.spec.subnet,
        "Gateway": bridge.gateway if bridge else network.spec.gateway,
        "MTU": str(bridge.mtu if bridge else network.spec.mtu),
        "Internal": str(network.spec.internal),
        "Link": bridge.link if bridge else "",
        "Pods": tables.lines((), users, headers=False).split("\n") if users else [],
    }


def pod_lines(states: Iterable[PodState], now: float) -> list[str]:
    """Return a small table of pods, a line each."""
    rows = []
    for state in states:
        seen = status.summary(state, now)
        rows.append(
            (
                state.pod.metadata.name,
                f"{seen.ready}/{seen.total}",
                seen.word,
                str(seen.restarts),
                tables.since(state.record.created_at, now),
            )
        )
    return tables.lines(POD_HEADS, rows).split("\n") if rows else []


def _sizes(content: Mapping[str, bytes]) -> dict[str, Node]:
    return {key: f"{len(value)} bytes" for key, value in sorted(content.items())}
