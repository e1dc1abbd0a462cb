"""reconciler.health.machine: what results of probes come to, and when the next one is due."""

from __future__ import annotations

import pytest

from manifests.observed import Health, ProbeResult
from manifests.probes import Kind, Probe, TCPSocketAction
from reconciler.health import machine
from reconciler.health.machine import Attempt, Step, Watched
from tests.unit.reconciler import builders

AT = 1_000_000.0
"""Since the epoch, when the monotonic clock shows 0."""
PROBE = Probe(tcp_socket=TCPSocketAction(port=80))


def begun(known: Health | None = None, *, started_at: float = AT, **probes: Probe) -> Watched:
    container = builders.container().replace(
        **{f"{kind}_probe": one for kind, one in probes.items()}
    )
    return machine.begin(container, started_at, known, now=0.0, at=AT)


def answered(watched: Watched, kind: Kind, *results: bool, began: float = 0.0) -> Step:
    """Give the results of attempts, a second apart; return what the last one came to."""
    for index, ok in enumerate(results):
        now = began + index
        attempt = Attempt(ok=ok, began=now, at=AT + now, message="" if ok else "no")
        step = machine.after(watched, kind, attempt)
        watched = step.watched
    return step


@pytest.mark.parametrize(
    ("kind", "threshold", "results", "ready", "kill"),
    [
        (Kind.READINESS, {}, [True], True, False),
        (Kind.READINESS, {"success_threshold": 2}, [True], False, False),
        (Kind.READINESS, {"success_threshold": 2}, [True, False, True], False, False),
        (Kind.READINESS, {"success_threshold": 2}, [True, True], True, False),
        (Kind.READINESS, {}, [True, False, False], True, False),
        (Kind.READINESS, {}, [True, False, False, False], False, False),
        (Kind.READINESS, {}, [True, False, False, True, False], True, False),
        (Kind.READINESS, {}, [False] * 9, False, False),
        (Kind.LIVENESS, {}, [False, False], True, False),
        (Kind.LIVENESS, {}, [False, False, False], True, True),
        (Kind.LIVENESS, {}, [False, True, False, False], True, False),
        (Kind.LIVENESS, {"failure_threshold": 1}, [False], True, True),
        (Kind.STARTUP, {}, [False, False], False, False),
        (Kind.STARTUP, {}, [False, False, True], True, False),
        (Kind.STARTUP, {}, [False, False, False], False, True),
    ],
)
def test_thresholds_count_results_in_a_row(
    kind: Kind, threshold: dict[str, int], results: list[bool], ready: bool, kill: bool
) -> None:
    probes: dict[str, Probe] = {kind.value: PROBE.replace(**threshold)}
    step = answered(begun(None, started_at=AT, **probes), kind, *results)

    assert step.watched.health.ready is ready
    assert step.kill is kill
    assert step.unhealthy is (not results[-1]) or kind is Kind.READINESS


def test_a_container_that_is_to_be_stopped_is_asked_nothing_more() -> None:
    step = answered(begun(liveness=PROBE, readiness=PROBE), Kind.LIVENESS, *[False] * 3)

    assert machine.due(step.watched) == {}
    assert machine.due(machine.again(step.watched, Kind.LIVENESS, 50.0)) == {
        Kind.LIVENESS: 60.0,
        Kind.READINESS: 60.0,
    }


def test_a_startup_probe_holds_the_others_back_and_is_not_run_again() -> None:
    late = PROBE.replace(initial_delay_seconds=30)
    watched = begun(startup=PROBE, liveness=PROBE, readiness=late)
    assert machine.due(watched) == {Kind.STARTUP: 0.0}
    assert not watched.health.started

    step = answered(watched, Kind.STARTUP, True, began=7.0)

    assert step.passed
    assert step.watched.health.started
    assert not step.watched.health.ready, "its readiness probe has yet to pass"
    assert machine.due(step.watched) == {Kind.LIVENESS: 0.0, Kind.READINESS: 30.0}


def test_probes_are_due_a_period_after_they_began() -> None:
    step = answered(begun(liveness=PROBE.replace(period_seconds=7)), Kind.LIVENESS, True, began=3.0)

    assert machine.due(step.watched) == {Kind.LIVENESS: 10.0}


def test_a_delay_counts_from_the_start_of_the_container() -> None:
    delayed = PROBE.replace(initial_delay_seconds=30)

    assert machine.due(begun(started_at=AT - 10, liveness=delayed)) == {Kind.LIVENESS: 20.0}
    ahead = begun(started_at=AT + 1e6, liveness=delayed)
    assert machine.due(ahead) == {Kind.LIVENESS: 30.0}, "the clock was set back"


def test_readiness_is_asked_for_hastily_until_it_is_there_and_nobody_is_told() -> None:
    watched, dues, told = begun(readiness=PROBE.replace(period_seconds=1)), [], []
    now = 0.0
    for _ in range(6):
        step = answered(watched, Kind.READINESS, False, began=now)
        watched, now = step.watched, machine.due(step.watched)[Kind.READINESS]
        dues.append(round(now, 3))
        told.append(step.unhealthy)

    assert dues == [0.1, 0.3, 0.7, 1.5, 2.5, 3.5]
    assert told == [False, False, False, False, True, True]

    ready = answered(watched, Kind.READINESS, True, began=4.0).watched
    assert machine.due(ready) == {Kind.READINESS: 5.0}
    lost = answered(ready, Kind.READINESS, False, began=5.0)
    assert (machine.due(lost.watched), lost.unhealthy) == ({Kind.READINESS: 6.0}, True)


def test_who_takes_over_goes_on_from_what_was_found() -> None:
    known = Health(
        started_at=AT - 60,
        started=True,
        ready=True,
        turned_at=AT - 50,
        results={"readiness": ProbeResult(ok=False, at=AT - 4, times=2)},
    )
    watched = begun(known, started_at=AT - 60, startup=PROBE, readiness=PROBE)

    assert machine.due(watched) == {Kind.READINESS: 6.0}
    step = answered(watched, Kind.READINESS, False, False, began=6.0)
    assert step.watched.health.ready, "failures that another has seen are not counted again"
    assert step.watched.health.turned_at == AT - 50
    lost = answered(step.watched, Kind.READINESS, False, began=9.0).watched.health
    assert (lost.ready, lost.turned_at) == (False, AT + 9)


def test_results_are_kept_with_how_often_in_a_row() -> None:
    health = answered(begun(liveness=PROBE), Kind.LIVENESS, True, False, False).watched.health

    assert health.results == {"liveness": ProbeResult(ok=False, at=AT + 2, times=2, message="no")}
