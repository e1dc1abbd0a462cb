"""One pass: load, observe, expand, plan, execute, record. The file to read first.

    wish      what manifests say (manifests.load), and what is remembered (state.objects)
    observe   what is on the target
    expand    objects -> the pods wanted now
    plan      wanted against observed -> changes with their reasons: what `podpy diff` prints
    execute   the plan -> outcomes
    record    objects and events, into the database

One pass is level-triggered: it keeps nothing between passes. `apply`, `kube play`, `delete` and the
hook that runs when a Job's pod ends are all this cycle with different wishes.
"""

from __future__ import annotations

import time

from manifests import kinds
from manifests.faults import Invalid, Retry, Unfit
from manifests.ref import Ref
from manifests.value import EMPTY, Value
from reconciler import attending, awaiting, history, pending, recording, rollback, turns, wishing
from reconciler.execute import preflight
from reconciler.execute import run as execute
from reconciler.plan import immutable, make, supervised
from reconciler.plan.change import Plan
from reconciler.plan.wish import Wish, Wished
from reconciler.report import Report
from reconciler.state import objects, results
from reconciler.targets.quadlet import leaving
from reconciler.workloads.expand import Manner, expand
from reconciler.workloads.ownership import owner_of
from runtime import interrupts, locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from manifests.faults import Fault
    from manifests.loaded import Elsewhere
    from manifests.observed import Observed
    from reconciler.execute.run import Outcome
    from reconciler.rollback import Before
    from reconciler.state.objects import Applied
    from reconciler.targets.host.host import Host
    from reconciler.workloads.expand import Expansion
    from reconciler.workloads.jobs import Progress

    Consent = Callable[[Collection[Ref], int], bool]


class Options(Value):
    """How a pass takes its wish.

    `all_or_nothing`: when a change fails, everything that this pass has done is taken back, as a
    failed `kube play` must leave nothing behind, and what ran before runs again. `aside`: objects
    of the set that this pass leaves alone, wanted or not. `whole`: nothing is done while this host,
    or a registry with an image of it, is in the way of some of it. `piecemeal`: where this host can
    make no pods, all else is done. `elsewhere`: objects of the source that are for other hosts.
    `also` are apply sets that this pass sees to beside its own: all of theirs that is not wished is
    pruned with it. `only`: the objects that a further turn of a pass is about; `given_up` those of
    them that are not to begin, and why; `followed` those whose rollout such a turn goes on with.
    `ready`: the pass ends when its pods that have probes are ready, or base.start_seconds later.
    """

    applyset: str = ""
    also: frozenset[str] = frozenset()
    prune: bool = False
    recreate: bool = False
    all_or_nothing: bool = False
    whole: bool = False
    piecemeal: bool = False
    ready: bool = False
    aside: frozenset[Ref] = frozenset()
    elsewhere: tuple[Elsewhere, ...] = ()
    only: frozenset[Ref] | None = None
    followed: frozenset[Ref] = frozenset()
    given_up: Mapping[Ref, Fault] = EMPTY

    def owns(self, item: Applied) -> bool:
        """Tell whether an object that was applied before is one that this pass sees to."""
        mine = item.applyset == self.applyset or item.applyset in self.also
        return mine and item.ref not in self.aside


DEFAULTS = Options()
_PIECEMEAL = Options(piecemeal=True)


class Prospect(Value):
    """A plan and what it was made from: what `diff` shows, and what `converge` carries out.

    `remembered` is how far Jobs were known to be.
    """

    wish: Wish
    remembered: Mapping[Ref, Progress]
    observed: Observed
    expansion: Expansion
    plan: Plan


class Turn(Value):
    """What was done of a pass so far: a pass with an order among its objects takes several.

    `before` is what all of it may have to be taken back to.
    """

    seen: Prospect
    run: execute.Run
    before: Before
    report: Report


def _granted(_gone: Collection[Ref], _owned: int) -> bool:
    return True


def prospect(
    host: Host,
    wished: Sequence[Wished],
    options: Options = DEFAULTS,
    consent: Consent = _granted,
) -> Prospect:
    """Return the plan for these objects. Changes nothing.

    Before anything is pruned, `consent` is asked: it is given what would go, and of how many.
    """
    from reconciler.plan import networks

    base = host.base
    wish = wishing.wish_of(base, wished, options, consent)
    leaving.refuse(base.paths, (item.ref for item in wish.objects))
    immutable.refuse_changes(wish)
    base.digests = wish.digests
    observed = host.observe()
    moved = networks.refused(wish, observed)
    if moved:
        raise Invalid("\n".join(moved), hint="delete these pods first, or make another network")
    remembered = results.read_jobs(base.database)
    expansion = expand(
        (item.object for item in wished),
        observed.pods,
        time.time(),
        remembered=remembered,
        anew=options.recreate,
        manner=None if options.all_or_nothing else _manner(host, wished, options),
    )
    supervised.refuse_wished(wish, expansion, observed)
    plan = make.make(wish, expansion, observed)
    if options.only is not None:
        plan = plan.replace(changes=turns.only(plan.changes, options.only))
    return Prospect(
        wish=wish,
        remembered=remembered,
        observed=observed,
        expansion=expansion,
        plan=turns.in_order(base.database, wish, plan, observed.pods, remembered),
    )


