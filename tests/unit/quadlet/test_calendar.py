"""Calendars of systemd's as schedules of cron, and back through what is rendered."""

from __future__ import annotations

import pytest

from manifests import cron
from manifests.quadlet import calendar
from renderers.quadlet import timers
from tests.fixtures import schedules


@pytest.mark.parametrize(
    ("values", "schedule", "zone"),
    [
        (["daily"], "0 0 * * *", ""),
        (["hourly"], "0 * * * *", ""),
        (["weekly UTC"], "0 0 * * 1", "UTC"),
        (["quarterly"], "0 0 1 */3 *", ""),
        (["03:30"], "30 3 * * *", ""),
        (["*:0/15"], "*/15 * * * *", ""),
        (["*-*-* *:10/20:00 Europe/Paris"], "10/20 * * * *", "Europe/Paris"),
        (["Mon..Fri 8..18:00"], "0 8-18 * * 1-5", ""),
        (["Sat,Sun *-*-* 4:5:00"], "5 4 * * 0,6", ""),
        (["Sunday 6:00"], "0 6 * * 0", ""),
        (["*-1..3-15"], "0 0 15 1-3 *", ""),
        (["12-24 18:00"], "0 18 24 12 *", ""),
        (["8:00", "20:00"], "0 8,20 * * *", ""),
        (["*-*-1 1:30", "Sun 1:30"], "30 1 1 * 0", ""),
        (["Wed *-*-1/9 0:0"], "0 0 */9 * 3", ""),
    ],
)
def test_calendars_are_schedules(values: list[str], schedule: str, zone: str) -> None:
    found = calendar.read(values)

    assert (found.schedule, found.zone) == (schedule, zone)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["2027-*-* 0:0"], "no years"),
        (["*-*-* 0:0:30"], "no seconds"),
        (["*-*~1 0:0"], "end of a month"),
        (["Mon *-*-1..7 3:00"], "as either"),
        (["8:00", "9:30"], "give each a timer"),
        (["8:00", "9:00 UTC"], "one time zone"),
        (["25:00"], "range 0 to 23"),
        (["Fri..Mon x"], "cannot be read"),
        (["Foo 8:00"], "no day of the week"),
        (["soon"], "no day of the week"),
        ([""], "cannot be read"),
    ],
)
def test_what_cron_cannot_say_is_told(values: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calendar.read(values)


@pytest.mark.parametrize(
    "text",
    [
        *schedules.VARIED,
        "0 0 1,10,19,28 * 3",
        "0 0 13 * */3",
        "0 0 */20 * 3",
        "* * * * *",
    ],
)
def test_what_was_rendered_comes_back(text: str) -> None:
    back = calendar.read(list(timers.calendar(cron.read(text))))

    assert cron.read(back.schedule) == cron.read(text)
