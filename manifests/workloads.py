"""Deployment, ReplicaSet, DaemonSet and Job, as far as podpy honours them."""

from __future__ import annotations

from manifests.meta import LabelSelector, ObjectMeta
from manifests.pod import PodTemplate
from manifests.strenum import StrEnum
from manifests.value import Value


class StrategyType(StrEnum):
    """How changed pods are replaced. podpy stops the old before it starts the new: Recreate."""

    RECREATE = "Recreate"


class DeploymentStrategy(Value):
    type: StrategyType = StrategyType.RECREATE


class DeploymentSpec(Value):
    selector: LabelSelector
    template: PodTemplate
    replicas: int = 1
    strategy: DeploymentStrategy | None = None


class Deployment(Value):
    api_version: str = "apps/v1"
    kind: str = "Deployment"
    metadata: ObjectMeta
    spec: DeploymentSpec


class ReplicaSetSpec(Value):
    selector: LabelSelector
    template: PodTemplate
    replicas: int = 1


class ReplicaSet(Value):
    api_version: str = "apps/v1"
    kind: str = "ReplicaSet"
    metadata: ObjectMeta
    spec: ReplicaSetSpec


class DaemonSetSpec(Value):
    selector: LabelSelector
    template: PodTemplate


class DaemonSet(Value):
    api_version: str = "apps/v1"
    kind: str = "DaemonSet"
    metadata: ObjectMeta
    spec: DaemonSetSpec


class JobSpec(Value):
    """Without `completions` the pods share a queue: when one has succeeded, it is empty."""

    template: PodTemplate
    backoff_limit: int = 6
    completions: int | None = None
    parallelism: int = 1
    active_deadline_seconds: int | None = None


class Job(Value):
    api_version: str = "batch/v1"
    kind: str = "Job"
    metadata: ObjectMeta
    spec: JobSpec
