"""Stop every pod as the host goes down, dependents first; nothing runs again before the next boot.

    mark       from now on no pass, hook or agent starts anything
    silence    the ends that follow count for nothing: no restart, no back-off, no failure of a Job
    stop       turn by turn, all pods of one at once, each with its own grace period

Called by `podpy internal halt`. Killed half-way, what is left is systemd's to kill. Pods stay
wished: after the boot they are made anew.
"""

from __future__ import annotations

import contextlib
import time
from functools import partial

from manifests import kinds
from manifests.faults import Fault
from manifests.observed import Phase, Stage
from manifests.workloads import Job
from reconciler import recording
from reconciler.execute.run import tried
from reconciler.plan import order
from reconciler.state import events, objects, results
from reconciler.state.events import Event
from reconciler.syncs import decide, declared
from reconciler.targets.host import shutdown, stopping, sync, waiting
from reconciler.workloads import jobs, lifecycle
from reconciler.workloads.ownership import belongs_to, owner_of
from runtime import descriptors, locks
from runtime.observe import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from manifests.observed import PodState
    from manifests.ref import Ref
    from manifests.sync import Sync
    from reconciler.targets.host.base import Base
    from reconciler.targets.host.host import Host

Turn = tuple[int, int]
"""In which turn of its Sync an object begins, after that Sync's own."""
_LOCK_SECONDS = 5.0
"""How long others may finish what they are doing with pods: systemd ends them, too."""
_ALIVE = (Stage.RUNNING, Stage.CREATED)
REASON = "Terminated"
MESSAGE = "Pod was terminated in response to imminent node shutdown."
"""What the kubelet says of pods that it ends so."""


def halt(host: Host, seconds: float = shutdown.SECONDS) -> tuple[Fault, ...]:
    """Stop all pods, which have `seconds` together; return what went wrong.

    A disk that is full, say, keeps podpy from recording what it does, not from doing it.
    """
    base = host.base
    deadline = time.monotonic() + seconds
    faults = [tried("mark", partial(shutdown.begin, base.paths))]
    with descriptors.room_for(_descriptors(host.pods())), contextlib.ExitStack() as held:
        faults += _lock(host, held)
        present = ours(host.pods())
        for state in (one for one in present if _is_over(one)):
            faults.append(tried(str(kinds.ref(state.pod)), partial(sync.finish, base, state)))
        faults.append(tried("Jobs", partial(_count, host, present)))
        states = [state for state in present if _lives(state)]
        faults.append(tried("hooks", partial(_silence, base, states, seconds)))
        for turn in turns(states, _order(host)):
            grace = graces(turn, max(0.0, deadline - time.monotonic()))
            faults.append(tried("pods", partial(stopping.pods, base, turn, grace)))
        faults.append(tried("events", partial(_note, host, states)))
    return tuple(fault for fault in faults if fault is not None)


def ours(states: Iterable[PodState]) -> list[PodState]:
    """Return the pods that nobody else stops: those of units are ended by these. Pure."""
    return [state for state in states if not state.record.supervised]


def turns(states: Sequence[PodState], begun: Mapping[Ref, Turn]) -> list[list[PodState]]:
    """Return the pods in the turns in which they go: what began last goes first. Pure."""
    found: dict[Turn, list[PodState]] = {}
    for state in states:
        found.setdefault(begun.get(belongs_to(state), (0, 0)), []).append(state)
    return [found[turn] for turn in sorted(found, reverse=True)]


def ranks(syncs: Iterable[Sync]) -> dict[str, int]:
    """Return how late each Sync's apply set comes; the Syncs stand in the order of their
    dependencies. Pure."""
    found: dict[str, int] = {}
    for one in syncs:
        first = (found.get(decide.applyset(other.name), 0) for other in one.spec.depends_on)
        found[decide.applyset(one.metadata.name)] = max((1 + rank for rank in first), default=0)
    return found


def graces(states: Sequence[PodState], left: float) -> dict[str, float]:
    """Return how long each pod has: as it says itself, within what is left. Pure."""
    return {
        state.uid: min(float(state.pod.spec.termination_grace_period_seconds), left)
        for state in states
    }


def _lives(state: PodState) -> bool:
    return any(container.stage in _ALIVE for container in state.containers.values())


def _is_over(state: PodState) -> bool:
    """Tell whether the pod has ended by itself, and its hook was too late to record that."""
    record = state.record
    if record.finished or record.deleting or not record.complete or _lives(state):
        return False
    return lifecycle.of_pod(state, time.time()).phase in (Phase.SUCCEEDED, Phase.FAILED)


def _silence(base: Base, states: Sequence[PodState], seconds: float) -> None:
    """Let the ends of the pods' containers have no consequences: the pods go.

    run_dir outlives a soft reboot, and a shutdown may be taken back: they are made anew then, too.
    """
    now = time.time()
    for state in states:
        kill_at = now + graces([state], seconds)[state.uid]
        records.write_pod(base.paths, state.record.replace(deleting=True, kill_at=kill_at))
        sync.mute(base.paths, state.uid)
        waiting.end(base.paths, state.uid)


def _count(host: Host, states: Sequence[PodState]) -> None:
    """Save how far Jobs are by the pods that have ended, as after the boot nobody sees those."""
    database, now = host.base.database, time.time()
    owned: dict[Ref, list[PodState]] = {}
    for state in states:
        owner = owner_of(state)
        if owner is not None and owner.kind == "Job" and not state.record.deleting:
            owned.setdefault(owner, []).append(state)
    remembered = results.read_jobs(database) if owned else {}
    told: dict[Ref, jobs.Progress] = {}
    for ref, its in owned.items():
        applied = objects.find(database, ref)
        job = None if applied is None else applied.object()
        if isinstance(job, Job):
            told[ref] = jobs.progress(job, its, now, remembered.get(ref))
    recording.save_jobs(database, told, remembered)


def _descriptors(states: Sequence[PodState]) -> int:
    """A lock for each pod; for each container two processes to be waited for."""
    return sum(1 + 2 * len(state.containers) for state in states)


def _lock(host: Host, held: contextlib.ExitStack) -> list[Fault]:
    """Take the pods' locks; return those that others keep: the host goes down all the same."""
    deadline = time.monotonic() + _LOCK_SECONDS
    late: list[Fault] = []
    for record in records.read_pods(host.base.paths):
        if record.supervised:
            continue
        left = max(0.0, deadline - time.monotonic())
        try:
            held.enter_context(
                locks.held(host.base.paths, [sync.lock_name(record.uid)], timeout=left)
            )
        except Fault as fault:
            late.append(fault)
    return late


def _order(host: Host) -> dict[Ref, Turn]:
    """In which turn what is remembered begins; nothing where the database does not answer."""
    base = host.base
    try:
        applied = objects.read(base.database)
        later = ranks(one.sync for one in declared.read(base.paths, base.database).syncs)
    except Fault:
        return {}
    things = [item.object() for item in applied]
    begun = order.turns(things) if order.ordered(things) else {}
    return {item.ref: (later.get(item.applyset, 0), begun.get(item.ref, 0)) for item in applied}


def _note(host: Host, states: Sequence[PodState]) -> None:
    happened = [Event(ref=kinds.ref(state.pod), reason=REASON, message=MESSAGE) for state in states]
    if happened:
        events.record(host.base.database, happened, time.time())
