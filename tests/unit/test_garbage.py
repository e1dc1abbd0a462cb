"""manifests.garbage: the collector is off inside, and as it was outside."""

from __future__ import annotations

import gc

import pytest

from manifests import garbage


def fail() -> None:
    raise ValueError(f"collecting: {gc.isenabled()}")


def test_the_collector_is_on_again_after_an_error() -> None:
    with pytest.raises(ValueError, match="collecting: False"), garbage.Uncollected():
        fail()

    assert gc.isenabled()


def test_one_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with garbage.Uncollected():
            pass

        assert not gc.isenabled()
    finally:
        gc.enable()
