"""Say what podpy does not honour of what Kubernetes knows: fields, values and kinds. Pure.

The classes of manifests.* name what is honoured; manifests.decoding finds what lies outside of
them and asks here what that means. Dumps of a cluster (`kubectl get -o yaml`) are full of fields
that the API server wrote: those it owns are dropped, those whose value is what podpy does anyway
are let through, and all others are reported.

A field is looked up by its place: `pod.containers[].tty` stands for a container of a Pod or of a
workload's template, `template.` for the template's metadata, and `Job.spec.suspend` for the rest.
"""

from __future__ import annotations

from manifests import kinds
from manifests.config import PersistentVolumeClaim
from manifests.meaning import FIELD_MEANINGS, KIND_MEANINGS
from manifests.value import Value
from manifests.volumes import Medium
from manifests.workloads import Deployment
from schemas import catalogue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from manifests.codec import Path
    from manifests.kinds import Object
    from manifests.pod import PodSpec

    Raw = dict[str, Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

_OWNED_METADATA = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_OWNED_ANNOTATIONS = frozenset(
    {
        LAST_APPLIED,
        "deployment.kubernetes.io/revision",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.daemonset.template.generation",
        "pv.kubernetes.io/bind-completed",
        "pv.kubernetes.io/bound-by-controller",
    }
)
_OWNED_FINALIZERS = frozenset({"kubernetes.io/pvc-protection", "kubernetes", "foregroundDeletion"})
TEMPLATED = frozenset({"Deployment", "ReplicaSet", "DaemonSet", "Job"})
_ENFORCED = frozenset({"cpu", "memory"})

_ANYTHING = object()
# place -> the values that change nothing here, with the reason.
_HARMLESS: dict[str, tuple[object, ...]] = {
    # there is one host: whatever schedules pods elsewhere, here they run on it
    "pod.schedulerName": ("default-scheduler",),
    "pod.priority": (0,),
    "pod.preemptionPolicy": ("PreemptLowerPriority", "Never"),
    "pod.tolerations": (_ANYTHING,),  # they allow a pod on a tainted node; this host has no taints
    # a wish that no other host can fulfil better
    "pod.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution": (_ANYTHING,),
    "pod.os": ({"name": "linux"},),
    # there is no API server that a pod could ask, so no account and no token
    "pod.serviceAccountName": ("default",),
    "pod.serviceAccount": ("default",),
    "pod.automountServiceAccountToken": (False,),
    # there are no Services whose addresses would become variables
    "pod.enableServiceLinks": (True, False),
    # namespaces that a pod does not share unless asked to
    "pod.shareProcessNamespace": (False,),
    "pod.hostUsers": (True,),
    # what is done: the owner of all files is changed, unless that of the root is right already
    "pod.securityContext.fsGroupChangePolicy": ("Always", "OnRootMismatch"),
    "pod.securityContext.seLinuxChangePolicy": ("Recursive",),
    "Job.spec.completionMode": ("NonIndexed",),
    "Job.spec.suspend": (False,),
    "Job.spec.manualSelector": (False,),
    "Job.spec.podReplacementPolicy": ("TerminatingOrFailed",),
}
_MEDIUM_PREFIX = "HugePages"
_UNSUPPORTED_VALUES = {
    "pod.containers[].restartPolicy": ("Never", "OnFailure"),
}
_EXPERIMENTS = ".x-k8s.io"
_FILES = (".config.k8s.io", "kubeadm.k8s.io")  # groups of files for programs, not of objects
_TOKEN_VOLUME = "kube-api-access-"  # noqa: S105 (the start of a volume's name)
_VOLUMES = "pod.volumes[]."


class Unsupported(Value):
    """A field or value that is not honoured. `fatal`: the object cannot be run without it."""

    path: Path
    message: str
    fatal: bool = False


def without_server_fields(raw: Raw) -> Raw:
    """Return the object without what the API server owns; `raw` itself if there is nothing."""
    if "status" in raw:
        raw = {key: value for key, value in raw.items() if key != "status"}
    metadata = raw.get("metadata")
    if isinstance(metadata, dict):
        owned = [key for key in metadata if _server_owns(key, metadata)]
        if owned:
            kept = {key: value for key, value in metadata.items() if key not in owned}
            raw = {**raw, "metadata": kept}
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict) and not _OWNED_ANNOTATIONS.isdisjoint(annotations):
            raw = strip(raw, [("metadata", "annotations", key) for key in _OWNED_ANNOTATIONS])
    tokens = _token_volumes(raw)
    if tokens:
        raw = strip(raw, tokens)
    if raw.get("kind") == "Namespace" and _only_finalizers(raw.get("spec")):
        raw = {key: value for key, value in raw.items() if key != "spec"}
    return raw


