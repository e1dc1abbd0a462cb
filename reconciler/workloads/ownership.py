"""Tell which object a pod on the host belongs to. Pure.

Apart from reconciler.workloads.expand, as removing and listing pods need no more of workloads.
"""

from __future__ import annotations

from manifests import kinds
from manifests.ref import Ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.observed import PodRecord, PodState


def owner_of(state: PodState) -> Ref | None:
    """Return the workload that a pod on the host was made for."""
    return owner_in(state.record)


def owner_in(record: PodRecord) -> Ref | None:
    """Return the workload that the pod of this record was made for."""
    for owner in record.pod.metadata.owner_references:
        if owner.controller:
            return Ref(kind=owner.kind, namespace=record.pod.metadata.namespace, name=owner.name)
    return None


def belongs_to(state: PodState) -> Ref:
    """The object that the user wrote: the pod's workload, or the pod itself."""
    return object_of(state.record)


def object_of(record: PodRecord) -> Ref:
    """The same, from the pod's record alone."""
    return owner_in(record) or kinds.ref(record.pod)
