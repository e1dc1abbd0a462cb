"""Read a CronJob's schedule: five fields or a macro, as Kubernetes takes them. Pure.

    read("*/15 8-18 * * MON-FRI")

Kubernetes reads schedules as robfig/cron's standard parser does: minute, hour, day of the month,
month, day of the week (0 to 6 from Sunday), lists, ranges, steps, names, `?` for `*`.
"""

from __future__ import annotations

from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_SECONDS = {"h": 3600, "m": 60, "s": 1}


class Part(Value):
    """One field: its values in order; `whole` is one that begins with `*`, whatever its step."""

    values: tuple[int, ...]
    whole: bool


class Schedule(Value):
    """When a CronJob is due; `every` is a span in seconds that takes the place of the fields."""

    minutes: Part = Part(values=(), whole=True)
    hours: Part = Part(values=(), whole=True)
    days: Part = Part(values=(), whole=True)
    months: Part = Part(values=(), whole=True)
    weekdays: Part = Part(values=(), whole=True)
    every: int = 0

    def gap(self) -> int:
        """Return the least number of seconds between two times that are due."""
        if self.every:
            return self.every
        times = sorted(
            hour * 60 + minute for hour in self.hours.values for minute in self.minutes.values
        )
        if len(times) == 1:
            return 24 * 3600
        following = [*times[1:], times[0] + 24 * 60]
        return min(later - time for time, later in zip(times, following, strict=True)) * 60


def read(text: str) -> Schedule:
    """Return the schedule. Raises ValueError, worded for people, for what is none."""
    if text.startswith(("TZ=", "CRON_TZ=")):
        raise ValueError("must have its time zone in timeZone")
    if text.startswith(_EVERY):
        return Schedule(every=_span(text.removeprefix(_EVERY)))
    fields = _MACROS.get(text, text).split()
    if text.startswith("@") and text not in _MACROS:
        raise ValueError(f'"{text}" must be one of {", ".join(_MACROS)}, or @every and a span')
    if len(fields) != 5:
        message = "must be minute, hour, day of the month, month and day of the week"
        raise ValueError(f'"{text}" {message}; it has {len(fields)} of these five')
    return Schedule(
        minutes=_part(fields[0], "minute", 0, 59),
        hours=_part(fields[1], "hour", 0, 23),
        days=_part(fields[2], "day of the month", 1, 31),
        months=_part(fields[3], "month", 1, 12, _MONTHS),
        weekdays=_part(fields[4], "day of the week", 0, 6, DAYS),
    )


def _part(text: str, what: str, least: int, most: int, names: Sequence[str] = ()) -> Part:
    values: set[int] = set()
    for item in text.split(","):
        span, slash, stride = item.partition("/")
        front, dash, end = span.partition("-")
        if span in ("*", "?"):
            first, last = least, most
        else:
            first = _number(front, what, least, names)
            # A start with a step goes on to the end.
            last = _number(end, what, least, names) if dash else (most if slash else first)
        step = _number(stride, f"step of the {what}", 0, ()) if slash else 1
        if not (least <= first <= last <= most and step > 0):
            raise ValueError(f'"{item}" must be in the range {least}-{most} for the {what}')
        values.update(range(first, last + 1, step))
    return Part(values=tuple(sorted(values)), whole=text[0] in "*?")


def _number(text: str, what: str, least: int, names: Sequence[str]) -> int:
    if text.upper() in names:
        return names.index(text.upper()) + least
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f'"{text}" is no {what}')
    return int(text)


def _span(text: str) -> int:
    """Return the seconds of a span as Go writes it: 1h30m."""
    seconds, digits = 0, ""
    for sign in text.strip():
        if sign.isascii() and sign.isdigit():
            digits += sign
        elif digits and sign in _SECONDS:
            seconds, digits = seconds + int(digits) * _SECONDS[sign], ""
        else:
            break
    else:
        if seconds and not digits:
            return seconds
    raise ValueError(f'"{text}" must be a span of hours, minutes and seconds, as 1h30m')
