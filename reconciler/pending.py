"""Keep which pods a pass could not make, and why, for those who ask what became of them.

Called by reconciler.cycle. This is for people alone: no pass goes by it, each tries what is wanted.
"""

from __future__ import annotations

import time

from manifests import kinds
from manifests.faults import NotReady
from manifests.observed import ContainerRecord, ContainerState, PodRecord, PodState, Stage
from reconciler import uids
from reconciler.plan.change import Op
from reconciler.workloads.ownership import belongs_to
from runtime.observe import pending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from manifests.faults import Fault
    from manifests.ref import Ref
    from reconciler.execute.run import Outcome
    from reconciler.workloads.expand import WantedPod
    from runtime.paths import Paths

WAITING = (
    *("CreateContainerConfigError", "CreateContainerError", "RunContainerError"),
    *("ErrImagePull", "ErrImageNeverPull", "InvalidImageName"),
)
"""Reasons that the kubelet gives a container; with others it only says that it creates it."""


def update(paths: Paths, objects: Collection[Ref], outcomes: Iterable[Outcome]) -> None:
    """Save the pods of `objects` that could not be made; no others of theirs are left."""
    before = {kinds.ref(state.pod): state for state in _of(paths, objects)}
    for outcome in outcomes:
        wanted, fault = outcome.change.pod, outcome.fault
        if wanted is None or fault is None or not _is_missing(outcome):
            continue
        known = before.pop(outcome.change.ref, None)
        if known is None or known.record.spec_hash != wanted.spec_hash:
            pending.write(paths, state_of(wanted, fault, uids.new(), time.time()))
        else:
            record = known.record
            pending.write(paths, state_of(wanted, fault, record.uid, record.created_at))
    for state in before.values():
        pending.remove(paths, state.pod)


def forget(paths: Paths, gone: Collection[Ref]) -> None:
    """Forget these pods, and those of these objects."""
    for state in _of(paths, gone):
        pending.remove(paths, state.pod)


def state_of(wanted: WantedPod, fault: Fault, uid: str, at: float) -> PodState:
    """Return the pod as one whose containers wait; pure.

    All have the message, and those that are to blame the reason; none is for a volume or a port.
    """
    metadata = wanted.pod.metadata
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    spec = wanted.pod.spec
    every = (*spec.init_containers, *spec.containers)
    blamed = {
        one.name
        for one in every
        if fault.container == one.name or (fault.image and fault.image == one.image)
    }
    ref = kinds.ref(wanted.pod)
    message = fault.message.removeprefix(f"{ref}: ").removeprefix(f"{ref} ")
    innocent = ContainerRecord(problem=message)
    guilty = innocent.replace(problem_reason=fault.reason if fault.reason in WAITING else "")
    return PodState(
        record=PodRecord(
            uid=uid,
            pod=wanted.pod.replace(metadata=metadata.replace(uid=uid, creation_timestamp=stamp)),
            spec_hash=wanted.spec_hash,
            created_at=at,
            aliases=wanted.aliases,
        ),
        containers={
            one.name: ContainerState(
                name=one.name,
                stage=Stage.ABSENT,
                record=guilty if not blamed or one.name in blamed else innocent,
            )
            for one in every
        },
    )


def _is_missing(outcome: Outcome) -> bool:
    """Tell whether the change leaves no pod: one that is not ready goes on by itself."""
    made = outcome.change.op in (Op.CREATE, Op.REPLACE)
    return made and not isinstance(outcome.fault, NotReady)


def _of(paths: Paths, objects: Collection[Ref]) -> list[PodState]:
    return [
        state
        for state in pending.read(paths)
        if belongs_to(state) in objects or kinds.ref(state.pod) in objects
    ]
