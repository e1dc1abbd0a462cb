"""The kinds that podpy runs: which class decodes each, how users name it, in which order.

Kinds that Kubernetes knows and podpy does not run are schemas.catalogue's.
"""

from __future__ import annotations

from manifests import codec
from manifests.config import ConfigMap, Namespace, Network, PersistentVolumeClaim, Secret
from manifests.pod import Pod
from manifests.ref import Ref
from manifests.sync import Sync
from manifests.value import Value
from manifests.workloads import CronJob, DaemonSet, Deployment, Job, ReplicaSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from manifests.meta import ObjectMeta, TemplateMeta
    from manifests.pod import PodSpec
    from manifests.problems import FieldPath

Workload = Deployment | ReplicaSet | DaemonSet | Job
"""The kinds that pods are made from."""

Object = (
    Namespace
    | Network
    | ConfigMap
    | Secret
    | PersistentVolumeClaim
    | Pod
    | Workload
    | CronJob
    | Sync
)  # in the order in which they are applied


class KindInfo(Value):
    """`names` are what a user may call the kind: plural, singular and short, as in kubectl."""

    api_version: str
    type: type[Any]
    names: tuple[str, ...]
    namespaced: bool = True

    @property
    def kind(self) -> str:
        return self.type.__name__


KINDS: tuple[KindInfo, ...] = (
    KindInfo(
        api_version="v1",
        type=Namespace,
        names=("namespaces", "namespace", "ns"),
        namespaced=False,
    ),
    KindInfo(
        api_version="podpy.dev/v1",
        type=Network,
        names=("networks", "network", "net"),
        namespaced=False,
    ),
    KindInfo(api_version="v1", type=ConfigMap, names=("configmaps", "configmap", "cm")),
    KindInfo(api_version="v1", type=Secret, names=("secrets", "secret")),
    KindInfo(
        api_version="v1",
        type=PersistentVolumeClaim,
        names=("persistentvolumeclaims", "persistentvolumeclaim", "pvc"),
    ),
    KindInfo(api_version="v1", type=Pod, names=("pods", "pod", "po")),
    KindInfo(api_version="apps/v1", type=Deployment, names=("deployments", "deployment", "deploy")),
    KindInfo(api_version="apps/v1", type=ReplicaSet, names=("replicasets", "replicaset", "rs")),
    KindInfo(api_version="apps/v1", type=DaemonSet, names=("daemonsets", "daemonset", "ds")),
    KindInfo(api_version="batch/v1", type=Job, names=("jobs", "job")),
    KindInfo(api_version="batch/v1", type=CronJob, names=("cronjobs", "cronjob", "cj")),
    KindInfo(api_version="podpy.dev/v1", type=Sync, names=("syncs", "sync"), namespaced=False),
)

BY_KIND: dict[str, KindInfo] = {info.kind: info for info in KINDS}
BY_NAME: dict[str, KindInfo] = {name: info for info in KINDS for name in info.names}
ORDER: dict[str, int] = {info.kind: position for position, info in enumerate(KINDS)}


def supported(api_version: str, kind: str) -> KindInfo | None:
    """Return the kind's entry if podpy runs it."""
    info = BY_KIND.get(kind)
    return info if info is not None and info.api_version == api_version else None


def ref(thing: Object) -> Ref:
    return Ref(kind=thing.kind, namespace=thing.metadata.namespace, name=thing.metadata.name)


def pod_part(thing: Object) -> tuple[ObjectMeta | TemplateMeta, PodSpec, FieldPath] | None:
    """Return metadata and specification of the pods that an object stands for.

    With them comes the path to the specification; the metadata is beside it. None for an object
    that stands for no pods.
    """
    match thing:
        case Pod():
            return thing.metadata, thing.spec, ("spec",)
        case Deployment() | ReplicaSet() | DaemonSet() | Job():
            template = thing.spec.template
            return template.metadata, template.spec, ("spec", "template", "spec")
        case CronJob():
            template = thing.spec.job_template.spec.template
            path = ("spec", "jobTemplate", "spec", "template", "spec")
            return template.metadata, template.spec, path
        case _:
            return None


def dump(thing: Object) -> dict[str, Any]:
    """Return the object as the user would write it: apiVersion and kind first."""
    return {"apiVersion": thing.api_version, "kind": thing.kind, **codec.encode(thing)}


def load(raw: dict[str, Any]) -> Object:
    """Return the object that `dump` wrote; ValueError if it is of no kind that podpy runs."""
    info = BY_KIND.get(str(raw.get("kind")))
    if info is None:
        raise ValueError(f"{raw.get('kind')}: not a kind that podpy runs")
    restored: Object = codec.restore(info.type, raw)
    return restored
