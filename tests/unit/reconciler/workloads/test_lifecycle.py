"""reconciler.workloads.lifecycle: what a pod's containers need next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests import kinds
from manifests.observed import ContainerRecord, ContainerState, Phase, Stage
from manifests.observed import Termination as Ended
from manifests.pod import RestartPolicy
from reconciler.workloads import lifecycle
from reconciler.workloads.expand import WantedPod
from tests.unit.reconciler.builders import (
    NOW,
    absent,
    container,
    created,
    exited,
    on_host,
    pod,
    running,
    sidecar,
    spec,
    states,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from manifests.observed import PodState
    from manifests.pod import PodSpec
    from reconciler.workloads.lifecycle import Decision

ALWAYS, ON_FAILURE, NEVER = RestartPolicy.ALWAYS, RestartPolicy.ON_FAILURE, RestartPolicy.NEVER
PENDING, RUNNING = Phase.PENDING, Phase.RUNNING
SUCCEEDED, FAILED = Phase.SUCCEEDED, Phase.FAILED

ONE = spec()
TWO = spec(container("app"), container("log"))
INIT = spec(init=[container("first"), container("second")])
PROXIED = spec(init=[sidecar(), container("first")])
LAST = spec(init=[container("first"), sidecar()])


def decided(of: PodSpec, *now: ContainerState, at: float = NOW) -> Decision:
    return lifecycle.decide(of, states(*now), at)


def under(policy: RestartPolicy, of: PodSpec = ONE) -> PodSpec:
    return of.replace(restart_policy=policy)


@pytest.mark.parametrize(
    ("of", "now", "phase", "start"),
    [
        pytest.param(ONE, [], PENDING, ["app"], id="a new pod starts"),
        pytest.param(ONE, [absent()], PENDING, ["app"], id="an absent container starts"),
        pytest.param(TWO, [], PENDING, ["app", "log"], id="containers start in order"),
        pytest.param(ONE, [running()], RUNNING, [], id="what runs is left alone"),
        pytest.param(ONE, [created()], PENDING, ["app"], id="a start cut short is finished"),
        pytest.param(TWO, [running(), absent("log")], PENDING, ["log"], id="one of two is missing"),
        pytest.param(ONE, [exited()], RUNNING, ["app"], id="Always restarts what completed"),
        pytest.param(ONE, [exited(code=1)], RUNNING, ["app"], id="Always restarts what failed"),
        pytest.param(under(ON_FAILURE), [exited(code=1)], RUNNING, ["app"], id="OnFailure failed"),
        pytest.param(under(ON_FAILURE), [exited()], SUCCEEDED, [], id="OnFailure completed"),
        pytest.param(under(NEVER), [exited()], SUCCEEDED, [], id="Never completed"),
        pytest.param(under(NEVER), [exited(code=1)], FAILED, [], id="Never failed"),
        pytest.param(under(NEVER), [exited(code=137)], FAILED, [], id="Never killed"),
        pytest.param(
            under(NEVER, TWO), [exited(code=1), running("log")], RUNNING, [], id="one still runs"
        ),
        pytest.param(
            under(NEVER, TWO), [exited(code=1), exited("log")], FAILED, [], id="one of two failed"
        ),
        pytest.param(
            under(ON_FAILURE, TWO),
            [exited(), exited("log", 1)],
            RUNNING,
            ["log"],
            id="OnFailure restarts only what failed",
        ),
        pytest.param(INIT, [], PENDING, ["first"], id="init containers go first"),
        pytest.param(INIT, [running("first")], PENDING, [], id="an init container is waited for"),
        pytest.param(INIT, [exited("first")], PENDING, ["second"], id="the next init container"),
        pytest.param(
            INIT, [exited("first"), exited("second")], PENDING, ["app"], id="after the last one"
        ),
        pytest.param(INIT, [created("first")], PENDING, ["first"], id="init start cut short"),
        pytest.param(INIT, [exited("first", 1)], PENDING, ["first"], id="Always retries init"),
        pytest.param(
            under(ON_FAILURE, INIT), [exited("first", 1)], PENDING, ["first"], id="OnFailure too"
        ),
        pytest.param(under(NEVER, INIT), [exited("first", 1)], FAILED, [], id="Never does not"),
        pytest.param(
            INIT, [running()], RUNNING, [], id="what was initialised is not initialised again"
        ),
        pytest.param(
            INIT,
            [exited("first"), exited("second", 1), running()],
            RUNNING,
            [],
            id="not even where an init container's end is in doubt",
        ),
        pytest.param(PROXIED, [], PENDING, ["proxy"], id="a sidecar starts in its turn"),
        pytest.param(
            PROXIED, [running("proxy")], PENDING, ["first"], id="and the next one beside it"
        ),
        pytest.param(
            PROXIED,
            [running("proxy"), exited("first"), running()],
            RUNNING,
            [],
            id="a sidecar stays up",
        ),
        pytest.param(
            PROXIED,
            [exited("proxy"), exited("first"), running()],
            RUNNING,
            ["proxy"],
            id="a sidecar that completed is started again",
        ),
        pytest.param(
            under(NEVER, PROXIED),
            [exited("proxy", 1), exited("first"), running()],
            RUNNING,
            ["proxy"],
            id="a sidecar restarts whatever the pod's policy is",
        ),
        pytest.param(
            PROXIED,
            [exited("proxy", 1), running("first")],
            PENDING,
            ["proxy"],
            id="a sidecar restarts while a later init container runs",
        ),
        pytest.param(LAST, [exited("first")], PENDING, ["proxy"], id="a sidecar in the last place"),
    ],
)
def test_what_a_pod_needs(
    of: PodSpec, now: list[ContainerState], phase: Phase, start: list[str]
) -> None:
    decision = decided(of, *now)

    assert (decision.phase, list(decision.start)) == (phase, start)
    assert decision.stop == ()


def test_a_running_init_container_is_named_as_what_the_pod_waits_for() -> None:
    assert decided(INIT, exited("first"), running("second")).waiting_for == ("second",)


def test_nothing_follows_a_sidecar_that_is_down_before_its_turn_is_over() -> None:
    down = exited("proxy", 1, backoff=10)

    assert decided(PROXIED, down) == lifecycle.Decision(
        phase=PENDING, delayed=("proxy",), wake_at=NOW + 10
    )
    assert decided(LAST, exited("first"), down).start == ()


def test_a_failed_init_container_ends_the_pod_and_stops_its_sidecars() -> None:
    decision = decided(under(NEVER, PROXIED), running("proxy"), exited("first", 3))

    assert decision == lifecycle.Decision(phase=FAILED, stop=("proxy",))


def test_sidecars_stop_after_the_last_container_in_reverse_order() -> None:
    of = under(NEVER, spec(init=[sidecar("one"), container("prep"), sidecar("two")]))
    around = [running("one"), exited("prep"), running("two")]

    assert decided(of, *around, running()).stop == ()
    assert decided(of, *around, exited()) == lifecycle.Decision(
        phase=SUCCEEDED, stop=("two", "one")
    )


def test_how_a_sidecar_ended_does_not_count() -> None:
    of = under(NEVER, PROXIED)

    assert decided(of, exited("proxy", 143), exited("first"), exited()).phase is SUCCEEDED


def test_a_back_off_is_kept_from_the_end_of_the_attempt() -> None:
    crashed = exited(code=1, backoff=20, at=NOW)

    assert decided(ONE, crashed, at=NOW + 19.9).start == ()
    assert decided(ONE, crashed, at=NOW + 19.9).wake_at == NOW + 20
    assert decided(ONE, crashed, at=NOW + 20).start == ("app",)


def test_a_clock_that_was_set_back_prolongs_no_back_off() -> None:
    crashed = exited(code=1, backoff=20, at=NOW)

    assert decided(ONE, crashed, at=NOW - 86400).start == ("app",)


def test_the_shortest_back_off_decides_when_to_look_again() -> None:
    decision = decided(TWO, exited(code=1, backoff=40), exited("log", 1, backoff=10))

    assert (decision.wake_at, decision.delayed) == (NOW + 10, ("app", "log"))


def test_what_fails_again_and_again_is_tried_ever_more_seldom() -> None:
    assert [lifecycle.retry_delay(n) for n in (1, 2, 3, 6, 2000)] == [10, 20, 40, 300, 300]


def test_a_container_with_a_back_off_keeps_no_other_from_starting() -> None:
    decision = decided(TWO, exited(code=1, backoff=40), absent("log"))

    assert (decision.start, decision.wake_at) == (("log",), NOW + 40)


def test_back_offs_grow_from_nothing_to_five_minutes() -> None:
    assert [delay for _, delay in Simulated(ONE, lambda _: (1.0, 1)).restarts(9)] == [
        0, 10, 20, 40, 80, 160, 300, 300, 300,
    ]  # fmt: skip


def test_a_steady_container_restarts_at_once_and_its_back_offs_begin_anew() -> None:
    lengths = {4: 600.0}
    simulated = Simulated(ONE, lambda attempt: (lengths.get(attempt, 1.0), 1))

    assert [delay for _, delay in simulated.restarts(8)] == [0, 10, 20, 40, 0, 10, 20, 40]


def test_a_container_just_short_of_steady_is_not_forgiven() -> None:
    simulated = Simulated(ONE, lambda attempt: (599.0 if attempt == 2 else 1.0, 1))

    assert [delay for _, delay in simulated.restarts(5)] == [0, 10, 20, 40, 80]


class Simulated:
    """A pod under an executor with a clock of its own: starts, lets run, lets end, looks again.

    `fate` tells how long each attempt of a container runs and its exit code; None is for ever.
    """

    def __init__(self, of: PodSpec, fate: Callable[[int], tuple[float | None, int]]) -> None:
        self.spec = of
        self.fates = {each.name: fate for each in (*of.init_containers, *of.containers)}
        self.now = NOW
        self.states: dict[str, ContainerState] = {}
        self.ends: dict[str, tuple[float, int]] = {}
        self.log: list[str] = []
        self.delays: list[tuple[str, float]] = []

    def restarts(self, count: int) -> list[tuple[str, float]]:
        """Run until there were `count` restarts; return each container with its delay."""
        while len(self.delays) < count:
            assert self.step(), "the pod stalled"
        return self.delays[:count]

    def to_its_end(self) -> Phase:
        """Run until nothing more would happen, and return the pod's phase."""
        for _ in range(500):
            if not self.step():
                return self.settle().phase
        raise AssertionError(f"the pod never ends: {self.log[-10:]}")

    def step(self) -> bool:
        """Settle, then let time pass to the next end or wake-up; False if there is none."""
        decision = self.settle()
        if decision.phase in (SUCCEEDED, FAILED):
            return False
        coming = [at for at, _ in self.ends.values()]
        if decision.wake_at is not None:
            assert decision.wake_at > self.now, "a wake-up in the past is a loop"
            coming.append(decision.wake_at)
        for name in decision.waiting_for:
            assert self.states[name].stage is Stage.RUNNING, "it waits for what does not run"
        if not coming:
            return False
        self.now = min(coming)
        for name in [name for name, (at, _) in self.ends.items() if at <= self.now]:
            self.end(name, self.ends[name][1])
        return True

    def settle(self) -> Decision:
        """Do what is due until nothing is, as sync.step does."""
        for _ in range(20):
            decision = lifecycle.decide(self.spec, self.states, self.now)
            for name in decision.stop:
                self.end(name, 143)
            for name in decision.start:
                self.start(name)
            if not decision.start and not decision.stop:
                return decision
        raise AssertionError(f"the decisions loop: {self.log[-10:]}")

    def alive(self) -> list[str]:
        return [name for name, state in self.states.items() if state.stage is Stage.RUNNING]

    def start(self, name: str) -> None:
        before = self.states.get(name, absent(name))
        assert before.stage is not Stage.RUNNING, f"{name} is started twice"
        again = bool(before.record.container_id)
        attempt = before.record.attempt + 1 if again else 0
        if before.ended is not None:
            self.delays.append((name, self.now - before.ended.finished_at))
        record = ContainerRecord(
            attempt=attempt,
            container_id=name,
            started_at=self.now,
            backoff=lifecycle.next_backoff(before),
        )
        self.states[name] = ContainerState(name=name, stage=Stage.RUNNING, record=record, pid=1)
        length, code = self.fates[name](attempt)
        if length is not None:
            self.ends[name] = (self.now + length, code)
        self.log.append(f"+{name}")

    def end(self, name: str, code: int) -> None:
        assert self.states[name].stage is Stage.RUNNING, f"{name} is stopped while it is down"
        self.ends.pop(name, None)
        self.states[name] = self.states[name].replace(
            stage=Stage.EXITED,
            ended=Ended(exit_code=code, reason="", finished_at=self.now),
        )
        self.log.append(f"-{name}")


