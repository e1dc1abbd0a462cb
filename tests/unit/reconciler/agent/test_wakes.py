"""reconciler.agent.wakes: what is due, and when."""

from __future__ import annotations

from reconciler.agent.wakes import DRIFT, LONGEST_SECONDS, QUIET_SECONDS, Mended, Wakes


def test_what_is_due_is_taken_once() -> None:
    wakes = Wakes()
    wakes.at("shop", 5.0)

    assert wakes.take(4.9) == ()
    assert wakes.take(5.0) == ("shop",)
    assert wakes.take(9.0) == ()


def test_the_earlier_of_two_times_counts() -> None:
    wakes = Wakes()
    wakes.at("shop", 5.0)
    wakes.at("shop", 3.0)
    wakes.at("shop", 8.0)

    assert wakes.next() == 3.0


def test_a_burst_is_one_wake_when_it_is_quiet() -> None:
    wakes = Wakes()
    for moment in (1.0, 1.05, 1.1):
        wakes.soon("shop", moment)

    assert wakes.take(1.0 + QUIET_SECONDS) == ()
    assert wakes.take(1.1 + QUIET_SECONDS) == ("shop",)


def test_a_burst_without_an_end_is_acted_on_all_the_same() -> None:
    wakes = Wakes()
    moments = [1.0 + step * QUIET_SECONDS / 2 for step in range(100)]
    for moment in moments:
        wakes.soon("shop", moment)

    assert wakes.next() == 1.0 + LONGEST_SECONDS


def test_a_wake_comes_before_an_interval_that_is_later() -> None:
    wakes = Wakes()
    wakes.at("shop", 60.0)
    wakes.soon("shop", 1.0)

    assert wakes.next() == 1.0 + QUIET_SECONDS


def test_what_is_busy_waits_and_is_not_lost() -> None:
    wakes = Wakes()
    wakes.at("shop", 1.0)
    wakes.at(DRIFT, 2.0)
    busy = frozenset({"shop"})

    assert wakes.next(busy) == 2.0
    assert wakes.take(3.0, busy) == (DRIFT,)
    assert wakes.take(3.0) == ("shop",)


def test_what_failed_rests_before_it_is_tried_again() -> None:
    wakes = Wakes()
    wakes.not_before(DRIFT, 10.0)
    wakes.soon(DRIFT, 1.0)

    assert wakes.next() == 10.0


def test_what_comes_on_does_not_rest_longer_and_longer() -> None:
    passes = (Mended.STUCK, Mended.STUCK, Mended.MOVING, Mended.MOVING, Mended.WELL)
    failures = [0]
    for mended in passes:
        failures.append(mended.failures(failures[-1]))

    assert failures == [0, 1, 2, 1, 1, 0]
