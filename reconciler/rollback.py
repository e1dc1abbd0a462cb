"""Take back what a failed pass has done: what ran before runs again, and is the wish again.

    remember        what a pass is about to overwrite, before it does
    take_back       all of a pass, as a failed `kube play` must
    bring_back      the pods of objects whose new ones failed, as `apply` does; the wish stays new

Pods come back as their records say, from the very images that they ran. One that had ended, or was
half made, does not: there was nothing to lose. Killed on the way, the next pass finds fewer pods
than are wanted and makes them.
"""

from __future__ import annotations

from functools import partial

from manifests import kinds, references
from manifests.faults import Fault
from manifests.value import EMPTY, Value
from reconciler.execute import pool
from reconciler.execute.run import STARTS_AT_ONCE, Outcome, object_of, tried
from reconciler.plan.change import Change, Op, Reason
from reconciler.state import objects, secrets
from reconciler.workloads.expand import WantedPod
from reconciler.workloads.ownership import belongs_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from manifests.config import Secret
    from manifests.observed import PodRecord, PodState
    from manifests.ref import Ref
    from reconciler.execute.run import Run
    from reconciler.state.objects import Applied
    from reconciler.targets.host.host import Host

RAN_BEFORE = Reason(text="it ran before")


class Before(Value):
    """What was remembered of the objects that a pass changes: their rows, Secrets' content."""

    rows: tuple[Applied, ...] = ()
    secrets: Mapping[Ref, Secret] = EMPTY


def remember(host: Host, refs: Sequence[Ref]) -> Before:
    """Read what is to be put back should the pass fail."""
    base = host.base
    rows = tuple(filter(None, (objects.find(base.database, ref) for ref in refs)))
    held = {
        row.ref: secrets.read(base.paths, row.ref.namespace, row.ref.name)
        for row in rows
        if row.ref.kind == "Secret"
    }
    return Before(rows=rows, secrets={ref: one for ref, one in held.items() if one is not None})


def take_back(host: Host, run: Run, refs: Sequence[Ref], before: Before) -> tuple[Outcome, ...]:
    """Undo a pass that wished `refs`; return one outcome for each thing that was put back.

    What could not be undone has a fault and does not keep the rest.
    """
    outcomes = list(_remove_new(host, run, frozenset(refs)))
    _restore_wish(host, refs, before)
    outcomes += _restore_supplies(host, run, before)
    outcomes += _restore_pods(host, _lost(run, [uid for uid in run.gone if uid in run.first]))
    outcomes += _restore_in_place(host, run)
    return tuple(outcomes)


def bring_back(host: Host, run: Run) -> tuple[Outcome, ...]:
    """For each object with pods that failed, bring back as many of those that they replaced."""
    missing: dict[Ref, int] = {}
    for change in run.late:
        if change.ref in run.failed:
            missing[object_of(change)] = missing.get(object_of(change), 0) + 1
    chosen: list[PodState] = []
    for state in _lost(run, run.gone):
        of = belongs_to(state)
        if missing.get(of):
            missing[of] -= 1
            chosen.append(state)
    return tuple(_restore_pods(host, chosen)) if chosen else ()


def _lost(run: Run, uids: Sequence[str]) -> list[PodState]:
    """The removed pods that were whole, the oldest first."""
    states = [run.states[uid] for uid in uids]
    whole = (
        state
        for state in states
        if state.record.complete and not state.record.finished and not state.record.deleting
    )
    return sorted(whole, key=lambda state: (state.record.created_at, state.uid))


def _remove_new(host: Host, run: Run, refs: frozenset[Ref]) -> list[Outcome]:
    """Remove every pod of these objects that the pass did not find, then networks and claims.

    Nobody else makes such pods meanwhile: the pass holds the locks of its objects.
    """
    new: list[PodState] = []
    faults: dict[str, Fault] = {}

    def remove() -> None:
        found = host.pods()
        new.extend(s for s in found if s.uid not in run.first and belongs_to(s) in refs)
        faults.update(host.remove(new))

    whole = tried("removal of the new pods", remove)
    outcomes = [
        _outcome(Op.DELETE, kinds.ref(state.pod), fault)
        for state in new
        if (fault := whole or faults.get(state.uid)) is not None
    ]
    for made in reversed(run.outcomes):
        change = made.change
        if change.op is not Op.CREATE or change.pod is not None:
            continue
        fault = None
        if change.ref.kind == "Network":
            fault = tried(str(change.ref), partial(host.remove_network, change.ref.name))
        elif change.ref.kind == "PersistentVolumeClaim":
            fault = tried(str(change.ref), partial(host.release_claim, change.ref))
        if fault is not None:
            outcomes.append(_outcome(Op.DELETE, change.ref, fault))
    return outcomes


