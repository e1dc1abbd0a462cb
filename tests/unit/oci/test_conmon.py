"""What runtimes complain of, as the user gets to read it."""

from __future__ import annotations

import pytest

from runtime.oci import conmon


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("executable file `foo` not found in $PATH: No such file\n", None),
        (
            "2026-11-24T10:00:00.000000Z: open `/x`: Permission denied",
            "open `/x`: Permission denied",
        ),
        ("\n\none\ntwo\nthree\nfour\n", "two; three; four"),
        ("", ""),
    ],
)
def test_complaints_lose_their_time_stamps(said: str, plain: str | None) -> None:
    assert conmon.plain(said) == (said.strip() if plain is None else plain)


def test_a_conmon_that_is_not_there_takes_no_orders(tmp_path: object) -> None:
    assert not conmon.reopen_log(str(tmp_path))
    assert not conmon.reachable(str(tmp_path))
