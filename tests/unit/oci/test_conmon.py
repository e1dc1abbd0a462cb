"""What runtimes complain of, as the user gets to read it."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from runtime.kernel import cgroups
from runtime.oci import conmon
from runtime.oci.engine import Engine, Kind


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


def test_another_process_with_the_number_that_conmon_left_is_not_killed(tmp_path: Path) -> None:
    nowhere = cgroups.View(version=cgroups.Version.V1, hierarchies=())
    engine = Engine(kind=Kind.CRUN, path="/bin/true", version=(), conmon="/bin/true")
    launch = conmon.Launch(
        id="id", name="app", bundle=str(tmp_path), oci_root=str(tmp_path), log_path=""
    )
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / "conmon.pid").write_text(str(other.pid))

        conmon.spawn(engine, launch, nowhere).close()

        other.terminate()
        assert other.wait() == -signal.SIGTERM


def test_a_conmon_that_is_not_there_takes_no_orders(tmp_path: object) -> None:
    assert not conmon.reopen_log(str(tmp_path))
    assert not conmon.reachable(str(tmp_path))