def _restore_wish(host: Host, refs: Sequence[Ref], before: Before) -> None:
    """Put the old rows and Secrets back, and forget what was new."""
    base = host.base
    known = {row.ref for row in before.rows}
    for ref in refs:
        if ref.kind == "Secret" and ref in before.secrets:
            secrets.save(base.paths, before.secrets[ref])
        elif ref.kind == "Secret" and ref not in known:
            secrets.remove(base.paths, ref)
    objects.put_back(base.database, before.rows)
    objects.forget(base.database, [ref for ref in refs if ref not in known])
    base.withdraw(refs)
    digests = {ref: digest for ref, digest in base.digests.items() if ref not in refs}
    base.digests = {**digests, **{row.ref: row.digest for row in before.rows}}


def _restore_supplies(host: Host, run: Run, before: Before) -> list[Outcome]:
    """Bring changed networks back to what they were."""
    changed = {made.change.ref for made in run.outcomes if made.change.op is Op.UPDATE}
    outcomes = []
    for row in before.rows:
        if row.ref.kind == "Network" and row.ref in changed:
            network = row.object()
            fault = tried(str(row.ref), partial(host.ensure_network, network))  # type: ignore[arg-type]
            outcomes.append(_outcome(Op.UPDATE, row.ref, fault))
    return outcomes


def _restore_pods(host: Host, states: Sequence[PodState]) -> list[Outcome]:
    """Make these pods again."""
    if not states:
        return []
    wanted = {state.uid: _wanted(state) for state in states}
    prepared: dict[Ref, PodRecord | Fault] = {}
    whole = tried(
        "preparation of the old pods",
        lambda: prepared.update(host.prepare(list(wanted.values()))),
    )

    def restore(state: PodState) -> Outcome:
        ref = kinds.ref(state.pod)
        if whole is not None:
            return _outcome(Op.CREATE, ref, whole)
        record = prepared[ref]
        if isinstance(record, Fault):
            return _outcome(Op.CREATE, ref, record)
        record = record.replace(held=state.record.held)
        fault = tried(str(ref), partial(host.start, record, _images(state)))
        return _outcome(Op.CREATE, ref, fault)

    done = pool.run([partial(restore, state) for state in states], STARTS_AT_ONCE)
    return [one for one in done if isinstance(one, Outcome)]


def _restore_in_place(host: Host, run: Run) -> list[Outcome]:
    """Give the pods that were changed in place their old labels and files again."""
    outcomes = []
    for made in run.outcomes:
        change = made.change
        if change.op in (Op.UPDATE, Op.REPAIR) and change.pod is not None:
            state = run.first.get(change.uid) or run.states[change.uid]
            fault = tried(str(change.ref), partial(host.update, state, _wanted(state)))
            outcomes.append(_outcome(Op.UPDATE, change.ref, fault))
    return outcomes


def _wanted(state: PodState) -> WantedPod:
    """The pod as it was asked for when it was made."""
    record = state.record
    metadata = record.pod.metadata.replace(uid="", creation_timestamp="")
    return WantedPod(
        pod=record.pod.replace(metadata=metadata),
        spec_hash=record.spec_hash,
        of=belongs_to(state),
        aliases=record.aliases,
    )


def _images(state: PodState) -> dict[str, str]:
    """The ids of the images that the pod ran, by the names that its manifest gives them."""
    ids = state.record.images
    return {name: ids[key] for key, name, _policy in references.images(state.pod.spec)}


def _outcome(op: Op, ref: Ref, fault: Fault | None) -> Outcome:
    return Outcome(change=Change(op=op, ref=ref, reasons=(RAN_BEFORE,)), fault=fault)
