"""When schedules are due: against a walk minute by minute, and where clocks are set."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest

from manifests import cron
from reconciler.workloads import due_times

UTC = datetime.UTC
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def at(text: str, zone: datetime.tzinfo = UTC) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def shown(time: float | None, zone: datetime.tzinfo = UTC) -> str:
    assert time is not None
    return datetime.datetime.fromtimestamp(time, zone).strftime("%Y-%m-%d %H:%M %z")


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("*/15 * * * *", "2026-03-01 10:14:59", "2026-03-01 10:15"),
        ("*/15 * * * *", "2026-03-01 10:15:00", "2026-03-01 10:30"),
        ("0 3 * * *", "2026-12-31 03:00:00", "2027-01-01 03:00"),
        ("@monthly", "2026-01-31 12:00:00", "2026-02-01 00:00"),
        ("0 0 29 2 *", "2026-03-01 00:00:00", "2028-02-29 00:00"),
        ("30 6 * * MON-FRI", "2026-02-27 07:00:00", "2026-03-02 06:30"),
        ("0 0 13 * FRI", "2026-03-07 00:00:00", "2026-03-13 00:00"),
        ("0 0 13 * FRI", "2026-03-13 00:00:00", "2026-03-20 00:00"),
        ("0 0 */9 * 3", "2026-03-01 00:00:00", "2026-04-01 00:00"),
        ("59 23 31 12 ?", "2026-01-01 00:00:00", "2026-12-31 23:59"),
    ],
)
def test_the_next_time_is_found(text: str, after: str, expected: str) -> None:
    found = due_times.following(cron.read(text), at(after), UTC)

    assert shown(found) == f"{expected} +0000"


def test_a_day_that_never_comes_is_never_due() -> None:
    schedule = cron.read("0 0 30 2 *")

    assert due_times.following(schedule, at("2026-01-01 00:00"), UTC) is None
    assert due_times.last(schedule, 0.0, at("2026-01-01 00:00"), UTC) is None
    assert due_times.count(schedule, 0.0, at("2026-01-01 00:00"), UTC) == 0


def test_the_hour_that_spring_leaves_out_is_not_due() -> None:
    before = at("2026-03-28 12:00", BERLIN)
    skipped = due_times.following(cron.read("30 2 * * *"), before, BERLIN)
    hourly = due_times.following(cron.read("0 * * * *"), at("2026-03-29 01:00", BERLIN), BERLIN)

    assert shown(skipped, BERLIN) == "2026-03-30 02:30 +0200"
    assert shown(hourly, BERLIN) == "2026-03-29 03:00 +0200"


def test_the_hour_that_autumn_repeats_is_due_twice() -> None:
    schedule = cron.read("30 2 * * *")
    first = due_times.following(schedule, at("2026-10-24 12:00", BERLIN), BERLIN)
    assert first is not None
    second = due_times.following(schedule, first, BERLIN)

    assert shown(first, BERLIN) == "2026-10-25 02:30 +0200"
    assert shown(second, BERLIN) == "2026-10-25 02:30 +0100"


def test_a_midnight_that_is_left_out_hides_nothing() -> None:
    # Midnight of 6 September 2026 does not exist in Santiago.
    zone = zoneinfo.ZoneInfo("America/Santiago")
    found = due_times.following(cron.read("15 1 * * *"), at("2026-09-05 12:00", zone), zone)

    assert shown(found, zone) == "2026-09-06 01:15 -0300"


@pytest.mark.parametrize("text", ["*/7 * * * *", "15 6-8/2 * * 1-5", "0 0 1 * 0", "@yearly"])
@pytest.mark.parametrize("zone", [UTC, BERLIN, zoneinfo.ZoneInfo("Australia/Lord_Howe")])
def test_the_last_time_is_that_of_a_walk(text: str, zone: datetime.tzinfo) -> None:
    schedule = cron.read(text)
    begin, now = at("2025-11-01 10:10:10", zone), at("2026-04-20 05:59:30", zone)
    walked, time = [], due_times.following(schedule, begin, zone)
    while time is not None and time <= now:
        walked.append(time)
        time = due_times.following(schedule, time, zone)

    assert due_times.last(schedule, begin, now, zone) == walked[-1]
    assert due_times.count(schedule, begin, now, zone) == min(len(walked), due_times.MANY + 1)
    assert due_times.last(schedule, walked[-1], now, zone) is None


def test_spans_are_counted_from_the_last_run() -> None:
    schedule = cron.read("@every 90s")

    assert due_times.following(schedule, 1000.0, UTC) == 1090.0
    assert due_times.last(schedule, 1000.0, 1089.0, UTC) is None
    assert due_times.last(schedule, 1000.0, 1300.0, UTC) == 1270.0
    assert due_times.count(schedule, 1000.0, 1300.0, UTC) == 3
