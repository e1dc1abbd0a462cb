"""Jobs and CronJobs of Quadlet files: runs, retries, deadlines, timers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from manifests import cron, load
from renderers.quadlet import timers
from tests.fixtures.rendered import lines, rendered

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


def job(
    *, containers: int = 1, init: list[dict[str, Any]] | None = None, **spec: Any
) -> dict[str, Any]:
    held = [{"name": name, "image": "localhost/a:1"} for name in "abc"[:containers]]
    inits = [{"image": "localhost/a:1", **one} for one in init or []]
    template = {"restartPolicy": "Never", "containers": held, "initContainers": inits}
    return {"template": {"spec": template}, **spec}


def text(kind: str, spec: dict[str, Any]) -> str:
    raw = {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": "fill"}, "spec": spec}
    return json.dumps(raw)


def cron_job(schedule: str, **spec: Any) -> str:
    return text("CronJob", {"schedule": schedule, "jobTemplate": {"spec": job()}, **spec})


def test_a_job_is_tried_again_until_it_has_succeeded_and_is_then_done(tmp_path: Path) -> None:
    files, lost = rendered(tmp_path, text("Job", job(backoffLimit=2)))
    unit = files["fill-a.container"]
    (condition,) = lines(unit, "ConditionPathExists")

    assert lost == ()
    assert sorted(files) == ["fill-a.container", "podpy.network"]
    assert (lines(unit, "Type"), lines(unit, "Restart")) == (["oneshot"], ["on-failure"])
    assert lines(unit, "StartLimitIntervalSec") == ["infinity"]
    assert lines(unit, "StartLimitBurst") == ["3"]
    assert condition.startswith("!%S/podpy-rendered/fill.")
    assert lines(unit, "ExecStartPost") == [f"/usr/bin/install -D -m 644 /dev/null {condition[1:]}"]
    assert lines(unit, "WantedBy") == ["multi-user.target"]
    assert lines(unit, "Network") == ["podpy.network"]


def test_labels_are_those_of_what_stands_for_the_pod(tmp_path: Path) -> None:
    spec = job()
    spec["template"]["metadata"] = {"labels": {"app": "fill"}}
    files, lost = rendered(tmp_path, text("Job", spec))

    assert lost == ()
    assert lines(files["fill-a.container"], "Label") == ["app=fill"]


def test_another_job_of_that_name_is_not_done_yet(tmp_path: Path) -> None:
    one, _ = rendered(tmp_path, text("Job", job(backoffLimit=2)))
    other, _ = rendered(tmp_path, text("Job", job(backoffLimit=1)))

    conditions = {
        lines(files["fill-a.container"], "ConditionPathExists")[0] for files in (one, other)
    }
    assert len(conditions) == 2


def test_a_deadline_counts_for_all_attempts(tmp_path: Path) -> None:
    files, _ = rendered(tmp_path, text("Job", job(activeDeadlineSeconds=30)))

    (begin,) = lines(files["fill-a.container"], "ExecStartPre")
    assert begin.startswith("-/usr/bin/systemd-run ")
    assert begin.endswith("--on-active=30 /usr/bin/systemctl stop fill-a.service")


def test_an_init_container_of_a_job_runs_before_each_attempt(tmp_path: Path) -> None:
    files, lost = rendered(tmp_path, text("Job", job(init=[{"name": "wait"}])))
    wait = files["fill-wait.container"]

    assert lost == ()
    assert lines(wait, "RemainAfterExit") == ["no"]
    assert lines(wait, "NetworkAlias") == []
    assert lines(wait, "ConditionPathExists") == lines(
        files["fill-a.container"], "ConditionPathExists"
    )
    assert lines(files["fill-a.container"], "Requires") == ["fill-wait.service"]


def test_sidecars_end_with_the_job(tmp_path: Path) -> None:
    side = {"name": "side", "restartPolicy": "Always"}
    files, lost = rendered(tmp_path, text("Job", job(init=[side], backoffLimit=0)))

    assert lost == ()
    assert lines(files["fill-a.container"], "ExecStopPost") == [
        "/usr/bin/systemctl --no-block stop fill-pod.service"
    ]
    # What remains when its process has ended does not run that.
    assert lines(files["fill-a.container"], "RemainAfterExit") == []
    assert lines(files["fill.pod"], "WantedBy") == ["multi-user.target"]
    assert lines(files["fill.pod"], "ConditionPathExists") != []


def test_what_of_a_job_is_lost_is_told(tmp_path: Path) -> None:
    _, lost = rendered(tmp_path, text("Job", job(containers=2, completions=3, parallelism=2)))

    assert [problem.path for problem in lost] == [
        ".spec",
        ".spec.backoffLimit",
        ".spec.completions",
        ".spec.parallelism",
    ]


def test_a_cron_job_is_a_timer_and_what_it_starts(tmp_path: Path) -> None:
    files, lost = rendered(tmp_path, cron_job("*/5 * * * *", timeZone="Europe/Paris"))
    timer, unit = files["fill.timer"], files["fill-a.container"]

    assert lost == ()
    assert lines(timer, "OnCalendar") == ["*-*-* *:0/5:00 Europe/Paris"]
    assert lines(timer, "Unit") == ["fill-a.service"]
    assert lines(timer, "WantedBy") == ["timers.target"]
    assert lines(timer, "Persistent") == ["yes"]
    assert lines(unit, "StartLimitIntervalSec") == ["299"]
    assert lines(unit, "WantedBy") == lines(unit, "ConditionPathExists") == []


def test_a_cron_job_that_is_suspended_is_enabled_by_nothing(tmp_path: Path) -> None:
    files, lost = rendered(
        tmp_path, cron_job("@every 90s", suspend=True, concurrencyPolicy="Replace")
    )

    assert lines(files["fill.timer"], "WantedBy") == []
    assert lines(files["fill.timer"], "OnUnitActiveSec") == ["90"]
    assert [problem.path for problem in lost] == [".spec.concurrencyPolicy"]


@pytest.mark.parametrize(
    ("schedule", "written"),
    [
        ("0 3 * * *", ["*-*-* 3:0:00"]),
        ("*/20 8-10 * * 1-5", ["Mon,Tue,Wed,Thu,Fri *-*-* 8,9,10:0/20:00"]),
        ("1 2 3 4 5", ["*-4-3 2:1:00", "Fri *-4-* 2:1:00"]),
        ("0 0 */2 * 1", ["Mon *-*-1/2 0:0:00"]),
        ("@yearly", ["*-1-1 0:0:00"]),
    ],
)
def test_a_schedule_is_what_systemd_calls_it(schedule: str, written: list[str]) -> None:
    assert list(timers.calendar(cron.read(schedule))) == written


def test_a_schedule_that_is_none_is_an_error_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(cron_job("61 * * * *"))
    loaded = load.load([str(tmp_path / "app.yaml")], load.APPLY)

    assert [problem.path for problem in loaded.errors] == [".spec.schedule"]
