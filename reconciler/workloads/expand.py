"""Turn objects and what runs already into the pods wanted now. Pure.

Called by reconciler.cycle with defaulted, checked objects. Each wanted pod is either an existing
one that stays (`uid` set) or a new one. A pod on the host whose object is here and that is in no
list is the plan's to remove.
"""

from __future__ import annotations

from collections.abc import Callable

from manifests import kinds, settings
from manifests.meta import ObjectMeta, OwnerReference
from manifests.observed import Mend, Phase
from manifests.pod import Pod
from manifests.ref import Ref
from manifests.value import EMPTY, Value
from manifests.workloads import DaemonSet, Deployment, Job, ReplicaSet
from reconciler.workloads import jobs, lifecycle, naming
from reconciler.workloads.ownership import belongs_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from manifests.kinds import Object, Workload
    from manifests.observed import PodState
    from reconciler.workloads.rollout import One, Scene, Step

TEMPLATE_HASH_LABEL = "pod-template-hash"
TEMPLATE_ANNOTATION = settings.TEMPLATE_HASH
JOB_LABEL = "batch.kubernetes.io/job-name"


class WantedPod(Value):
    """`pod` is named and in its namespace; `uid` is that of the pod that runs it already, if any.

    `of` is the object that the user wrote; `aliases` are further names for the pod. `beside`: it
    may start before those of its object that go have gone.
    """

    pod: Pod
    spec_hash: str
    of: Ref
    uid: str = ""
    aliases: tuple[str, ...] = ()
    beside: bool = False


class Manner(Value):
    """How changed workloads are replaced, for those who do not want all at once.

    `shared` tells of a claim whether several pods are meant to write into it. `followed` are the
    workloads whose rollout is told of though no old pod is left.
    """

    shared: Callable[[Ref], bool]
    followed: frozenset[Ref] = frozenset()


class Expansion(Value):
    """`progress` tells how far each Job is, `rollouts` how far the workloads that have old pods."""

    pods: tuple[WantedPod, ...]
    progress: Mapping[Ref, jobs.Progress] = EMPTY
    rollouts: Mapping[Ref, Step] = EMPTY


def expand(
    objects: Iterable[Object],
    states: Sequence[PodState],
    now: float,
    *,
    remembered: Mapping[Ref, jobs.Progress] = EMPTY,
    anew: bool = False,
    manner: Manner | None = None,
) -> Expansion:
    """Return the pods that `objects` want beside `states`, the pods on the host.

    Without a `manner` the pods of changed workloads are all replaced at once. `remembered` is what
    is known of Jobs: those that have ended want no pods any more. With `anew` Jobs begin again,
    whatever their pods on the host have come to, and all pods are made at once.
    """
    pods: list[WantedPod] = []
    progress: dict[Ref, jobs.Progress] = {}
    rollouts: dict[Ref, Step] = {}
    taken = {(state.pod.metadata.namespace, state.pod.metadata.name) for state in states}
    belonging = _belonging(states)
    for thing in objects:
        ref = kinds.ref(thing)
        if isinstance(thing, Pod):
            pods.append(_bare(thing, ref, belonging.get(ref, ())))
        elif isinstance(thing, Job):
            owned = [] if anew else belonging.get(ref, ())
            progress[ref] = jobs.progress(thing, owned, now, None if anew else remembered.get(ref))
            pods.extend(_job_pods(thing, ref, owned, progress[ref], taken))
        elif isinstance(thing, Deployment | ReplicaSet | DaemonSet):
            group = _Group(thing, belonging.get(ref, ()), now, taken)
            told = group.rollout(manner) if manner is not None and not anew else None
            if told is not None:
                rollouts[ref] = told
            pods.extend(group.pods(told))
    return Expansion(pods=tuple(pods), progress=progress, rollouts=rollouts)


def phase_of(state: PodState, now: float) -> Phase:
    """Return the pod's phase as Kubernetes would tell it."""
    return lifecycle.of_pod(state, now).phase


def _belonging(states: Sequence[PodState]) -> Mapping[Ref, Sequence[PodState]]:
    """The pods of each workload, and each pod without one under its own name; the oldest first."""
    found: dict[Ref, list[PodState]] = {}
    for state in sorted(states, key=lambda one: (one.record.created_at, one.uid)):
        if not state.record.deleting:
            found.setdefault(belongs_to(state), []).append(state)
    return found