def _token_volumes(raw: Raw) -> list[Path]:
    """Return where the volumes are that the API server gives every pod for its token."""
    path: Path = ("spec",) if raw.get("kind") == "Pod" else ("spec", "template", "spec")
    listed = at(raw, (*path, "volumes"))
    return [
        (*path, "volumes", index, "projected")
        for index, volume in enumerate(listed if isinstance(listed, list) else ())
        if isinstance(volume, dict) and str(volume.get("name")).startswith(_TOKEN_VOLUME)
    ]


def _server_owns(key: str, metadata: Raw) -> bool:
    if key == "finalizers":
        listed = metadata[key]
        return isinstance(listed, list) and all(one in _OWNED_FINALIZERS for one in listed)
    return key in _OWNED_METADATA or (key == "generateName" and bool(metadata.get("name")))


def _only_finalizers(spec: object) -> bool:
    return isinstance(spec, dict) and set(spec) <= {"finalizers"}


def harmless(kind: str, raw: Raw, path: Path) -> bool:
    """Whether the field of `path`, which podpy does not honour, changes nothing on this host."""
    where = place(kind, path)
    value = at(raw, path)
    if where.startswith("template.") and path[-1] in _OWNED_METADATA:
        return True
    if where.startswith(_VOLUMES):
        return value in ([], {})
    if where == "Job.spec.selector":
        return _generated_selector(value)
    if value in ([], {}) or where.endswith(".metadata.ownerReferences[].blockOwnerDeletion"):
        return True
    allowed = _HARMLESS.get(where, ())
    return any(one is _ANYTHING or (type(one) is type(value) and one == value) for one in allowed)


def _generated_selector(selector: object) -> bool:
    """Whether the API server wrote it: a Job's pods are found by the Job's own id there."""
    labels = selector.get("matchLabels") if isinstance(selector, dict) else None
    if not isinstance(labels, dict) or len(selector) != 1:  # type: ignore[arg-type]
        return False
    return all(key.endswith("controller-uid") for key in labels)


def accepted(kind: str, path: Path) -> str:
    """Say which values of a field that podpy does not honour change nothing here; "" for none."""
    import json

    if path[:1] == ("metadata",) and path[-1] in _OWNED_METADATA:
        return "left out: an API server writes it"
    values = _HARMLESS.get(place(kind, path), ())
    if _ANYTHING in values:
        return "any value: it changes nothing here"
    words = ", ".join(json.dumps(one) for one in values)
    return f"only {words}: it changes nothing here" if words else ""


def refused(kind: str, path: Path) -> str:
    """Say which values of a field that podpy honours it does not; "" for none."""
    where = place(kind, path)
    values = ", ".join(_UNSUPPORTED_VALUES.get(where, ()))
    return f"{values} {_not_yet(FIELD_MEANINGS.get(where, ''))}" if values else ""


def unsupported_field(kind: str, path: Path) -> Unsupported:
    """Word that a field of Kubernetes is not honoured."""
    where = place(kind, path)
    if where.startswith(_VOLUMES) and where.count(".") == 2:
        return Unsupported(
            path=path, message=f"{path[-1]} volumes are not supported yet", fatal=True
        )
    if path == ("metadata", "generateName"):
        message = "cannot stand for a name: write metadata.name, so that the object is found again"
        return Unsupported(path=path, message=message, fatal=True)
    meaning = FIELD_MEANINGS.get(where, "")
    return Unsupported(path=path, message=_not_yet(meaning), fatal=where == "pod.os")


