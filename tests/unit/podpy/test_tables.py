"""podpy.tables: kubectl's gaps, ages and amounts."""

from __future__ import annotations

import pytest

from podpy import tables

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"),
        (0.4, "0s"),
        (119, "119s"),
        (2 * MINUTE, "2m"),
        (2 * MINUTE + 5, "2m5s"),
        (10 * MINUTE + 5, "10m"),
        (179 * MINUTE, "179m"),
        (3 * HOUR, "3h"),
        (7 * HOUR + 12 * MINUTE, "7h12m"),
        (8 * HOUR + 12 * MINUTE, "8h"),
        (47 * HOUR, "47h"),
        (2 * DAY + 3 * HOUR, "2d3h"),
        (9 * DAY + 3 * HOUR, "9d"),
        (3 * YEAR + 40 * DAY, "3y40d"),
        (9 * YEAR, "9y"),
    ],
)
def test_age_is_worded_as_kubectl_words_it(seconds: float, shown: str) -> None:
    assert tables.age(seconds) == shown


def test_columns_are_three_blanks_apart_and_at_least_six_wide() -> None:
    table = tables.lines(("A", "NAME", "AGE"), [("1", "a-long-name", "5s"), ("2", "b", "10m")])

    assert table == (
        "A     NAME          AGE\n"
        "1     a-long-name   5s\n"
        "2     b             10m"
    )  # fmt: skip


def test_headers_can_be_left_out() -> None:
    assert tables.lines(("NAME", "AGE"), [("web", "5s")], headers=False) == "web   5s"
    assert tables.lines(("NAME",), [], headers=False) == ""


def test_a_time_that_nobody_wrote_down_is_unknown() -> None:
    assert tables.since(0.0, 100.0) == "<unknown>"
    assert tables.since(70.0, 100.0) == "30s"


def test_amounts_are_worded_as_kubectl_top_does() -> None:
    assert tables.mebibytes(1) == "1Mi"
    assert tables.mebibytes(None) == "<unknown>"
    assert tables.millicores(0.2504) == "250m"
    assert tables.size(1536) == "1.5 KiB"
