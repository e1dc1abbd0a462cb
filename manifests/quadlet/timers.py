"""A timer of systemd's and the Job that it starts in, the CronJob that they are out. Pure.

    OnCalendar=         schedule and timeZone, where cron can say them: manifests.quadlet.calendar
    OnUnitActiveSec=    @every
    Persistent=         no: a time that was missed for a minute is not made up for
    [Install]           without it nothing enables the timer: suspend

systemd starts nothing that still runs, which is Forbid. What else a CronJob says stands in
[X-CronJob], which systemd passes over; `podpy render quadlet` writes it.
"""

from __future__ import annotations

import os

from manifests.quadlet import calendar, drafting, durations, syntax, tables
from manifests.quadlet.drafting import Draft
from manifests.quadlet.reader import Reader
from manifests.quadlet.remarks import Grade
from manifests.quadlet.tables import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.quadlet.syntax import Entry
    from manifests.quadlet.units import Unit

KEPT = "X-CronJob"
POLICY = "ConcurrencyPolicy"
COUNTS = {
    "StartingDeadlineSeconds": "startingDeadlineSeconds",
    "SuccessfulJobsHistoryLimit": "successfulJobsHistoryLimit",
    "FailedJobsHistoryLimit": "failedJobsHistoryLimit",
}
"""Keys of [X-CronJob] beside POLICY, and the fields that they are."""
_ON_TIME = 60
_FIRST = ("OnActiveSec", "OnBootSec", "OnStartupSec")
_LATE = "is left out: runs begin on time"
# They say how exact a timer is, and when it is unloaded.
_PASSED_OVER = ("AccuracySec", "FixedRandomDelay", "RemainAfterElapse", "DeferReactivation")
TABLE = Table(
    honoured=frozenset(
        {"OnCalendar", "OnUnitActiveSec", "Persistent", "Unit", *_FIRST, *_PASSED_OVER}
    ),
    unsupported={
        "OnUnitInactiveSec": "a CronJob does not go by when its last run ended",
        **dict.fromkeys(
            ("OnClockChange", "OnTimezoneChange"), "a CronJob is started by its schedule alone"
        ),
    },
    told={
        **dict.fromkeys(("RandomizedDelaySec", "RandomizedOffsetSec"), _LATE),
        "WakeSystem": "podpy wakes no host that sleeps",
    },
    harmless={
        **dict.fromkeys(("RandomizedDelaySec", "RandomizedOffsetSec"), ("0",)),
        **dict.fromkeys(("WakeSystem", "OnClockChange", "OnTimezoneChange"), tables.NO),
    },
)


def cron_job(job: Draft, timer: Unit) -> tuple[Draft | None, Reader]:
    """Return the CronJob, None where cron cannot say when it is due, and what is said of it."""
    reader = Reader(timer)
    tables.judge(reader, TABLE)
    made = Draft("batch/v1", "CronJob", timer.top)
    made.put(("metadata", "name"), drafting.label(timer.stem, 52) or "unnamed", timer.top)
    if not _schedule(reader, made):
        return None, reader
    _rest(reader, made)
    made.put(("spec", "jobTemplate", "spec"), job.raw["spec"], job.top)
    for path, entry in job.sources.items():
        if path[:1] == ("spec",):
            made.sources["spec", "jobTemplate", *path] = entry
    return made, reader


def leave_out(timer: Unit, started: Unit, why: str) -> Reader:
    """Return a reader that says that what a timer starts is not read."""
    reader = Reader(timer)
    reader.say(
        timer.last("Unit") or timer.top, f"is not supported: {started.name} is left out: {why}"
    )
    return reader


def started(timer: str, entries: Iterable[Entry]) -> str:
    """Return the service that a timer of this file name starts, less .service."""
    given = [one.value for one in entries if (one.section, one.key) == ("Timer", "Unit")]
    service = given[-1] if given and given[-1] else os.path.splitext(timer)[0]
    return service.removesuffix(".service")


def _schedule(reader: Reader, made: Draft) -> bool:
    """Read when it is due; tell, and return False, where a CronJob cannot be due then."""
    times, spans = reader.whole("OnCalendar"), reader.whole("OnUnitActiveSec")
    path = ("spec", "schedule")
    if not (times or spans):
        message = "is not supported: neither OnCalendar nor OnUnitActiveSec says when"
        reader.say(reader.unit.top, message)
        return False
    read = (times or spans)[-1]
    try:
        if times and spans:
            raise ValueError("a CronJob has a calendar or a span, not both")
        if spans:
            made.put(path, f"@every {int(durations.seconds(read.value))}s", read.entry)
            _tell_first(reader, read.value)
            return True
        found = calendar.read([one.value for one in times])
    except ValueError as error:
        reader.say(read.entry, f"is not supported: what it starts is left out: {error}")
        return False
    made.put(path, found.schedule, read.entry)
    if found.zone:
        made.put(("spec", "timeZone"), found.zone, read.entry)
    return True


def _tell_first(reader: Reader, span: str) -> None:
    for key in _FIRST:
        for one in reader.whole(key):
            if one.value != span:
                reader.say(one.entry, f"the first run is after {span}, too", Grade.TOLD)


def _rest(reader: Reader, made: Draft) -> None:
    unit = reader.unit
    policy = unit.last(POLICY, KEPT)
    made.put(
        ("spec", "concurrencyPolicy"), policy.value if policy else "Forbid", policy or unit.top
    )
    if not unit.every("WantedBy", "Install") and not unit.every("RequiredBy", "Install"):
        made.put(("spec", "suspend"), True, unit.top)
    lasting = unit.last("Persistent")
    if not (lasting and syntax.truth(lasting.value)) and not unit.last("OnUnitActiveSec"):
        made.put(("spec", "startingDeadlineSeconds"), _ON_TIME, lasting or unit.top)
    for key, field in COUNTS.items():
        entry = unit.last(key, KEPT)
        if entry is not None and entry.value.isdigit():
            made.put(("spec", field), int(entry.value), entry)
