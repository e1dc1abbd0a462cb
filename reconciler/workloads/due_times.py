"""When a schedule is due: a time in, the next or the last one that is due out. Pure.

A minute is due when its fields are, on the clock of the schedule's time zone, as for Kubernetes'
controller: what falls into the hour that is left out in spring is not due on that day, and what
falls into the hour that comes twice in autumn is due twice. Times are seconds since the epoch.
"""

from __future__ import annotations

import datetime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.cron import Schedule

MINUTE, HOUR = 60, 3600
_YEARS = 9
"""How far ahead is looked: 29 February comes again in eight years at most."""
MANY = 100
"""More missed times than that are told, as in Kubernetes."""


def following(schedule: Schedule, after: float, zone: datetime.tzinfo) -> float | None:
    """Return the first time after `after` that is due; None for a schedule that never is."""
    if schedule.every:
        return after + schedule.every
    time = int(after) // MINUTE * MINUTE + MINUTE
    limit = time + _YEARS * 366 * 24 * HOUR
    while time <= limit:
        local = datetime.datetime.fromtimestamp(time, zone)
        if local.month not in schedule.months.values:
            time = _month_after(local, time)
        elif not _day_is_due(schedule, local):
            time = _day_after(local, time)
        elif local.hour not in schedule.hours.values:
            time += HOUR - local.minute * MINUTE
        elif local.minute not in schedule.minutes.values:
            time += MINUTE
        else:
            return float(time)
    return None


def last(schedule: Schedule, after: float, now: float, zone: datetime.tzinfo) -> float | None:
    """Return the latest time that is due, later than `after` and no later than `now`."""
    if schedule.every:
        spans = int((now - after) // schedule.every)
        return after + spans * schedule.every if spans > 0 else None
    first = following(schedule, after, zone)
    if first is None or first > now:
        return None
    # What is due after `low` is so by `now`; what is due after `high` is not.
    low, high = int(first) - 1, int(now) + 1
    while high - low > 1:
        middle = (low + high) // 2
        found = following(schedule, middle, zone)
        if found is not None and found <= now:
            low = middle
        else:
            high = middle
    return following(schedule, low, zone)


def count(schedule: Schedule, after: float, now: float, zone: datetime.tzinfo) -> int:
    """Count the times that are due after `after`, no later than `now`; no more than MANY + 1."""
    if schedule.every:
        return min(max(int((now - after) // schedule.every), 0), MANY + 1)
    found, time = 0, following(schedule, after, zone)
    while time is not None and time <= now and found <= MANY:
        found, time = found + 1, following(schedule, time, zone)
    return found


def _day_is_due(schedule: Schedule, local: datetime.datetime) -> bool:
    """Tell whether the day is one: where both kinds of days are limited, either is enough."""
    of_month = local.day in schedule.days.values
    of_week = local.isoweekday() % 7 in schedule.weekdays.values
    if schedule.days.whole or schedule.weekdays.whole:
        return of_month and of_week
    return of_month or of_week


def _day_after(local: datetime.datetime, time: int) -> int:
    return _midnight(local.replace(tzinfo=None) + datetime.timedelta(days=1), local, time)


def _month_after(local: datetime.datetime, time: int) -> int:
    first = local.replace(tzinfo=None, day=1) + datetime.timedelta(days=32)
    return _midnight(first.replace(day=1), local, time)


def _midnight(day: datetime.datetime, local: datetime.datetime, time: int) -> int:
    """Return when a day begins in the zone of `local`, later than `time`."""
    begin = day.replace(hour=0, minute=0, second=0, microsecond=0, fold=0, tzinfo=local.tzinfo)
    return max(int(begin.timestamp()) // MINUTE * MINUTE, time + MINUTE)