def _manner(host: Host, wished: Sequence[Wished], options: Options) -> Manner:
    """How changed workloads are replaced: step by step, as their strategies say."""

    def shared(claim: Ref) -> bool:
        from reconciler import rolling

        return rolling.shared(host.base.database, wished)(claim)

    return Manner(shared=shared, followed=options.followed)


def converge(
    host: Host,
    wished: Sequence[Wished],
    options: Options = DEFAULTS,
    notify: Callable[[Outcome], None] = lambda _outcome: None,
    consent: Consent = _granted,
) -> Report:
    """Bring the host in line with these objects, record what came of it, and see to back-offs.

    Objects that others come before begin when those are healthy; what is waited for has
    `start_seconds` in all. Raises Unfit, having changed nothing, where this host can make no pods
    and some are to be made; Interrupted while it waits for readiness.
    """
    deadline = time.monotonic() + host.base.start_seconds
    turn = _pass(host, wished, options, notify, consent)
    attending.see_to_waits(host, turn.seen)
    turn, span = _rolled_out(host, wished, options, notify, turn)
    deadline += span
    while waiting := turns.waiting(turn):
        given_up = turns.wait(host, wished, turn, waiting, deadline)
        following = options.replace(only=frozenset(waiting), given_up=given_up, prune=False)
        turn = _pass(host, wished, following, notify, earlier=turn)
        attending.see_to_waits(host, turn.seen)
        turn, span = _rolled_out(host, wished, options, notify, turn)
        deadline += span
    _see_to_schedules(host, turn.report, wished)
    return awaiting.readied(host, turn.report, notify) if options.ready else turn.report


def _see_to_schedules(host: Host, report: Report, wished: Sequence[Wished]) -> None:
    """Start what is due of the CronJobs of a pass, and what was theirs and is left goes."""
    concerned = any(item.ref.kind == "CronJob" for item in wished) or any(
        outcome.change.ref.kind == "CronJob" for outcome in report.outcomes
    )
    if concerned:
        from reconciler import scheduling

        scheduling.after_pass(host, report, [item.ref for item in wished])


def _rolled_out(
    host: Host,
    wished: Sequence[Wished],
    options: Options,
    notify: Callable[[Outcome], None],
    turn: Turn,
) -> tuple[Turn, float]:
    """Take the rollouts that a turn has begun to their ends; return how many seconds that took."""
    if not turn.seen.expansion.rollouts:
        return turn, 0.0
    from reconciler import rolling

    began = time.monotonic()
    while steps := rolling.under_way(turn):
        given_up = rolling.wait(host, wished, steps, host.base.start_seconds)
        if given_up:
            before = len(turn.run.outcomes)
            turn = rolling.give_up(turn, given_up)
            history.note(host.base.database, turn.run.outcomes[before:])
            continue
        # What waits for others is looked at, too: else no later turn would know of it.
        only = frozenset((*steps, *turns.waiting(turn)))
        following = options.replace(only=only, followed=frozenset(steps), prune=False, whole=False)
        turn = _pass(host, wished, following, notify, earlier=turn)
        attending.see_to_waits(host, turn.seen)
    return turn, time.monotonic() - began


def _pass(
    host: Host,
    wished: Sequence[Wished],
    options: Options = DEFAULTS,
    notify: Callable[[Outcome], None] = lambda _outcome: None,
    consent: Consent = _granted,
    earlier: Turn | None = None,
) -> Turn:
    with interrupts.noticed(), locks.held(host.base.paths, [str(item.ref) for item in wished]):
        return _locked(host, wished, options, notify, consent, earlier)


