from __future__ import annotations

import pytest

from manifests import cron


@pytest.mark.parametrize(
    ("text", "minutes", "hours", "weekdays"),
    [
        ("5 4 * * *", (5,), (4,), tuple(range(7))),
        ("*/20 0-2,22 * * 1-5", (0, 20, 40), (0, 1, 2, 22), (1, 2, 3, 4, 5)),
        ("50/5 ? * * sun,Sat", (50, 55), tuple(range(24)), (0, 6)),
        ("10-30/10 1 * * *", (10, 20, 30), (1,), tuple(range(7))),
        ("@hourly", (0,), tuple(range(24)), tuple(range(7))),
        ("@weekly", (0,), (0,), (0,)),
    ],
)
def test_fields_are_lists_ranges_steps_and_names(
    text: str, minutes: tuple[int, ...], hours: tuple[int, ...], weekdays: tuple[int, ...]
) -> None:
    found = cron.read(text)

    assert (found.minutes.values, found.hours.values) == (minutes, hours)
    assert found.weekdays.values == weekdays


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("* * * *", "it has 4 of these five"),
        ("60 * * * *", "range 0-59"),
        ("5-1 * * * *", "range 0-59"),
        ("*/0 * * * *", "range 0-59"),
        ("* * * * 7", "range 0-6"),
        ("x * * * *", "no minute"),
        ("@often", "@hourly"),
        ("@every soon", "1h30m"),
        ("TZ=UTC * * * * *", "timeZone"),
    ],
)
def test_what_is_no_schedule_is_told(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cron.read(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("*/5 * * * *", 300),
        ("0 * * * *", 3600),
        ("0 3 * * *", 86400),
        ("55,0 * * * *", 300),
        ("30 23,0 * * *", 3600),
        ("@every 1h30m", 5400),
    ],
)
def test_the_gap_is_the_least_between_two_runs(text: str, seconds: int) -> None:
    assert cron.read(text).gap() == seconds
