"""What OnCalendar= says, systemd.time(7), as a cron schedule and its time zone. Pure.

    Mon..Fri *-*-* 8..18:0/15 Europe/Paris    */15 8-18 * * 1-5, in Europe/Paris

Several values are one schedule where they differ in one field only, or where one names days of the
month and the other days of the week: cron means either then. Seconds, years, and days counted from
a month's end have no field in cron.
"""

from __future__ import annotations

import re

from manifests import cron
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NAMED = {
    "minutely": "*-*-* *:*",
    "hourly": "*-*-* *:0",
    "daily": "*-*-* 0:0",
    "weekly": "Mon *-*-* 0:0",
    "monthly": "*-*-1 0:0",
    "quarterly": "*-1,4,7,10-1 0:0",
    "semiannually": "*-1,7-1 0:0",
    "semi-annually": "*-1,7-1 0:0",
    "yearly": "*-1-1 0:0",
    "annually": "*-1-1 0:0",
}
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
"""Of minutes, hours, days of the month, months, days of the week."""
_DAYS, _WEEKDAYS = 2, 4
_DATE = re.compile(r"(?:([^-~]+)-)?([^-~]+)([-~])([^-~]+)")
_WEEKDAY = re.compile(r"[A-Za-z]{3,9}(?:(?:,|\.\.|-)[A-Za-z]{3,9})*,?")
_SUNDAY = 7

Fields = tuple[frozenset[int], ...]


class Calendar(Value):
    """A schedule of five fields; without a `zone` it is in the host's time."""

    schedule: str
    zone: str = ""


def read(values: Sequence[str]) -> Calendar:
    """Return what all values together mean. Raises ValueError, worded for people."""
    lines, zones = [], set()
    for value in values:
        fields, zone = _line(value)
        lines.append(fields)
        zones.add(zone)
    if len(zones) > 1:
        raise ValueError("a CronJob has one time zone for all its times")
    fields, either = _merged(lines)
    # A day that begins with * makes cron take the other kind of days as a condition.
    texts = [
        _text(fields, index, starred=not (either and index in (_DAYS, _WEEKDAYS)))
        for index in range(len(fields))
    ]
    return Calendar(schedule=" ".join(texts), zone=zones.pop())


def _line(value: str) -> tuple[Fields, str]:
    words, zone = value.split(), ""
    if len(words) > 1 and _is_zone(words[-1]):
        zone = words.pop()
    words = " ".join(_NAMED.get(word.lower(), word) for word in words).split()
    week = _RANGES[_WEEKDAYS]
    weekdays = frozenset(range(week[0], week[1] + 1))
    if words and _WEEKDAY.fullmatch(words[0]):
        weekdays = _week(words.pop(0))
    date = words.pop(0) if words and ":" not in words[0] else "*-*-*"
    time = words.pop(0) if words else "0:0:0"
    if words or not value.split():
        raise ValueError(f'"{value}" cannot be read as a calendar expression')
    return (*_time(time), *_date(date), weekdays), zone


def _is_zone(word: str) -> bool:
    return word in ("UTC", "GMT", "Z") or bool(re.fullmatch(r"[A-Z][A-Za-z_+0-9/-]*/.+", word))


def _time(text: str) -> tuple[frozenset[int], frozenset[int]]:
    parts = text.split(":")
    if len(parts) not in (2, 3):
        raise ValueError(f'"{text}" cannot be read as a time of the day')
    if len(parts) == 3 and not re.fullmatch(r"0+(\.0*)?", parts[2]):
        raise ValueError(f'cron has no seconds, which "{text}" names')
    return _field(parts[1], *_RANGES[0]), _field(parts[0], *_RANGES[1])


def _date(text: str) -> tuple[frozenset[int], frozenset[int]]:
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text}" cannot be read as a date')
    year, month, kind, day = found.groups()
    if year not in (None, "*"):
        raise ValueError(f'cron has no years, which "{text}" names')
    if kind == "~":
        raise ValueError(f'cron cannot count from the end of a month, as "{text}" does')
    return _field(day, *_RANGES[_DAYS]), _field(month, *_RANGES[3])


