"""Jobs by the real command, with no agent: retries, limits, queues, and what stays ended."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime import locks
from runtime.kernel import processes
from runtime.observe import records
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

JOB = """
apiVersion: batch/v1
kind: Job
metadata: {{name: sum}}
spec:
  {spec}
  template:
    spec:
      restartPolicy: {policy}
      terminationGracePeriodSeconds: 0
      containers:
      - name: c
        image: "localhost/podpy-test/busybox:1"
        command: [sh, -c, '{script}']
        volumeMounts: [{{name: shared, mountPath: /shared}}]
      volumes:
      - {{name: shared, hostPath: {{path: "{folder}"}}}}
"""
TRIED = "echo x >>/shared/tries; "
COUNT = "$(wc -l </shared/tries)"


class Jobs:
    """One Job's file, and what podpy tells of it."""

    def __init__(self, podpy: Podpy, folder: Path) -> None:
        self.podpy, self.folder = podpy, folder
        self.file = folder / "job.yaml"
        self.shared = folder / "shared"
        self.shared.mkdir()

    def write(self, script: str, spec: str = "backoffLimit: 2", policy: str = "Never") -> str:
        self.file.write_text(
            JOB.format(spec=spec, policy=policy, script=script, folder=self.shared)
        )
        return str(self.file)

    def status(self) -> dict[str, Any]:
        return dict(self.podpy.json("get", "job", "sum", "-o", "json").get("status", {}))

    def ended(self) -> str:
        conditions = self.status().get("conditions", [])
        return str(conditions[0]["type"]) if conditions else ""

    def tries(self) -> int:
        made = self.shared / "tries"
        return len(made.read_text().splitlines()) if made.exists() else 0

    def pods(self) -> list[str]:
        listed = self.podpy.json("get", "pods", "-o", "json")["items"]
        return [item["status"]["phase"] for item in listed]