def runs(*lives: tuple[float | None, int]) -> Callable[[int], tuple[float | None, int]]:
    """The fate of a container: each attempt's length and exit code, the last for all others."""
    return lambda attempt: lives[min(attempt, len(lives) - 1)]


FOR_EVER = runs((None, 0))


def test_a_whole_life_with_init_containers_and_sidecars_is_in_order() -> None:
    of = under(NEVER, spec(init=[container("prep"), sidecar(), container("warm")]))
    simulated = Simulated(of, runs((2.0, 0)))
    simulated.fates["proxy"] = FOR_EVER

    assert simulated.to_its_end() is SUCCEEDED
    assert simulated.log == [
        "+prep", "-prep", "+proxy", "+warm", "-warm", "+app", "-app", "-proxy",
    ]  # fmt: skip


def test_a_pod_goes_on_when_a_failing_init_container_recovers() -> None:
    simulated = Simulated(under(ON_FAILURE, INIT), runs((1.0, 0)))
    simulated.fates["first"] = runs((1.0, 1), (1.0, 1), (1.0, 0))

    assert simulated.to_its_end() is SUCCEEDED
    assert simulated.delays == [("first", 0), ("first", 10)]


@pytest.mark.parametrize("policy", RestartPolicy)
@pytest.mark.parametrize("app", [(3.0, 0), (3.0, 1), (None, 0)], ids=["ok", "fails", "stays"])
@pytest.mark.parametrize("init", [(2.0, 0), (2.0, 1)], ids=["init-ok", "init-fails"])
@pytest.mark.parametrize("proxy", [(None, 0), (1.0, 1), (700.0, 0)], ids=["up", "crashes", "ends"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["proxy-first", "proxy-last"])
def test_no_life_loops_or_stalls(
    policy: RestartPolicy,
    app: tuple[float | None, int],
    init: tuple[float | None, int],
    proxy: tuple[float | None, int],
    order: tuple[int, int],
) -> None:
    begun = [(sidecar(), container("first"))[index] for index in order]
    simulated = Simulated(spec(init=begun, restart=policy), runs(app))
    simulated.fates |= {"first": runs(init), "proxy": runs(proxy)}

    for _ in range(60):
        moved = simulated.step()
        decision = simulated.settle()
        final = decision.phase in (SUCCEEDED, FAILED)
        idle = not simulated.ends and decision.wake_at is None
        up = idle and decision.phase is RUNNING
        assert moved or final or up, simulated.log
        assert not (final and simulated.alive())
    assert (simulated.log.count("+app") > 0) == (init[1] == 0)


def limited(
    *containers: ContainerState, of: PodSpec = ONE, deadline: float, **more: str
) -> PodState:
    """A pod that is to have ended at `deadline`."""
    found = on_host(WantedPod(pod=pod(of=of), spec_hash="h", of=kinds.ref(pod())), "u", *containers)
    return found.replace(record=found.record.replace(deadline=deadline, **more))


def test_a_pod_is_looked_at_again_at_its_deadline_or_before() -> None:
    waits = exited(code=1, at=NOW - 1, backoff=10.0)

    assert lifecycle.of_pod(limited(running(), deadline=NOW + 5), NOW).wake_at == NOW + 5
    assert lifecycle.of_pod(limited(waits, deadline=NOW + 5), NOW).wake_at == NOW + 5
    assert lifecycle.of_pod(limited(waits, deadline=NOW + 50), NOW).wake_at == NOW + 9
    assert lifecycle.of_pod(limited(running(), deadline=0), NOW).wake_at is None


def test_at_its_deadline_a_pod_fails_and_all_that_runs_of_it_is_stopped() -> None:
    found = lifecycle.of_pod(limited(running(), exited("log"), of=TWO, deadline=NOW), NOW)

    assert (found.phase, found.reason) == (FAILED, "DeadlineExceeded")
    assert found.stop == ("app",)
    assert (found.start, found.wake_at) == ((), None)


def test_a_pod_that_ended_by_itself_has_kept_its_deadline() -> None:
    never = under(NEVER)

    assert lifecycle.of_pod(limited(exited(), of=never, deadline=NOW - 9), NOW).phase is SUCCEEDED


def test_a_pod_that_was_ended_for_a_reason_is_failed_though_its_program_ended_well() -> None:
    ended = limited(exited(), of=under(NEVER), deadline=NOW + 9, reason="DeadlineExceeded")

    assert lifecycle.of_pod(ended, NOW).phase is FAILED
