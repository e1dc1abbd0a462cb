"""The columns that `get` shows of each kind, as kubectl has them: an item in, its cells out."""

from __future__ import annotations

from manifests.config import ConfigMap, Network, PersistentVolumeClaim, Secret
from manifests.sync import Sync
from manifests.value import Value
from manifests.workloads import CronJob, DaemonSet, Deployment, Job, ReplicaSet
from podpy import status, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.meta import LabelSelector
    from manifests.observed import PodState
    from manifests.pod import PodSpec
    from podpy.inventory import Inventory, Item


class Columns(Value):
    """Heads of a kind's table; the last `wide` of them are for `-o wide` alone."""

    heads: tuple[str, ...]
    wide: int = 0


_BEHIND = ("CONTAINERS", "IMAGES", "SELECTOR")

COLUMNS: dict[str, Columns] = {
    "Pod": Columns(
        heads=("NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", "NETWORK"), wide=3
    ),
    "Deployment": Columns(
        heads=("NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", *_BEHIND), wide=3
    ),
    "ReplicaSet": Columns(heads=("NAME", "DESIRED", "CURRENT", "READY", "AGE", *_BEHIND), wide=3),
    "DaemonSet": Columns(
        heads=(
            *("NAME", "DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE", "NODE SELECTOR"),
            *("AGE", *_BEHIND),
        ),
        wide=3,
    ),
    "Job": Columns(
        heads=("NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE", "CONTAINERS", "IMAGES"), wide=2
    ),
    "CronJob": Columns(
        heads=(
            *("NAME", "SCHEDULE", "TIMEZONE", "SUSPEND", "ACTIVE", "LAST SCHEDULE", "AGE"),
            *("CONTAINERS", "IMAGES"),
        ),
        wide=2,
    ),
    "ConfigMap": Columns(heads=("NAME", "DATA", "AGE")),
    "Secret": Columns(heads=("NAME", "TYPE", "DATA", "AGE")),
    "PersistentVolumeClaim": Columns(
        heads=(
            *("NAME", "STATUS", "VOLUME", "CAPACITY", "ACCESS MODES", "STORAGECLASS", "AGE"),
            "VOLUMEMODE",
        ),
        wide=1,
    ),
    "Namespace": Columns(heads=("NAME", "STATUS", "AGE")),
    "Network": Columns(heads=("NAME", "DRIVER", "SUBNET", "GATEWAY", "INTERNAL", "PODS", "AGE")),
    "Sync": Columns(heads=("NAME", "READY", "STATUS", "REVISION", "SOURCE", "LAST PASS")),
}
_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def heads(kind: str, *, wide: bool) -> tuple[str, ...]:
    """Return the heads of a kind's table."""
    columns = COLUMNS[kind]
    return columns.heads if wide or not columns.wide else columns.heads[: -columns.wide]


def cells(inventory: Inventory, item: Item, *, wide: bool) -> tuple[str, ...]:
    """Return the cells of one object, one for each of `heads`."""
    now = inventory.now
    name, age = item.ref.name, tables.since(item.created_at, now)
    thing = item.thing
    if item.state is not None:
        return _pod(item.state, now, wide=wide)
    match thing:
        case Deployment() | ReplicaSet() | DaemonSet():
            return _replicas(inventory, item, thing, wide=wide)
        case Job():
            return _job(inventory, item, thing, wide=wide)
        case CronJob():
            from podpy import cron_jobs

            spec = thing.spec.job_template.spec.template.spec
            return *cron_jobs.cells(inventory, item, thing), *(_containers(spec) if wide else ())
        case ConfigMap():
            return name, str(len(thing.content())), age
        case Secret():
            lost = inventory.has_lost(thing)
            return name, thing.type, "lost" if lost else str(len(thing.content())), age
        case PersistentVolumeClaim():
            return _claim(item, thing, age, wide=wide)
        case Network():
            return _network(inventory, thing, age)
        case Sync():
            from podpy import sync_output

            return sync_output.cells(inventory.database, thing, now)
        case _:
            return name, "Active", age


