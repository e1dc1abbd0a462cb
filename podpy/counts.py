"""Count what stands behind an object: a workload's pods, a Job's ends, a claim's state. Pure."""

from __future__ import annotations

from manifests.config import Namespace, Network, PersistentVolumeClaim
from manifests.value import Value
from manifests.workloads import CronJob, DaemonSet, Deployment, Job, ReplicaSet
from podpy import status
from reconciler.health import readiness
from reconciler.workloads import jobs, naming
from reconciler.workloads.expand import TEMPLATE_ANNOTATION
from reconciler.workloads.jobs import Ending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from manifests.observed import PodState
    from podpy.inventory import Inventory, Item
    from reconciler.workloads.jobs import Progress

    Replicated = Deployment | ReplicaSet | DaemonSet


class Counts(Value):
    """Pods of a workload: how many are wanted, there, of the present template, and ready.

    Those that have been ready for its minReadySeconds are `available`.
    """

    wanted: int
    there: int
    updated: int
    ready: int
    available: int = 0


class JobCounts(Value):
    """How far a Job is; times are seconds since the epoch, 0 where there is none."""

    progress: Progress
    started_at: float = 0.0
    ended_at: float = 0.0

    @property
    def word(self) -> str:
        if self.progress.ending is Ending.COMPLETE:
            return "Complete"
        return "Failed" if self.progress.ending is Ending.FAILED else "Running"


def replicas(thing: Replicated, owned: Sequence[PodState], now: float) -> Counts:
    """Count the pods of a workload that keeps some running."""
    template = naming.template_hash(thing.spec.template)
    alive = [(state, status.summary(state, now)) for state in owned]
    alive = [pair for pair in alive if pair[1].phase not in status.OVER]
    ready = [state for state, _ in alive if readiness.pod_ready(state)]
    due = now - thing.spec.min_ready_seconds
    return Counts(
        wanted=1 if isinstance(thing, DaemonSet) else thing.spec.replicas,
        there=len(alive),
        updated=sum(
            state.pod.metadata.annotations.get(TEMPLATE_ANNOTATION) == template
            for state, _ in alive
        ),
        ready=len(ready),
        available=sum(readiness.ready_since(state) <= due for state in ready),
    )


def job(
    thing: Job, owned: Sequence[PodState], now: float, remembered: Progress | None
) -> JobCounts:
    """Tell how far a Job is, and from when to when it took."""
    progress = jobs.progress(thing, owned, now, remembered)
    ends = [
        container.ended.finished_at
        for state in owned
        for container in state.containers.values()
        if container.ended is not None
    ]
    over = progress.ending is not Ending.RUNNING
    return JobCounts(
        progress=progress,
        started_at=progress.started_at
        or min((state.record.created_at for state in owned), default=0.0),
        ended_at=max(ends, default=0.0) if over else 0.0,
    )


def wire(inventory: Inventory, item: Item) -> dict[str, Any]:
    """Return the `status` of an object that is no pod; nothing for one without."""
    thing = item.thing
    match thing:
        case Deployment() | ReplicaSet() | DaemonSet():
            found = replicas(thing, inventory.owned(item.ref), inventory.now)
            told = _replicas_wire(thing, found, item)
            if isinstance(thing, Deployment):
                told["conditions"].append(progressing(thing, inventory, item))
            return told
        case Job():
            remembered = inventory.remembered_jobs.get(item.ref)
            return _job_wire(job(thing, inventory.owned(item.ref), inventory.now, remembered))
        case CronJob():
            from podpy import cron_jobs

            return cron_jobs.wire(inventory, item)
        case PersistentVolumeClaim():
            capacity = {"storage": thing.spec.resources.requests.get("storage", "")}
            return {
                "phase": "Bound",
                "accessModes": list(thing.spec.access_modes),
                **({"capacity": capacity} if capacity["storage"] else {}),
            }
        case Namespace():
            return {"phase": "Active"}
        case Network():
            bridge = inventory.networks.get(thing.metadata.name)
            if bridge is None:
                return {}
            return {"link": bridge.link, "subnet": bridge.subnet, "gateway": bridge.gateway}
        case _:
            return {}


def _replicas_wire(thing: Replicated, found: Counts, item: Item) -> dict[str, Any]:
    generation = {"observedGeneration": item.applied.generation} if item.applied else {}
    match thing:
        case DaemonSet():
            return {
                **generation,
                "desiredNumberScheduled": found.wanted,
                "currentNumberScheduled": found.there,
                "updatedNumberScheduled": found.updated,
                "numberReady": found.ready,
                "numberAvailable": found.available,
                "numberMisscheduled": 0,
            }
        case ReplicaSet():
            return {
                **generation,
                "replicas": found.there,
                "readyReplicas": found.ready,
                "availableReplicas": found.available,
            }
        case Deployment():
            from reconciler.workloads import rollout

            within = rollout.bounds(thing)
            least = found.wanted - (within.unavailable if within is not None else 0)
            available = found.available >= least
            reason = "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable"
            return {
                **generation,
                "replicas": found.there,
                "updatedReplicas": found.updated,
                "readyReplicas": found.ready,
                "availableReplicas": found.available,
                "unavailableReplicas": max(0, found.wanted - found.available),
                "conditions": [
                    {
                        "type": "Available",
                        "status": "True" if available else "False",
                        "reason": reason,
                    }
                ],
            }


def progressing(thing: Deployment, inventory: Inventory, item: Item) -> dict[str, Any]:
    """Return the condition that tells of the rollout, with what it waits for."""
    from reconciler.workloads import expand, rollout

    manner = expand.Manner(shared=lambda _claim: True, followed=frozenset((item.ref,)))
    owned = inventory.owned(item.ref)
    step = expand.expand([thing], owned, inventory.now, manner=manner).rollouts[item.ref]
    told: dict[str, Any] = {"type": "Progressing", "status": "True"}
    if thing.spec.paused:
        return {**told, "status": "Unknown", "reason": "DeploymentPaused"}
    if step.overdue:
        return {
            **told,
            "status": "False",
            "reason": rollout.DEADLINE_EXCEEDED,
            "message": step.waits_for,
        }
    if step.waits_for:
        return {**told, "reason": "ReplicaSetUpdated", "message": step.waits_for}
    return {**told, "reason": "NewReplicaSetAvailable"}


def _job_wire(found: JobCounts) -> dict[str, Any]:
    progress = found.progress
    told: dict[str, Any] = {
        "active": progress.active,
        "succeeded": progress.succeeded,
        "failed": progress.failed,
        "startTime": status.stamp(found.started_at),
    }
    if progress.ending is Ending.COMPLETE:
        told["completionTime"] = status.stamp(found.ended_at)
    if progress.ending is not Ending.RUNNING:
        why = {"reason": progress.reason, "message": progress.message} if progress.reason else {}
        told["conditions"] = [{"type": progress.ending.value, "status": "True", **why}]
    return {key: value for key, value in told.items() if value is not None}
