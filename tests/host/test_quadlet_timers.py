"""Schedules of CronJobs against systemd's own reading of what they are rendered as."""

from __future__ import annotations

import datetime
import subprocess

import pytest

from manifests import cron
from renderers.quadlet import timers
from tests.fixtures import schedules

pytestmark = pytest.mark.host

BASE = datetime.datetime(2026, 2, 27, 22, 40, tzinfo=datetime.UTC)


def due(schedule: cron.Schedule, count: int) -> list[datetime.datetime]:
    """Walk minute by minute, as cron does."""
    found: list[datetime.datetime] = []
    time = BASE
    while len(found) < count:
        time += datetime.timedelta(minutes=1)
        days = time.day in schedule.days.values
        week = time.isoweekday() % 7 in schedule.weekdays.values
        either = not (schedule.days.whole or schedule.weekdays.whole)
        if (
            time.minute in schedule.minutes.values
            and time.hour in schedule.hours.values
            and time.month in schedule.months.values
            and ((days or week) if either else (days and week))
        ):
            found.append(time)
    return found


def elapses(line: str, count: int) -> list[datetime.datetime]:
    done = subprocess.run(
        [
            *("systemd-analyze", "calendar", f"--iterations={count}"),
            *(f"--base-time={BASE:%Y-%m-%d %H:%M:%S} UTC", f"{line} UTC"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"TZ": "UTC", "LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    return [
        datetime.datetime.strptime(" ".join(words[-3:-1]), "%Y-%m-%d %H:%M:%S").replace(
            tzinfo=datetime.UTC
        )
        for words in (line.split() for line in done.stdout.splitlines())
        if words[:2] in (["Next", "elapse:"], ["Iter.", words[1]])
    ]


@pytest.mark.parametrize("text", schedules.VARIED)
def test_systemd_wakes_when_cron_would(text: str) -> None:
    schedule = cron.read(text)
    found: set[datetime.datetime] = set()
    for line in timers.calendar(schedule):
        found.update(elapses(line, 12))

    assert sorted(found)[:12] == due(schedule, 12)
