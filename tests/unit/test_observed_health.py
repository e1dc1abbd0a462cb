"""runtime.observe.health: results outlive who found them; one process at a time probes a pod."""

from __future__ import annotations

import os
from pathlib import Path

from manifests.observed import Health, ProbeResult
from runtime.observe import health
from runtime.paths import Paths

FOUND = {
    "web": Health(
        started_at=1.5,
        started=True,
        results={"readiness": ProbeResult(ok=False, at=2.5, times=3, message="refused")},
    )
}


def instance(folder: Path) -> Paths:
    root = str(folder)
    made = Paths(state_dir=f"{root}/lib", run_dir=f"{root}/run", log_dir=f"{root}/log")
    os.makedirs(made.pod("u"))
    return made


def test_what_was_found_is_read_again(tmp_path: Path) -> None:
    paths = instance(tmp_path)
    assert health.read(paths, "u") == {}

    health.write(paths, "u", FOUND)
    assert health.read(paths, "u") == FOUND
    assert os.listdir(paths.pod("u")) == ["probes.json"]

    Path(f"{paths.pod('u')}/probes.json").write_text("{half")
    assert health.read(paths, "u") == {}


def test_one_at_a_time_probes_a_pod_and_is_named(tmp_path: Path) -> None:
    paths = instance(tmp_path)
    assert health.prober(paths, "u") == ""

    mine = health.claim(paths, "u", "agent")
    assert mine is not None
    assert health.claim(paths, "u", "apply") is None
    assert health.prober(paths, "u") == "agent"

    mine.release()
    assert health.prober(paths, "u") == ""
    again = health.claim(paths, "u", "apply")
    assert again is not None
    again.release()


def test_who_has_died_probes_nothing(tmp_path: Path) -> None:
    paths = instance(tmp_path)
    Path(f"{paths.pod('u')}/prober").write_text(f"{os.getpid()} 1 agent")

    assert health.prober(paths, "u") == ""


def test_a_pod_that_is_gone_is_nobodys(tmp_path: Path) -> None:
    paths = instance(tmp_path)

    health.write(paths, "gone", FOUND)
    assert health.claim(paths, "gone", "agent") is None
    assert not os.path.exists(paths.pod("gone"))