def _field(text: str, least: int, most: int) -> frozenset[int]:
    """Read 1,2..5,10/5 or *."""
    values: set[int] = set()
    for item in text.split(","):
        span, slash, stride = item.partition("/")
        front, dots, end = span.partition("..")
        first = least if front == "*" else _number(front, text)
        last = _number(end, text) if dots else (most if slash or front == "*" else first)
        step = _number(stride, text) if slash else 1
        if not (least <= first <= last <= most and step):
            raise ValueError(f'"{item}" must be in the range {least} to {most}')
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(text: str, whole: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f'"{whole}" cannot be read as numbers')
    return int(text)


def _week(text: str) -> frozenset[int]:
    found: set[int] = set()
    for item in text.rstrip(",").split(","):
        first, _, last = item.replace("..", "-").partition("-")
        found.update(day % _SUNDAY for day in range(_weekday(first), _weekday(last or first) + 1))
    return frozenset(found)


def _weekday(name: str) -> int:
    """Count from Monday, as weeks of systemd's begin: Sunday is 7."""
    short = name[:3].upper()
    if short not in cron.DAYS:
        raise ValueError(f'"{name}" is no day of the week')
    return cron.DAYS.index(short) or _SUNDAY


def _merged(lines: Iterable[Fields]) -> tuple[Fields, bool]:
    """Return fields that mean all lines, and whether they hold on either kind of day."""
    left: list[Fields] = []
    for line in lines:
        for other in left:
            different = [index for index, one in enumerate(line) if one != other[index]]
            if len(different) <= 1:
                left.remove(other)
                line = tuple(one | two for one, two in zip(line, other, strict=True))
                break
        left.append(line)
    if len(left) == 1:
        _check_days(left[0])
        return left[0], False
    if len(left) == 2:
        for one, other in (left, left[::-1]):
            same = all(one[index] == other[index] for index in (0, 1, 3))
            if same and _full(one, _WEEKDAYS) and _full(other, _DAYS):
                return (*one[:_WEEKDAYS], other[_WEEKDAYS]), True
    raise ValueError("these times together are no schedule of cron: give each a timer")


def _check_days(fields: Fields) -> None:
    if not any(_full(fields, index) or _step(fields, index) for index in (_DAYS, _WEEKDAYS)):
        raise ValueError("cron takes days of the month and of the week as either, not as both")


def _full(fields: Fields, index: int) -> bool:
    least, most = _RANGES[index]
    return len(fields[index]) == most - least + 1


def _step(fields: Fields, index: int) -> int:
    """Return N where the values are those of */N, else 0."""
    least, most = _RANGES[index]
    ordered = sorted(fields[index])
    if ordered[0] != least or len(ordered) < 2:
        return 0
    step = ordered[1] - ordered[0]
    return step if ordered == list(range(least, most + 1, step)) else 0


def _text(fields: Fields, index: int, *, starred: bool) -> str:
    """Write a field; one that is `starred` may begin with *."""
    if starred and _full(fields, index):
        return "*"
    ordered, step = sorted(fields[index]), _step(fields, index)
    limited = index in (_DAYS, _WEEKDAYS) and not (_full(fields, _DAYS) or _full(fields, _WEEKDAYS))
    if starred and step > 1 and (len(ordered) > 2 or limited):
        return f"*/{step}"
    if len(ordered) > 2:
        step = ordered[1] - ordered[0]
        if step > 1 and ordered == list(range(ordered[0], _RANGES[index][1] + 1, step)):
            return f"{ordered[0]}/{step}"
    return ",".join(_runs(ordered))


def _runs(ordered: Sequence[int]) -> list[str]:
    """Write numbers as ranges where three or more follow each other."""
    found: list[list[int]] = []
    for value in ordered:
        if found and found[-1][-1] == value - 1:
            found[-1].append(value)
        else:
            found.append([value])
    texts = []
    for run in found:
        texts.extend([f"{run[0]}-{run[-1]}"] if len(run) > 2 else [str(one) for one in run])
    return texts
