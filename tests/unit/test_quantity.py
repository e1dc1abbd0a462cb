"""manifests.quantity: amounts as exact numbers."""

from __future__ import annotations

import pytest

from manifests.faults import Invalid
from manifests.quantity import Quantity


@pytest.mark.parametrize(
    ("text", "milli", "whole"),
    [
        ("0", 0, 0),
        ("1", 1000, 1),
        ("+1", 1000, 1),
        ("500m", 500, 1),
        ("0.5", 500, 1),
        (".5", 500, 1),
        ("5.", 5000, 5),
        ("100u", 1, 1),
        ("1n", 1, 1),
        ("1k", 1_000_000, 1000),
        ("1M", 1_000_000_000, 1_000_000),
        ("2G", 2_000_000_000_000, 2_000_000_000),
        ("1E", 10**21, 10**18),
        ("1e3", 1_000_000, 1000),
        ("1E3", 1_000_000, 1000),
        ("12e-1", 1200, 2),
        ("1Ki", 1_024_000, 1024),
        ("64Mi", 67_108_864_000, 67_108_864),
        ("1.5Gi", 1_610_612_736_000, 1_610_612_736),
        ("-1500m", -1500, -1),
        ("16Ei", 18_446_744_073_709_551_616_000, 9_223_372_036_854_775_807),
    ],
)
def test_amounts_are_exact_and_rounded_up(text: str, milli: int, whole: int) -> None:
    amount = Quantity(text)

    assert (amount.milli(), amount.whole()) == (milli, whole)


@pytest.mark.parametrize(
    "text",
    ["", "a", "1 Mi", "1mi", "1KI", "1K", "Mi", "1e", "--1", "1,5", "1\n", "٣", "1e9999", "1" * 65],
)
def test_what_is_no_amount(text: str) -> None:
    amount = Quantity(text)

    assert not amount.valid()
    with pytest.raises(Invalid, match="is not a quantity"):
        amount.whole()


def test_a_quantity_keeps_what_was_written() -> None:
    assert Quantity(0.5) == "0.5"
    assert Quantity("1024Mi") == "1024Mi"


def test_signs() -> None:
    assert Quantity("-1m").negative()
    assert not Quantity("-0").negative()
