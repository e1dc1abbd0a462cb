"""manifests.garbage: the collector is off inside, and as it was outside."""

from __future__ import annotations

import gc

import pytest

from manifests import garbage


def test_the_collector_is_on_again_after_an_error() -> None:
    inside = True
    with pytest.raises(ValueError, match="x"), garbage.Uncollected():
        inside = gc.isenabled()
        raise ValueError("x")

    assert (inside, gc.isenabled()) == (False, True)


def test_one_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with garbage.Uncollected():
            pass

        assert not gc.isenabled()
    finally:
        gc.enable()
