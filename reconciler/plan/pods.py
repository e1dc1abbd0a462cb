"""Compare the pods wanted with the pods on the host: one change for each. Pure."""

from __future__ import annotations

from manifests import codec, kinds, references
from manifests.observed import Mend
from manifests.ref import Ref
from manifests.value import Value
from reconciler.plan.change import Change, Effect, Op, Reason
from reconciler.plan.diff import differences
from reconciler.workloads import naming
from reconciler.workloads.expand import TEMPLATE_ANNOTATION
from reconciler.workloads.ownership import belongs_to
from reconciler.workloads.restarting import RESTARTED_AT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from manifests.observed import Observed, PodState
    from manifests.pod import Pod
    from reconciler.plan.wish import Wish, Wished
    from reconciler.workloads.expand import Expansion, WantedPod


class _Scene(Value):
    """What one pod is compared with."""

    wish: Wish
    by_uid: Mapping[str, PodState]
    by_ref: Mapping[Ref, PodState]
    leaving: Mapping[Ref, tuple[PodState, ...]]
    wished: Mapping[Ref, Wished]

    def where(self, of: Ref) -> str:
        return self.wished[of].where if of in self.wished else ""

    def where_in_pod(self, of: Ref, *path: str | int) -> str:
        return self.wished[of].where_in_pod(path) if of in self.wished else ""


def changes(wish: Wish, expansion: Expansion, observed: Observed) -> Iterator[Change]:
    """Yield the changes of all wanted pods, and the removal of those that their objects leave."""
    wanted_uids = {wanted.uid for wanted in expansion.pods if wanted.uid}
    wished = {item.ref: item for item in wish.objects}
    leaving: dict[Ref, list[PodState]] = {}
    for state in observed.pods:
        of = belongs_to(state)
        if of in wished and state.uid not in wanted_uids:
            leaving.setdefault(of, []).append(state)
    scene = _Scene(
        wish=wish,
        by_uid={state.uid: state for state in observed.pods},
        by_ref={kinds.ref(state.pod): state for state in observed.pods},
        leaving={of: tuple(states) for of, states in leaving.items()},
        wished=wished,
    )
    replaced = set()
    for wanted in expansion.pods:
        change = _change(wanted, scene)
        if change.op is Op.REPLACE:
            replaced.add(change.uid)
        yield change
    for of, states in leaving.items():
        for state in states:
            if state.uid not in replaced:
                yield _leave(of, state, expansion, scene)


def _change(wanted: WantedPod, scene: _Scene) -> Change:
    ref = kinds.ref(wanted.pod)
    before = scene.by_uid.get(wanted.uid) if wanted.uid else scene.by_ref.get(ref)
    if before is None:
        return _create(wanted, ref, scene)
    if not wanted.uid:
        return _replace(wanted, before, _spec_reasons(before, wanted, scene), scene)
    broken = [drift for drift in before.drift if drift.mend is Mend.RECREATE]
    if scene.wish.recreate:
        return _replace(wanted, before, (Reason(text="asked for"),), scene)
    if broken:
        return _replace(wanted, before, tuple(Reason(text=item.text) for item in broken), scene)
    return _keep_or_mend(wanted, before, scene)


def _create(wanted: WantedPod, ref: Ref, scene: _Scene) -> Change:
    left = scene.leaving.get(wanted.of, ())
    if left and scene.wish.recreate:
        reasons: tuple[Reason, ...] = (Reason(text="asked for"),)
    elif left:
        reasons = _spec_reasons(left[0], wanted, scene)
    else:
        reasons = (Reason(text="not running yet", where=scene.where(wanted.of)),)
    return Change(
        op=Op.CREATE,
        ref=ref,
        of=wanted.of,
        pod=wanted,
        reasons=reasons,
        needs=(
            *_needs(wanted.pod),
            *(kinds.ref(state.pod) for state in left if not wanted.beside),
        ),
    )


def _replace(
    wanted: WantedPod, before: PodState, reasons: tuple[Reason, ...], scene: _Scene
) -> Change:
    fresh = wanted.replace(uid="")
    left = (state for state in scene.leaving.get(wanted.of, ()) if state.uid != before.uid)
    return Change(
        op=Op.REPLACE,
        ref=kinds.ref(wanted.pod),
        of=wanted.of,
        pod=fresh,
        uid=before.uid,
        reasons=reasons,
        effect=Effect.RECREATE,
        needs=(*_needs(wanted.pod), *(kinds.ref(state.pod) for state in left)),
    )