def _locked(
    host: Host,
    wished: Sequence[Wished],
    options: Options,
    notify: Callable[[Outcome], None],
    consent: Consent = _granted,
    earlier: Turn | None = None,
) -> Turn:
    host.admit()
    host.sweep()
    seen = prospect(host, wished, options, consent)
    if seen.expansion.pods:
        host.arrange_shutdown()
    run = execute.Run(
        seen.plan,
        host,
        seen.observed.pods,
        notify,
        careful=options.all_or_nothing,
        earlier=earlier.run if earlier else None,
    )
    turns.give_up(run, options.given_up)
    try:
        whole, piecemeal = options.whole, options.piecemeal or earlier is not None
        preflight.vet(run, whole=whole, piecemeal=piecemeal)
    except Unfit as fault:
        history.note_unfit(host.base.database, seen.plan, fault)
        raise
    refused = _refused(run, options) and earlier is None
    before = rollback.Before()
    restored: tuple[Outcome, ...] = ()
    if not refused:
        before, restored = _carry_out(host, seen, run, options, earlier)
    host.rotate_logs(seen.observed.pods)
    history.note(host.base.database, (*run.news, *restored))
    if not (refused or (run.failed and options.all_or_nothing)):
        pending.update(host.base.paths, {item.ref for item in wished}, run.outcomes)
    history.forget(host.base, run.news)
    report = Report(
        plan=earlier.report.plan if earlier else seen.plan,
        outcomes=tuple(run.outcomes),
        progress={**(earlier.report.progress if earlier else EMPTY), **seen.expansion.progress},
        refused=refused,
        rolled_back=bool(run.failed) and options.all_or_nothing,
        restored=(*(earlier.report.restored if earlier else ()), *restored),
        rebuilt=host.base.database.rebuilt,
        held=tuple(dict.fromkeys(execute.object_of(change) for change in run.held)),
    )
    return Turn(seen=seen, run=run, before=before, report=report)


def _refused(run: execute.Run, options: Options) -> bool:
    """Tell whether what could not be made keeps everything from being done."""
    if options.all_or_nothing:
        return bool(run.failed)
    return options.whole and any(map(preflight.keeps_back, run.failed.values()))


def _carry_out(
    host: Host, seen: Prospect, run: execute.Run, options: Options, earlier: Turn | None
) -> tuple[Before, tuple[Outcome, ...]]:
    """Record the wish and do the plan; where that fails, take back what is to be taken back.

    Returns what all may have to be taken back to, and what has been put back.
    """
    refs = [item.ref for item in seen.wish.objects]
    before = earlier.before if earlier else rollback.Before()
    if options.all_or_nothing and seen.wish.remembered and earlier is None:
        before = rollback.remember(host, refs)
    if seen.plan.effective() or recording.unrecorded(seen.wish):
        recording.save_wish(host.base, seen.wish)
    # A Job's end comes first: killed while its last pods go, it must not count them again.
    recording.save_jobs(host.base.database, seen.expansion.progress, seen.remembered)
    execute.carry_out(run)
    if not run.failed:
        return before, ()
    with interrupts.undisturbed():
        if not options.all_or_nothing:
            return before, rollback.bring_back(host, run)
        restored = rollback.take_back(host, run, refs, before)
        if options.recreate:
            recording.restore_jobs(host.base.database, seen.expansion.progress, seen.remembered)
        return before, restored


def mend(host: Host, notify: Callable[[Outcome], None] = lambda _outcome: None) -> Report:
    """Put right what drifted of all that is remembered, whatever source it came from.

    What is wished is read when nobody can change it any more: a pass that ends just before this
    one is not undone. Pods that are not to be started yet are left alone. A rollout that a killed
    pass has left goes one step on; the report names it while another step may come.
    """
    from reconciler import remembered

    held = {
        ref
        for state in host.pods()
        if state.record.held
        for ref in (kinds.ref(state.pod), owner_of(state))
    }
    refs = remembered.refs(host.base)
    if any(ref.kind in ("CronJob", "Job") for ref in refs):
        from reconciler import scheduling

        scheduling.run_due(host, notify=notify)
        refs = remembered.refs(host.base)
    refs -= held
    with interrupts.noticed(), locks.held(host.base.paths, map(str, refs)):
        turn = _locked(host, remembered.wished(host.base, refs), _PIECEMEAL, notify)
    attending.see_to_waits(host, turn.seen)
    if not turn.seen.expansion.rollouts:
        return turn.report
    from reconciler import rolling

    left = tuple(ref for ref, step in rolling.under_way(turn).items() if not step.overdue)
    return turn.report.replace(rolling=left)


def resume(host: Host, job: Ref) -> float | None:
    """Converge a remembered Job again, after one of its pods has ended.

    Returns when it wants to be looked at again (seconds since the epoch); None when it has ended,
    waits for its pods, or is gone. Raises Fault where a pod of it could not be made or removed.
    """
    while True:
        # Read when nobody can change it any more: a Job that goes meanwhile is not brought back.
        with interrupts.noticed(), locks.held(host.base.paths, [str(job)]):
            applied = objects.find(host.base.database, job)
            if applied is None:
                return None
            again = Wished.of(applied.object(), applied.digest, applied.file, applied.line)
            turn = _locked(host, [again], _PIECEMEAL, lambda _outcome: None)
        seen, report = turn.seen, turn.report
        if attending.has_deadlines(seen):
            known = {state.uid for state in seen.observed.pods}
            attending.attend(host, (state for state in host.pods() if state.uid not in known))
        for outcome in report.failed:
            raise Retry(f"{outcome.change.ref}: {outcome.fault}") from outcome.fault
        if job not in attending.ended_meanwhile(host, seen):
            return report.progress[job].wake_at
