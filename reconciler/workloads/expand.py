"""Turn objects and what runs already into the pods wanted now. Pure.

Called by reconciler.cycle with defaulted, checked objects. Each wanted pod is either an existing
one that stays (`uid` set) or a new one. A pod on the host whose object is here and that is in no
list is the plan's to remove.
"""

from __future__ import annotations

from manifests import kinds, settings
from manifests.meta import ObjectMeta, OwnerReference
from manifests.observed import Phase
from manifests.pod import Pod
from manifests.ref import Ref
from manifests.value import EMPTY, Value
from manifests.workloads import DaemonSet, Deployment, Job, ReplicaSet
from reconciler.workloads import jobs, lifecycle, naming
from reconciler.workloads.ownership import owner_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from manifests.kinds import Object, Workload
    from manifests.observed import PodState

TEMPLATE_HASH_LABEL = "pod-template-hash"
TEMPLATE_ANNOTATION = settings.TEMPLATE_HASH
JOB_LABEL = "batch.kubernetes.io/job-name"


class WantedPod(Value):
    """`pod` is named and in its namespace; `uid` is that of the pod that runs it already, if any.

    `of` is the object that the user wrote; `aliases` are further names for the pod.
    """

    pod: Pod
    spec_hash: str
    of: Ref
    uid: str = ""
    aliases: tuple[str, ...] = ()


class Expansion(Value):
    """`progress` tells how far each Job is."""

    pods: tuple[WantedPod, ...]
    progress: Mapping[Ref, jobs.Progress] = EMPTY


def expand(
    objects: Iterable[Object],
    states: Sequence[PodState],
    now: float,
    *,
    remembered: Mapping[Ref, jobs.Progress] = EMPTY,
    anew: bool = False,
) -> Expansion:
    """Return the pods that `objects` want beside `states`, the pods on the host.

    `remembered` is what is known of Jobs: those that have ended want no pods any more. With
    `anew` Jobs begin again, whatever their pods on the host have come to.
    """
    pods: list[WantedPod] = []
    progress: dict[Ref, jobs.Progress] = {}
    taken = {(state.pod.metadata.namespace, state.pod.metadata.name) for state in states}
    for thing in objects:
        ref = kinds.ref(thing)
        if isinstance(thing, Pod):
            pods.append(_bare(thing, ref, states))
        elif isinstance(thing, Job):
            owned = [] if anew else _owned(ref, states)
            progress[ref] = jobs.progress(thing, owned, now, None if anew else remembered.get(ref))
            pods.extend(_job_pods(thing, ref, owned, progress[ref], taken))
        elif isinstance(thing, Deployment | ReplicaSet | DaemonSet):
            pods.extend(_replicas(thing, ref, _owned(ref, states), now, taken))
    return Expansion(pods=tuple(pods), progress=progress)


def phase_of(state: PodState, now: float) -> Phase:
    """Return the pod's phase as Kubernetes would tell it."""
    return lifecycle.of_pod(state, now).phase


def _owned(owner: Ref, states: Sequence[PodState]) -> list[PodState]:
    """The owner's pods, the oldest first."""
    owned = [state for state in states if not state.record.deleting and owner_of(state) == owner]
    return sorted(owned, key=lambda state: (state.record.created_at, state.uid))


def _bare(pod: Pod, ref: Ref, states: Sequence[PodState]) -> WantedPod:
    """A Pod object: the pod of its name stays if it was made from the same spec."""
    wanted = naming.spec_hash(pod)
    uid = next(
        (
            state.uid
            for state in states
            if kinds.ref(state.pod) == ref
            and state.record.spec_hash == wanted
            and owner_of(state) is None
            and not state.record.deleting
        ),
        "",
    )
    return WantedPod(pod=pod, spec_hash=wanted, of=ref, uid=uid)


def _replicas(
    thing: Deployment | ReplicaSet | DaemonSet,
    ref: Ref,
    owned: Sequence[PodState],
    now: float,
    taken: set[tuple[str, str]],
) -> list[WantedPod]:
    """As many pods of the present template as there should be; healthy, old ones stay first."""
    count = 1 if isinstance(thing, DaemonSet) else thing.spec.replicas
    pattern = _pattern(thing, (f"{ref.name}-pod",) if count == 1 else ())
    current = [
        state
        for state in owned
        if state.record.spec_hash == pattern.spec_hash
        and phase_of(state, now) not in (Phase.FAILED, Phase.SUCCEEDED)
    ]
    current.sort(key=lambda state: phase_of(state, now) is not Phase.RUNNING)
    template = naming.template_hash(thing.spec.template)
    stem = f"{ref.name}-{template}" if isinstance(thing, Deployment) else ref.name
    return [
        _kept(pattern, current[index])
        if index < len(current)
        else _fresh(pattern, stem, index, taken)
        for index in range(count)
    ]


def _job_pods(
    job: Job,
    ref: Ref,
    owned: Sequence[PodState],
    progress: jobs.Progress,
    taken: set[tuple[str, str]],
) -> list[WantedPod]:
    """The Job's ended pods, which stay for their logs, its running ones, and those still due."""
    pattern = _pattern(job, (f"{ref.name}-pod",) if job.spec.parallelism == 1 else ())
    kept = [_kept(pattern, state) for state in owned if state.uid not in progress.surplus]
    due = range(len(owned), len(owned) + progress.due)
    return kept + [_fresh(pattern, ref.name, index, taken) for index in due]


def _kept(pattern: WantedPod, state: PodState) -> WantedPod:
    return _named(pattern, state.pod.metadata.name).replace(uid=state.uid)


def _fresh(pattern: WantedPod, stem: str, index: int, taken: set[tuple[str, str]]) -> WantedPod:
    of = pattern.of
    in_namespace = {name for namespace, name in taken if namespace == of.namespace}
    name = naming.pod_name(stem, f"{of}/{index}", in_namespace)
    taken.add((of.namespace, name))
    return _named(pattern, name)


def _named(pattern: WantedPod, name: str) -> WantedPod:
    pod = pattern.pod
    return pattern.replace(pod=pod.replace(metadata=pod.metadata.replace(name=name)))


def _pattern(owner: Workload, aliases: tuple[str, ...]) -> WantedPod:
    """The pod that the owner's template describes, without a name.

    Annotations that podpy or Podman reads count on the workload itself too, where Podman's users
    put them; the template's win.
    """
    template, template_hash = owner.spec.template, naming.template_hash(owner.spec.template)
    inherited = naming.read_of(owner.metadata.annotations)
    labels = dict(template.metadata.labels)
    if isinstance(owner, Deployment):
        labels[TEMPLATE_HASH_LABEL] = template_hash
    if isinstance(owner, Job):
        labels[JOB_LABEL] = owner.metadata.name
    pod = Pod(
        metadata=ObjectMeta(
            namespace=owner.metadata.namespace,
            labels=labels,
            annotations={
                **inherited,
                **template.metadata.annotations,
                TEMPLATE_ANNOTATION: template_hash,
            },
            owner_references=(
                OwnerReference(
                    api_version=owner.api_version,
                    kind=owner.kind,
                    name=owner.metadata.name,
                    controller=True,
                ),
            ),
        ),
        spec=template.spec,
    )
    return WantedPod(pod=pod, spec_hash=naming.spec_hash(pod), of=kinds.ref(owner), aliases=aliases)