def unsupported_value(kind: str, raw: Raw, path: Path) -> Unsupported | None:
    """Word that a value that Kubernetes takes is not honoured; None if Kubernetes refuses it."""
    where = place(kind, path)
    value = at(raw, path)
    if where == "pod.volumes[].emptyDir.medium" and str(value).startswith(_MEDIUM_PREFIX):
        message = f"{value} is not supported yet; the directory is on the disk"
        return Unsupported(path=path, message=message)
    if value not in _UNSUPPORTED_VALUES.get(where, ()):
        return None
    meaning = FIELD_MEANINGS.get(where, "")
    return Unsupported(path=path, message=f"{value} {_not_yet(meaning)}")


def of_object(thing: Object) -> tuple[Unsupported, ...]:
    """Return what is not honoured of an object although its fields can be read."""
    found: list[Unsupported] = []
    if thing.metadata.owner_references:
        message = _not_yet("the object stays when its owner is removed")
        found.append(Unsupported(path=("metadata", "ownerReferences"), message=message))
    if isinstance(thing, PersistentVolumeClaim) and thing.spec.volume_mode == "Block":
        message = "Block is not supported yet: a claim is a directory of this host"
        found.append(Unsupported(path=("spec", "volumeMode"), message=message, fatal=True))
    part = kinds.pod_part(thing)
    if part is not None:
        _, spec, path = part
        found.extend(_unenforced(spec, path))
        found.extend(_unpublished(spec, path))
    return tuple(found)


def _unpublished(spec: PodSpec, path: Path) -> Iterable[Unsupported]:
    """Give the ports of IPv6 addresses: pods have IPv4 addresses alone, unless the host's."""
    if spec.host_network:
        return
    for group, containers in (
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
    ):
        for index, container in enumerate(containers):
            for number, port in enumerate(container.ports):
                if port.host_port and ":" in port.host_ip:
                    message = f"{port.host_ip} {_not_yet('pods have IPv4 addresses, so nothing')}"
                    where = (*path, group, index, "ports", number, "hostIP")
                    yield Unsupported(path=where, message=f"{message} is published on it")


def _unenforced(spec: PodSpec, path: Path) -> Iterable[Unsupported]:
    """Give the amounts of containers that nothing on this host keeps."""
    for group, containers in (
        ("initContainers", spec.init_containers),
        ("containers", spec.containers),
    ):
        for index, container in enumerate(containers):
            resources = container.resources
            for field, amounts in (("limits", resources.limits), ("requests", resources.requests)):
                for name in amounts.keys() - _ENFORCED:
                    where = (*path, group, index, "resources", field, name)
                    yield Unsupported(path=where, message=_not_yet("podpy limits cpu and memory"))


def unkept(thing: Object) -> Iterable[Unsupported]:
    """Give the limits that nothing keeps here, though the object works as long as it keeps them.

    The kubelet measures emptyDirs and evicts the pod of one that grew too large; nothing of podpy
    is resident to do that. (A claim's size limits nothing for Kubernetes' own local provisioners
    either; `podpy volume ls` shows it beside what is used.)
    """
    part = kinds.pod_part(thing)
    if part is None:
        return
    _, spec, path = part
    yield from _without_room(thing, spec)
    for index, volume in enumerate(spec.volumes):
        wanted = volume.empty_dir
        if wanted is not None and wanted.size_limit and wanted.medium is not Medium.MEMORY:
            yield Unsupported(
                path=(*path, "volumes", index, "emptyDir", "sizeLimit"),
                message="is not enforced on a disk: only `medium: Memory` is limited",
            )