def _keep_or_mend(wanted: WantedPod, before: PodState, scene: _Scene) -> Change:
    """A pod that stays: mended where the host lost something, changed in place, or kept."""
    ref = kinds.ref(wanted.pod)
    shown = _shown_reasons(wanted.pod, before, scene)
    meta = _metadata_reasons(wanted, before, scene)
    keep = Change(op=Op.KEEP, ref=ref, of=wanted.of, pod=wanted, uid=before.uid)
    if before.drift and not before.record.finished:
        restart = any(drift.mend is Mend.CONTAINERS for drift in before.drift)
        return keep.replace(
            op=Op.REPAIR,
            reasons=(*(Reason(text=drift.text) for drift in before.drift), *shown, *meta),
            effect=Effect.RESTART if restart else Effect.IN_PLACE,
            needs=_needs(wanted.pod),
        )
    if shown or meta:
        return keep.replace(
            op=Op.UPDATE,
            reasons=(*shown, *meta),
            effect=Effect.IN_PLACE,
            needs=_needs(wanted.pod),
        )
    return keep


def _shown_reasons(pod: Pod, before: PodState, scene: _Scene) -> tuple[Reason, ...]:
    """The ConfigMaps and Secrets whose present content the pod's volumes do not show yet."""
    if before.record.finished:
        return ()
    return tuple(
        Reason(text=f"{ref} changed: its files in the pod follow", where=scene.where(ref))
        for ref in dict.fromkeys(references.projected(pod))
        if scene.wish.digests.get(ref, "") != before.record.configs.get(config_key(ref), "")
    )


def config_key(ref: Ref) -> str:
    """The name under which a pod's record keeps the digest of what it shows."""
    return f"{ref.kind}/{ref.name}"


def _metadata_reasons(wanted: WantedPod, before: PodState, scene: _Scene) -> tuple[Reason, ...]:
    old, new = before.pod.metadata, wanted.pod.metadata
    found = [
        Reason(
            path=f".metadata{item.path}",
            old=item.old,
            new=item.new,
            where=scene.where_in_pod(wanted.of, "metadata", *item.steps),
        )
        for item in differences(
            {"labels": dict(old.labels), "annotations": dict(old.annotations)},
            {"labels": dict(new.labels), "annotations": dict(new.annotations)},
        )
    ]
    if before.record.aliases != wanted.aliases:
        names = ", ".join(wanted.aliases) or "none"
        text = f"its further names change to {names}"
        found.append(Reason(text=text, where=scene.where(wanted.of)))
    return tuple(found)


def _spec_reasons(before: PodState, wanted: WantedPod, scene: _Scene) -> tuple[Reason, ...]:
    """Why a new pod takes the place of `before`: what changed of its spec, or its fate."""
    if before.record.spec_hash == wanted.spec_hash:
        fate = "was left half removed" if before.record.deleting else "has ended"
        return (Reason(text=f"{kinds.ref(before.pod)} {fate}"),)
    found = tuple(
        Reason(
            path=item.path,
            old=item.old,
            new=item.new,
            where=scene.where_in_pod(wanted.of, *item.steps),
        )
        for item in differences(_what_runs(before.pod), _what_runs(wanted.pod))
    )
    return found or (Reason(text="its template changed", where=scene.where(wanted.of)),)


def _what_runs(pod: Pod) -> dict[str, object]:
    """What makes a pod what it runs, as naming.spec_hash sees it, and when it was restarted."""
    read = naming.read_annotations(pod)
    read.pop(TEMPLATE_ANNOTATION, None)
    if RESTARTED_AT in pod.metadata.annotations:
        read[RESTARTED_AT] = pod.metadata.annotations[RESTARTED_AT]
    return {"metadata": {"annotations": read}, "spec": codec.encode(pod.spec)}


def _leave(of: Ref, state: PodState, expansion: Expansion, scene: _Scene) -> Change:
    fresh = any(wanted.of == of and not wanted.uid for wanted in expansion.pods)
    step = expansion.rollouts.get(of)
    if step is not None:
        text = f"{of} replaces its pods: {step.note}" if step.note else f"{of} replaces its pods"
    else:
        text = f"{of} replaces its pods" if fresh else f"{of} wants no more of these pods"
    return Change(
        op=Op.DELETE,
        ref=kinds.ref(state.pod),
        of=of,
        uid=state.uid,
        reasons=(Reason(text=text, where=scene.where(of)),),
        effect=Effect.RECREATE if fresh else Effect.NONE,
    )


def _needs(pod: Pod) -> tuple[Ref, ...]:
    network = references.network_of(pod)
    needed = tuple(references.references(pod))
    return (*needed, Ref(kind="Network", name=network)) if network else needed
