"""CronJobs by the real command: what is due is started once, by passes and by the agent."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.agents import agent
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

CRON_JOB = """
apiVersion: batch/v1
kind: CronJob
metadata: {{name: backup}}
spec:
  schedule: "{schedule}"
  {spec}
  jobTemplate:
    metadata: {{labels: {{app: backup}}}}
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          terminationGracePeriodSeconds: 0
          containers:
          - {{name: c, image: "localhost/podpy-test/busybox:1", command: [sh, -c, "{script}"]}}
"""
YEARLY = "0 0 1 1 *"


@pytest.fixture
def file(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> Path:
    podpy.load(busybox_image)
    return tmp_path / "cron.yaml"


def write(
    file: Path, script: str = "echo done", spec: str = "suspend: false", schedule: str = YEARLY
) -> str:
    file.write_text(CRON_JOB.format(script=script, spec=spec, schedule=schedule))
    return str(file)


def age(podpy: Podpy, years: float = 1.5) -> None:
    """Have the CronJob been applied so long ago, and nothing been started since."""
    with sqlite3.connect(podpy.paths.database) as database:
        since = time.time() - years * 365 * 86400
        database.execute("UPDATE objects SET created_at = ? WHERE kind = 'CronJob'", (since,))
        database.execute("DELETE FROM results WHERE kind = 'CronJob'")
    database.close()


def jobs(podpy: Podpy) -> dict[str, Any]:
    items = podpy.json("get", "jobs", "-o", "json")["items"]
    return {item["metadata"]["name"]: item for item in items}


def completed(podpy: Podpy) -> list[str]:
    return [name for name, item in jobs(podpy).items() if item["status"].get("succeeded")]


def test_what_is_due_is_started_once_and_goes_with_its_cron_job(podpy: Podpy, file: Path) -> None:
    path = write(file, spec="timeZone: UTC")
    first = podpy.run("apply", "-f", path)
    assert first.status == 0
    assert "nobody starts its Jobs" in first.stderr
    assert jobs(podpy) == {}

    age(podpy)
    podpy.ok("apply", "-f", path)
    year = time.gmtime().tm_year
    at = int(time.mktime((year, 1, 1, 0, 0, 0, 0, 0, 0)) - time.timezone) // 60
    wait_until(lambda: completed(podpy) == [f"backup-{at}"], "the Job of the last time runs")
    again = podpy.ok("apply", "-f", path)
    assert "unchanged" in again
    assert podpy.run("diff", "-f", path).status == 0
    assert list(jobs(podpy)) == [f"backup-{at}"]

    job = jobs(podpy)[f"backup-{at}"]["metadata"]
    assert job["labels"] == {"app": "backup"}
    assert job["ownerReferences"][0]["name"] == "backup"
    shown = podpy.run("get", "cronjobs")
    head, row = shown.stdout.splitlines()
    assert " ".join(head.split()) == "NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST SCHEDULE AGE"
    assert row.split("  ")[0] == "backup"
    assert "nobody starts" in shown.stderr
    assert f"backup-{at}" in podpy.ok("describe", "cronjob", "backup")
    assert f"Created job backup-{at}" in podpy.ok("events", "-A")

    podpy.ok("create", "job", "by-hand", "--from=cronjob/backup")
    wait_until(lambda: len(completed(podpy)) == 2, "the Job by hand runs")
    assert podpy.run("create", "job", "by-hand", "--from=cronjob/backup").status == 1

    podpy.ok("delete", "cronjob", "backup")
    assert jobs(podpy) == {}
    assert podpy.json("get", "pods", "-o", "json")["items"] == []


def test_with_forbid_no_job_is_started_beside_another(podpy: Podpy, file: Path) -> None:
    path = write(file, "sleep 1000", "concurrencyPolicy: Forbid")
    podpy.ok("apply", "-f", path)
    age(podpy)
    podpy.ok("apply", "-f", path)
    (busy,) = jobs(podpy)

    age(podpy)
    podpy.ok("apply", "-f", path)
    assert list(jobs(podpy)) == [busy]
    assert "JobAlreadyActive" in podpy.ok("events", "-A")


def test_the_agent_starts_jobs_and_the_end_of_one_trims_the_history(
    podpy: Podpy, file: Path
) -> None:
    with agent(podpy):
        done = podpy.run("apply", "-f", write(file, spec="successfulJobsHistoryLimit: 0"))
        assert "nobody" not in done.stderr
        podpy.ok("apply", "-f", write(file, "sleep 2", "suspend: false", "@every 1s"))
        wait_until(lambda: jobs(podpy), "the agent starts a Job")
        podpy.ok("apply", "-f", write(file, spec="suspend: true\n  successfulJobsHistoryLimit: 0"))
        wait_until(lambda: not jobs(podpy), "the Job that has ended is removed")
    assert "SuccessfulCreate" in podpy.ok("events", "-A")