def _bare(pod: Pod, ref: Ref, named: Sequence[PodState]) -> WantedPod:
    """A Pod object: the pod of its name stays if it was made from the same spec."""
    wanted = naming.spec_hash(pod)
    uid = next((state.uid for state in named if state.record.spec_hash == wanted), "")
    return WantedPod(pod=pod, spec_hash=wanted, of=ref, uid=uid)


class _Group:
    """The pods of a workload that keeps some running: those of its present template, and others."""

    def __init__(
        self,
        thing: Deployment | ReplicaSet | DaemonSet,
        owned: Sequence[PodState],
        now: float,
        taken: set[tuple[str, str]],
    ) -> None:
        self._thing, self._now, self._taken = thing, now, taken
        self._ref = kinds.ref(thing)
        self._count = 1 if isinstance(thing, DaemonSet) else thing.spec.replicas
        self._pattern = _pattern(thing, (f"{self._ref.name}-pod",) if self._count == 1 else ())
        lasting = [
            state for state in owned if phase_of(state, now) not in (Phase.FAILED, Phase.SUCCEEDED)
        ]
        wanted = self._pattern.spec_hash
        self._current = [state for state in lasting if state.record.spec_hash == wanted]
        self._current.sort(key=lambda state: phase_of(state, now) is not Phase.RUNNING)
        self._old = [
            state
            for state in lasting
            if state.record.spec_hash != wanted
            and not any(drift.mend is Mend.RECREATE for drift in state.drift)
        ]

    def rollout(self, manner: Manner) -> Step | None:
        """Return the step of the workload's rollout; None where there is nothing to roll out."""
        thing = self._thing
        if isinstance(thing, ReplicaSet) or not (self._old or self._ref in manner.followed):
            return None
        from reconciler.workloads import rollout

        scene = self._scene()
        if rollout.held(thing):
            return rollout.paused(scene)
        within = rollout.bounds(thing)
        if within is None:
            return rollout.at_once(scene)
        why = rollout.apart(self._old, self._pattern.pod, self._count, manner.shared)
        if why:
            return rollout.at_once(scene, f"old pods go first: {why}")
        return rollout.step(scene, within, self._now)

    def _scene(self) -> Scene:
        from reconciler.health import readiness
        from reconciler.workloads.rollout import One, Scene

        def seen(state: PodState) -> One:
            return One(
                uid=state.uid,
                created_at=state.record.created_at,
                ready_since=(readiness.ready_since(state) if readiness.pod_ready(state) else None),
            )

        thing = self._thing
        deadline = thing.spec.progress_deadline_seconds if isinstance(thing, Deployment) else None
        return Scene(
            replicas=self._count,
            old=[seen(state) for state in self._old],
            new=[seen(state) for state in self._current],
            min_ready=thing.spec.min_ready_seconds,
            deadline=deadline,
        )

    def pods(self, told: Step | None) -> list[WantedPod]:
        """As many pods as there should be now; healthy ones that are there already stay first."""
        count = self._count if told is None else told.new
        template = self._pattern.pod.metadata.annotations[TEMPLATE_ANNOTATION]
        name = self._ref.name
        stem = f"{name}-{template}" if isinstance(self._thing, Deployment) else name
        kept = [_kept(self._pattern, state) for state in self._current[:count]]
        made = [
            _fresh(self._pattern, stem, index, self._taken) for index in range(len(kept), count)
        ]
        if told is None:
            return kept + made
        beside = [one.replace(beside=number < told.beside) for number, one in enumerate(made)]
        old = [_as_it_is(one) for one in self._old if one.uid in told.kept]
        return [*old, *self._again(told.again), *kept, *beside]

    def _again(self, count: int) -> list[WantedPod]:
        """More pods of the newest old template."""
        if not count:
            return []
        pattern = _as_it_is(self._old[-1]).replace(uid="")
        metadata = pattern.pod.metadata.replace(uid="", creation_timestamp="")
        pattern = pattern.replace(pod=pattern.pod.replace(metadata=metadata))
        stem = metadata.name.rpartition("-")[0]
        return [_fresh(pattern, stem, index, self._taken) for index in range(count)]


def _as_it_is(state: PodState) -> WantedPod:
    """A pod of an old template that stays for now."""
    record = state.record
    return WantedPod(
        pod=record.pod,
        spec_hash=record.spec_hash,
        of=belongs_to(state),
        uid=record.uid,
        aliases=record.aliases,
    )


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
