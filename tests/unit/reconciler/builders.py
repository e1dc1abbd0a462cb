"""Small, whole values for tests of the reconciler: say only what the test is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifests.codec import SecretBytes
from manifests.config import ConfigMap, Network, PersistentVolumeClaim, Secret
from manifests.container import Container, ContainerRestart
from manifests.meta import LabelSelector, ObjectMeta, TemplateMeta
from manifests.observed import ContainerRecord, ContainerState, PodRecord, PodState, Stage
from manifests.observed import Termination as Ended
from manifests.pod import Pod, PodSpec, PodTemplate, RestartPolicy
from manifests.workloads import (
    DaemonSet,
    DaemonSetSpec,
    Deployment,
    DeploymentSpec,
    Job,
    JobSpec,
    ReplicaSet,
    ReplicaSetSpec,
)
from reconciler.workloads.expand import expand

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from manifests.kinds import Object
    from manifests.volumes import Volume
    from reconciler.workloads.expand import WantedPod

NOW = 1_000_000.0
LABELS = {"app": "web"}


def meta(name: str, namespace: str = "default", **annotations: str) -> ObjectMeta:
    """Metadata; the annotation podpy.dev/network is given as `network=`."""
    return ObjectMeta(
        name=name,
        namespace=namespace,
        annotations={f"podpy.dev/{key}": value for key, value in annotations.items()},
    )


def container(name: str = "app", image: str = "busybox") -> Container:
    return Container(name=name, image=image)


def sidecar(name: str = "proxy") -> Container:
    return Container(name=name, image="busybox", restart_policy=ContainerRestart.ALWAYS)


def spec(
    *containers: Container,
    init: Sequence[Container] = (),
    restart: RestartPolicy = RestartPolicy.ALWAYS,
    volumes: Sequence[Volume] = (),
) -> PodSpec:
    return PodSpec(
        containers=containers or (container(),),
        init_containers=tuple(init),
        restart_policy=restart,
        volumes=tuple(volumes),
    )


def pod(
    name: str = "web", of: PodSpec | None = None, namespace: str = "default", **annotations: str
) -> Pod:
    return Pod(metadata=meta(name, namespace, **annotations), spec=of or spec())


def template(of: PodSpec | None = None, **labels: str) -> PodTemplate:
    return PodTemplate(metadata=TemplateMeta(labels={**LABELS, **labels}), spec=of or spec())


def deployment(
    replicas: int = 1,
    of: PodTemplate | None = None,
    name: str = "web",
    namespace: str = "default",
    **annotations: str,
) -> Deployment:
    return Deployment(
        metadata=meta(name, namespace, **annotations),
        spec=DeploymentSpec(
            selector=LabelSelector(match_labels=LABELS),
            template=of or template(),
            replicas=replicas,
        ),
    )


def replica_set(replicas: int = 1, name: str = "web") -> ReplicaSet:
    selector = LabelSelector(match_labels=LABELS)
    return ReplicaSet(
        metadata=meta(name),
        spec=ReplicaSetSpec(selector=selector, template=template(), replicas=replicas),
    )


def daemon_set(name: str = "web") -> DaemonSet:
    selector = LabelSelector(match_labels=LABELS)
    return DaemonSet(
        metadata=meta(name), spec=DaemonSetSpec(selector=selector, template=template())
    )


def job(
    *,
    completions: int = 1,
    parallelism: int = 1,
    backoff_limit: int = 6,
    restart: RestartPolicy = RestartPolicy.NEVER,
    init: Sequence[Container] = (),
    name: str = "sum",
) -> Job:
    return Job(
        metadata=meta(name),
        spec=JobSpec(
            template=PodTemplate(spec=spec(init=init, restart=restart)),
            completions=completions,
            parallelism=parallelism,
            backoff_limit=backoff_limit,
        ),
    )


def config_map(name: str = "settings", **data: str) -> ConfigMap:
    return ConfigMap(metadata=meta(name), data=data)


def secret(name: str = "login", **data: str) -> Secret:
    held = {key: SecretBytes(value.encode()) for key, value in data.items()}
    return Secret(metadata=meta(name), data=held)


def claim(name: str = "data") -> PersistentVolumeClaim:
    return PersistentVolumeClaim(metadata=meta(name))


def network(name: str = "front") -> Network:
    return Network(metadata=meta(name, namespace=""))


def absent(name: str = "app") -> ContainerState:
    return ContainerState(name=name, stage=Stage.ABSENT)


def created(name: str = "app") -> ContainerState:
    record = ContainerRecord(container_id=f"{name}-id")
    return ContainerState(name=name, stage=Stage.CREATED, record=record)


def running(name: str = "app", *, attempt: int = 0, backoff: float = 0.0) -> ContainerState:
    record = ContainerRecord(
        container_id=f"{name}-id", attempt=attempt, backoff=backoff, started_at=NOW - 5
    )
    return ContainerState(name=name, stage=Stage.RUNNING, record=record, pid=4242)


def exited(
    name: str = "app", code: int = 0, *, backoff: float = 0.0, at: float = NOW, ran: float = 1.0
) -> ContainerState:
    """A container that ended `at` after it had run for `ran` seconds."""
    return ContainerState(
        name=name,
        stage=Stage.EXITED,
        record=ContainerRecord(container_id=f"{name}-id", backoff=backoff, started_at=at - ran),
        ended=Ended(
            exit_code=code,
            reason="Error" if code else "Completed",
            started_at=at - ran,
            finished_at=at,
        ),
    )


def states(*containers: ContainerState) -> dict[str, ContainerState]:
    return {state.name: state for state in containers}


def on_host(
    wanted: WantedPod,
    uid: str,
    *containers: ContainerState,
    created_at: float = 0.0,
    configs: Mapping[str, str] | None = None,
) -> PodState:
    """The pod that was made for `wanted`; it runs unless its containers say otherwise."""
    names = (*wanted.pod.spec.init_containers, *wanted.pod.spec.containers)
    return PodState(
        record=PodRecord(
            uid=uid,
            pod=wanted.pod,
            spec_hash=wanted.spec_hash,
            aliases=wanted.aliases,
            created_at=created_at,
            configs=configs or {},
            complete=True,
        ),
        containers=states(*(containers or (running(each.name) for each in names))),
    )


def applied(*objects: Object, now: float = NOW) -> list[PodState]:
    """The running pods that the objects lead to on an empty host, the oldest first."""
    wanted = expand(objects, (), now).pods
    return [
        on_host(item, f"uid-{index}", created_at=float(index)) for index, item in enumerate(wanted)
    ]
