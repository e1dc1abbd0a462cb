"""podpy.outline: values that hold text of containers."""

from __future__ import annotations

from podpy import outline


def test_the_lines_of_a_value_stand_below_each_other() -> None:
    assert (
        outline.text({"Message": "one\ntwo\n", "B": "x"})
        == "Message:  one\n          two\nB:        x"
    )


def test_what_would_steer_a_terminal_is_shown() -> None:
    assert outline.text({"A": "\x1b[31mred\r\x7f\x9b\ttab"}) == "A:  ^[[31mred^M^?\ufffd\ttab"