@pytest.fixture
def job(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> Jobs:
    podpy.load(busybox_image)
    return Jobs(podpy, tmp_path)


def test_a_failed_pod_is_replaced_after_the_back_off(job: Jobs) -> None:
    file = job.write(f"{TRIED} echo try {COUNT}; test {COUNT} -ge 2")

    job.podpy.ok("kube", "play", file)
    wait_until(lambda: job.tries() == 1, "the first pod runs")
    wait_until(lambda: job.ended() == "Complete", "a second pod has succeeded")

    assert job.tries() == 2
    assert sorted(job.pods()) == ["Failed", "Succeeded"]
    assert (job.status()["succeeded"], job.status()["failed"]) == (1, 1)
    for name in ("sum-pod", "job/sum"):
        assert job.podpy.ok("logs", name) == "try 2\n", "the last one is meant"
    job.podpy.ok("kube", "down", file)


def test_a_pod_whose_init_container_fails_counts_and_is_replaced(job: Jobs) -> None:
    """Kubernetes: a pod with restartPolicy Never is Failed then, which is the Job's to count."""
    file = job.write("echo done", "backoffLimit: 1")
    init = f"[sh, -c, '{TRIED} test {COUNT} -ge 2']"
    manifest = job.file.read_text().replace(
        "      containers:",
        "      initContainers:\n"
        f'      - {{name: i, image: "localhost/podpy-test/busybox:1", command: {init},\n'
        "         volumeMounts: [{name: shared, mountPath: /shared}]}\n"
        "      containers:",
    )
    job.file.write_text(manifest)

    job.podpy.ok("kube", "play", file)
    assert job.pods() == ["Failed"], "it is kept to be read"
    wait_until(lambda: job.ended() == "Complete", "a second pod has succeeded")

    assert (job.status()["succeeded"], job.status()["failed"]) == (1, 1)
    assert job.podpy.ok("logs", "job/sum") == "done\n"
    job.podpy.ok("kube", "down", file)


def test_a_job_that_has_ended_stays_ended_until_it_is_replaced(job: Jobs, instance: Paths) -> None:
    file = job.write(f"{TRIED} exit 1", "backoffLimit: 0")
    job.podpy.ok("kube", "play", file)
    wait_until(lambda: job.ended() == "Failed", "the Job has failed")
    (condition,) = job.status()["conditions"]
    (before,) = os.listdir(instance.pods)

    job.podpy.ok("kube", "play", file)
    assert "unchanged" in job.podpy.ok("apply", "-f", file)
    assert job.tries() == 1
    job.podpy.ok("kube", "play", "--replace", file)
    wait_until(lambda: job.tries() == 2, "it runs again")
    wait_until(lambda: job.ended() == "Failed", "and fails again")

    assert condition["reason"] == "BackoffLimitExceeded"
    assert before not in os.listdir(instance.pods)
    assert job.status()["failed"] == 1
    told = job.podpy.json("events", "--for", "job/sum", "-o", "json")["items"]
    assert "BackoffLimitExceeded" in [event["reason"] for event in told]
    job.podpy.ok("kube", "down", file)


def test_restarts_in_the_pod_count_and_the_pod_is_stopped_at_the_limit(job: Jobs) -> None:
    file = job.write(
        f"{TRIED} test {COUNT} -ge 2 && exec sleep 1000; exit 1", "backoffLimit: 1", "OnFailure"
    )

    job.podpy.ok("kube", "play", file)
    wait_until(lambda: job.ended() == "Failed", "the Job has failed")
    wait_until(lambda: job.pods() == [], "its running pod is gone")

    assert job.tries() <= 2
    (condition,) = job.status()["conditions"]
    assert condition["reason"] == "BackoffLimitExceeded"
    job.podpy.ok("kube", "down", file)


def test_a_queues_pods_end_it_together(job: Jobs) -> None:
    file = job.write(
        "until [ -e /shared/go ] || mkdir /shared/first 2>/dev/null; do sleep 0.05; done",
        "parallelism: 2",
    )

    job.podpy.ok("kube", "play", file)
    wait_until(lambda: sorted(job.pods()) == ["Running", "Succeeded"], "one has succeeded")
    still = job.ended()
    (job.shared / "go").touch()
    wait_until(lambda: job.ended() == "Complete", "all have ended")

    assert still == ""
    assert job.status()["succeeded"] == 2
    assert "2/1 of 2" in job.podpy.ok("get", "jobs")
    job.podpy.ok("kube", "down", file)


def test_completions_are_made_one_after_the_other_and_counted_when_gone(job: Jobs) -> None:
    file = job.write(
        f"{TRIED} test {COUNT} -lt 2 || until [ -e /shared/go ]; do sleep 0.05; done",
        "completions: 2",
    )
    job.podpy.ok("kube", "play", file)
    wait_until(lambda: sorted(job.pods()) == ["Running", "Succeeded"], "the second pod runs")
    listed = job.podpy.json("get", "pods", "-o", "json")["items"]
    (done,) = [one for one in listed if one["status"]["phase"] == "Succeeded"]
    assert "sum-pod" in job.podpy.ok("describe", "pod", "sum-pod")

    job.podpy.ok("delete", "pod", done["metadata"]["name"])
    (job.shared / "go").touch()
    wait_until(lambda: job.ended() == "Complete", "the Job is complete")

    assert job.tries() == 2
    assert job.status()["succeeded"] == 2
    job.podpy.ok("kube", "down", file)


def test_a_job_whose_hook_was_killed_is_waited_for_again_and_leaves_nothing(
    job: Jobs, instance: Paths
) -> None:
    file = job.write("exit 1")
    job.podpy.ok("kube", "play", file)
    (uid,) = os.listdir(instance.pods)

    def waiting() -> list[int]:
        folder = f"{instance.pod(uid)}/waiting"
        names = os.listdir(folder) if os.path.isdir(folder) else []
        pairs = (name.split("-") for name in names)
        return [int(pid) for pid, at in pairs if processes.alive(int(pid), int(at))]

    def killed() -> bool:
        for pid in waiting():
            os.kill(pid, signal.SIGKILL)
        return not waiting()

    wait_until(waiting, "a hook waits")
    # One that takes its place may be on its way.
    wait_until(killed, "it is gone")
    job.podpy.ok("apply", "-f", file)
    wait_until(waiting, "another one waits")

    job.podpy.ok("kube", "down", file)

    assert [line for line in job.podpy.left() if "python" in line] == []


def test_a_pod_whose_end_was_half_recorded_when_podpy_was_killed_is_not_made_again(
    job: Jobs,
) -> None:
    file = job.write(TRIED + "exit 0")
    paths = job.podpy.paths
    job.podpy.ok("apply", "-f", file)
    wait_until(lambda: job.ended() == "Complete", "the Job is complete")
    job.podpy.ok("apply", "-f", file)  # The hook may not have recorded it yet.
    (record,) = (one for one in records.read_pods(paths) if one.finished)
    # Its namespaces have gone, and what comes last, the record's word of it, is not there.
    records.write_pod(paths, record.replace(finished=False, complete=True))

    again = job.podpy.ok("apply", "-f", file)

    assert "nothing was done" in again
    assert [one.uid for one in records.read_pods(paths)] == [record.uid]
    assert job.tries() == 1
    job.podpy.ok("delete", "-f", file)


def test_a_job_that_is_deleted_while_its_end_is_seen_to_does_not_come_back(
    podpy: Podpy, job: Jobs
) -> None:
    podpy.ok("apply", "-f", job.write(f"{TRIED}until test -e /shared/go; do sleep 0.05; done"))
    wait_until((job.shared / "tries").exists, "the Job runs")
    with locks.held(podpy.paths, ["Job/sum"]):
        (job.shared / "go").touch()
        wait_until(lambda: seen_to(podpy), "somebody sees to its end")
        time.sleep(0.5)  # It waits for the lock.
        with contextlib.closing(sqlite3.connect(podpy.paths.database)) as connection, connection:
            for table in ("objects", "results"):
                connection.execute(f"DELETE FROM {table} WHERE kind = 'Job'")
    wait_until(lambda: not seen_to(podpy), "nobody sees to its end any more")

    assert podpy.json("get", "jobs", "-o", "json")["items"] == []
    assert (job.shared / "tries").read_text() == "x\n"


def seen_to(podpy: Podpy) -> list[str]:
    """The command lines of those that see to ends of this instance's containers."""
    marks = (b"exited", f"PODPY_INSTANCE={podpy.paths.instance}".encode())
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (place / "cmdline").read_bytes()
            if marks[0] in line and marks[1] in (place / "environ").read_bytes():
                found.append(line.decode(errors="replace"))
    return found