def _pod(state: PodState, now: float, *, wide: bool) -> tuple[str, ...]:
    seen = status.summary(state, now)
    ago = f" ({tables.age(now - seen.restarted_at)} ago)" if seen.restarted_at else ""
    shown = (
        state.pod.metadata.name,
        f"{seen.ready}/{seen.total}",
        seen.word,
        f"{seen.restarts}{ago if seen.restarts else ''}",
        tables.since(state.record.created_at, now),
    )
    if not wide:
        return shown
    from runtime.observe import facts

    host = state.pod.spec.host_network
    address = facts.addresses()[0] if host else state.record.address
    network = "host" if host else state.record.network
    return *shown, address or tables.NONE, facts.node_name(), network or tables.NONE


def _replicas(
    inventory: Inventory, item: Item, thing: Deployment | ReplicaSet | DaemonSet, *, wide: bool
) -> tuple[str, ...]:
    from podpy import counts

    found = counts.replicas(thing, inventory.owned(item.ref), inventory.now)
    name, age = item.ref.name, tables.since(item.created_at, inventory.now)
    wanted, there = str(found.wanted), str(found.there)
    updated, ready = str(found.updated), str(found.ready)
    behind = _behind(thing.spec.template.spec, thing.spec.selector) if wide else ()
    match thing:
        case Deployment():
            return name, f"{ready}/{wanted}", updated, ready, age, *behind
        case ReplicaSet():
            return name, wanted, there, ready, age, *behind
        case DaemonSet():
            return name, wanted, there, ready, updated, ready, tables.NONE, age, *behind


def _behind(spec: PodSpec, selector: LabelSelector) -> tuple[str, ...]:
    return *_containers(spec), worded_selector(selector)


def _containers(spec: PodSpec) -> tuple[str, str]:
    names = ",".join(container.name for container in spec.containers)
    return names, ",".join(container.image for container in spec.containers)


def worded_selector(selector: LabelSelector) -> str:
    """Return a selector as -l takes it."""
    words = [f"{key}={value}" for key, value in sorted(selector.match_labels.items())]
    for one in selector.match_expressions:
        values = f" ({','.join(one.values)})" if one.values else ""
        words.append(f"{one.key} {one.operator.value.lower()}{values}")
    return ",".join(words) or tables.NONE


def _job(inventory: Inventory, item: Item, thing: Job, *, wide: bool) -> tuple[str, ...]:
    from podpy import counts

    remembered = inventory.remembered_jobs.get(item.ref)
    found = counts.job(thing, inventory.owned(item.ref), inventory.now, remembered)
    until = found.ended_at or inventory.now
    took = tables.age(until - found.started_at) if found.started_at else ""
    return (
        item.ref.name,
        found.word,
        f"{found.progress.succeeded}/{_completions(thing)}",
        took,
        tables.since(item.created_at, inventory.now),
        *(_containers(thing.spec.template.spec) if wide else ()),
    )


def _completions(thing: Job) -> str:
    """How many pods are to succeed; of a queue's, one, as kubectl words it."""
    if thing.spec.completions is not None:
        return str(thing.spec.completions)
    return f"1 of {thing.spec.parallelism}" if thing.spec.parallelism > 1 else "1"


def _claim(item: Item, claim: PersistentVolumeClaim, age: str, *, wide: bool) -> tuple[str, ...]:
    spec = claim.spec
    return (
        item.ref.name,
        "Bound",
        f"{item.ref.namespace}/{item.ref.name}",
        str(spec.resources.requests.get("storage", "")),
        ",".join(_MODES.get(mode, mode) for mode in spec.access_modes),
        spec.storage_class_name,
        age,
        *((spec.volume_mode,) if wide else ()),
    )


def _network(inventory: Inventory, network: Network, age: str) -> tuple[str, ...]:
    name = network.metadata.name
    bridge = inventory.networks.get(name)
    users = len(inventory.on_network(name))
    return (
        name,
        network.spec.driver.value,
        (bridge.subnet if bridge else network.spec.subnet) or tables.NONE,
        (bridge.gateway if bridge else network.spec.gateway) or tables.NONE,
        "true" if network.spec.internal else "false",
        str(users),
        age,
    )
