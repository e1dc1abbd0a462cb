"""Deployment, ReplicaSet, DaemonSet, Job and CronJob, as far as podpy honours them."""

from __future__ import annotations

from manifests.meta import LabelSelector, ObjectMeta, TemplateMeta
from manifests.pod import PodTemplate
from manifests.strenum import StrEnum
from manifests.value import Value


class StrategyType(StrEnum):
    """How a Deployment's changed pods are replaced: step by step, or all old ones first."""

    ROLLING_UPDATE = "RollingUpdate"
    RECREATE = "Recreate"


class RollingUpdate(Value):
    """How many pods there may be too many, and too few ready: numbers, or percentages of all."""

    max_surge: int | str = "25%"
    max_unavailable: int | str = "25%"


class DeploymentStrategy(Value):
    type: StrategyType = StrategyType.ROLLING_UPDATE
    rolling_update: RollingUpdate | None = None


class DeploymentSpec(Value):
    """Without a `strategy` pods are replaced step by step."""

    selector: LabelSelector
    template: PodTemplate
    replicas: int = 1
    strategy: DeploymentStrategy | None = None
    min_ready_seconds: int = 0
    progress_deadline_seconds: int = 600
    paused: bool = False
    revision_history_limit: int = 10


class Deployment(Value):
    api_version: str = "apps/v1"
    kind: str = "Deployment"
    metadata: ObjectMeta
    spec: DeploymentSpec


class ReplicaSetSpec(Value):
    selector: LabelSelector
    template: PodTemplate
    replicas: int = 1
    min_ready_seconds: int = 0


class ReplicaSet(Value):
    api_version: str = "apps/v1"
    kind: str = "ReplicaSet"
    metadata: ObjectMeta
    spec: ReplicaSetSpec


class DaemonSetStrategyType(StrEnum):
    """When a DaemonSet's changed pod is replaced: by a pass, or once somebody has deleted it."""

    ROLLING_UPDATE = "RollingUpdate"
    ON_DELETE = "OnDelete"


class DaemonSetRollingUpdate(Value):
    """The old pod goes first, unless `max_surge` has the new one come first."""

    max_surge: int | str = 0
    max_unavailable: int | str = 1


class DaemonSetUpdateStrategy(Value):
    type: DaemonSetStrategyType = DaemonSetStrategyType.ROLLING_UPDATE
    rolling_update: DaemonSetRollingUpdate | None = None


class DaemonSetSpec(Value):
    selector: LabelSelector
    template: PodTemplate
    update_strategy: DaemonSetUpdateStrategy | None = None
    min_ready_seconds: int = 0
    revision_history_limit: int = 10


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


class ConcurrencyPolicy(StrEnum):
    """What becomes of a run that is due while the one before it goes on."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


class JobTemplate(Value):
    metadata: TemplateMeta = TemplateMeta()
    spec: JobSpec


class CronJobSpec(Value):
    """`schedule` is manifests.cron's to read; without a `time_zone` it is the host's."""

    schedule: str
    time_zone: str = ""
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.ALLOW
    suspend: bool = False
    starting_deadline_seconds: int | None = None
    successful_jobs_history_limit: int = 3
    failed_jobs_history_limit: int = 1
    job_template: JobTemplate


class CronJob(Value):
    """Makes Jobs: reconciler.workloads.schedules says when."""

    api_version: str = "batch/v1"
    kind: str = "CronJob"
    metadata: ObjectMeta
    spec: CronJobSpec
