"""Write a CronJob's .timer: its schedule as systemd.time(7) has it. Pure.

    */15 8-18 * * MON-FRI    Mon,Tue,Wed,Thu,Fri *-*-* 8,9,10,11,12,13,14,15,16,17,18:0/15:00

Where day of the month and day of the week are both said, cron means either: two lines.
"""

from __future__ import annotations

from manifests import codec, cron
from manifests.quadlet.timers import COUNTS, KEPT, POLICY
from manifests.workloads import ConcurrencyPolicy
from renderers import systemd_text
from renderers.quadlet import unit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.cron import Part, Schedule
    from manifests.workloads import CronJobSpec
    from renderers.quadlet.unit import File, Lines

_WEEK = 7


def write(stem: str, origin: str, spec: CronJobSpec, service: str) -> File:
    """Return the timer that starts `service`; one that is suspended is not enabled by anything."""
    schedule = cron.read(spec.schedule)
    lines: Lines = [("Unit", service), ("AccuracySec", "1s")]
    if schedule.every:
        lines.extend(
            [("OnActiveSec", str(schedule.every)), ("OnUnitActiveSec", str(schedule.every))]
        )
    else:
        zone = f" {spec.time_zone}" if spec.time_zone else ""
        lines.extend(("OnCalendar", f"{line}{zone}") for line in calendar(schedule))
        # A run that was missed is made up for, unless it has a time after which it is not.
        missed = "yes" if spec.starting_deadline_seconds is None else "no"
        lines.append(("Persistent", missed))
    sections = {
        "Unit": [("Description", systemd_text.line(f"CronJob {stem}"))],
        "Timer": lines,
        KEPT: _kept(spec),
        "Install": [] if spec.suspend else [("WantedBy", "timers.target")],
    }
    return unit.write(f"{stem}.timer", origin, sections)


def _kept(spec: CronJobSpec) -> Lines:
    """Return what systemd passes over, for whoever reads the units as manifests again."""
    lines: Lines = []
    if spec.concurrency_policy is not ConcurrencyPolicy.FORBID:
        lines.append((POLICY, spec.concurrency_policy))
    given = codec.encode(spec)
    lines.extend((key, str(given[field])) for key, field in COUNTS.items() if field in given)
    return lines


def calendar(schedule: Schedule) -> Iterator[str]:
    """Yield the values of OnCalendar= for a schedule of fields."""
    time = f"{_field(schedule.hours, 0, 23)}:{_field(schedule.minutes, 0, 59)}:00"
    months = _field(schedule.months, 1, 12)
    days = _field(schedule.days, 1, 31)
    week = _weekdays(schedule.weekdays)
    if schedule.days.whole or schedule.weekdays.whole:
        yield f"{week}*-{months}-{days} {time}"
    else:
        yield f"*-{months}-{days} {time}"
        yield f"{week}*-{months}-* {time}"


def _weekdays(part: Part) -> str:
    if len(part.values) == _WEEK:
        return ""
    return ",".join(cron.DAYS[day].capitalize() for day in part.values) + " "


def _field(part: Part, least: int, most: int) -> str:
    values = part.values
    if len(values) == most - least + 1:
        return "*"
    step = values[1] - values[0] if len(values) > 1 else 0
    if len(values) > 2 and values == tuple(range(values[0], most + 1, step)):
        return f"{values[0]}/{step}"
    return ",".join(str(value) for value in values)