def _without_room(thing: Object, spec: PodSpec) -> Iterable[Unsupported]:
    """Give the maxSurge that a port of the host leaves no room for: both pods would want it."""
    if not isinstance(thing, Deployment) or thing.spec.strategy is None:
        return
    rolling = thing.spec.strategy.rolling_update
    if rolling is None or rolling.max_surge in (0, "0%"):
        return
    claimed = [port for one in spec.containers for port in one.ports if port.host_port]
    if spec.host_network:
        claimed = [port for one in spec.containers for port in one.ports]
    if claimed:
        number = claimed[0].host_port or claimed[0].container_port
        yield Unsupported(
            path=("spec", "strategy", "rollingUpdate", "maxSurge"),
            message=f"has no room on this one host: port {number} of it can be had once, "
            "so the old pod goes before the new one comes",
        )


def unsupported_kind(kind: str) -> str:
    """Say that a kind is known and not run, and what that means."""
    meaning = KIND_MEANINGS.get(kind, "it is left out")
    return f"the kind {kind} is not supported yet: {meaning}"


def custom_kind(api_version: str, kind: str) -> str:
    """Say that a kind is neither Kubernetes' nor podpy's."""
    return f"{kind} of {api_version} is a custom resource: podpy has no controller for it"


def is_custom(api_version: str) -> bool:
    """Whether an API group is somebody's own: not Kubernetes', not podpy's, nor meant to be.

    What Kubernetes' own groups look like is no sign: gateway.networking.k8s.io is of resources
    that a cluster has to be taught.
    """
    group, slash, _ = api_version.partition("/")
    if not slash or "." not in group:
        return False
    if group.endswith(_EXPERIMENTS):
        return True
    return not group.endswith(_FILES) and not catalogue.like_group(group)


def strip(raw: Raw, paths: Iterable[Path]) -> Raw:
    """Return `raw` without the fields of `paths`, nor mappings that thereby become empty.

    `raw`, whose parts may be shared, is left as it is; lists keep their length.
    """
    for path in paths:
        raw = _without(raw, path) if path else raw
    return raw


def _without(value: Any, path: Path) -> Any:
    step, rest = path[0], path[1:]
    if isinstance(value, list) and isinstance(step, int) and step < len(value) and rest:
        return [*value[:step], _without(value[step], rest), *value[step + 1 :]]
    if not isinstance(value, dict) or step not in value:
        return value
    if rest:
        inner = _without(value[step], rest)
        if inner != {} or value[step] == {}:
            return {**value, step: inner}
    return {key: held for key, held in value.items() if key != step}


def at(raw: object, path: Path) -> object:
    """Return the value at `path`, None where there is none."""
    for step in path:
        if isinstance(raw, dict):
            raw = raw.get(step)
        elif isinstance(raw, list) and isinstance(step, int) and step < len(raw):
            raw = raw[step]
        else:
            return None
    return raw


def template_path(kind: str) -> Path:
    """Return where an object of a kind has the template of its pods; () where it has none."""
    if kind == "CronJob":
        return ("spec", "jobTemplate", "spec", "template")
    return ("spec", "template") if kind in TEMPLATED else ()


def place(kind: str, path: Path) -> str:
    """Return what kind of place a path is: `pod.containers[].env[].name`."""
    top = kind
    if kind == "Pod" and path[:1] == ("spec",):
        top, path = "pod", path[1:]
    if kind == "CronJob" and path[:3] == ("spec", "jobTemplate", "spec"):
        top = kind = "Job"
        path = ("spec", *path[3:])
    if kind in TEMPLATED and path[:3] == ("spec", "template", "spec"):
        top, path = "pod", path[3:]
    elif kind in TEMPLATED and path[:3] == ("spec", "template", "metadata"):
        top, path = "template", path[3:]
    if top == "pod" and path[:1] == ("initContainers",):
        path = ("containers", *path[1:])
    return top + "".join("[]" if isinstance(step, int) else f".{step}" for step in path)


def _not_yet(meaning: str) -> str:
    return "is not supported yet" + (f": {meaning}" if meaning else "")
