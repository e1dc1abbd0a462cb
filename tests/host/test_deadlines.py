"""activeDeadlineSeconds by the real command, with no agent: who ends a pod, and what is told."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.kernel import processes
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

POLITE = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
SPEC = """
  restartPolicy: {policy}
  activeDeadlineSeconds: {seconds}
  terminationGracePeriodSeconds: {grace}
  containers:
  - {{name: c, image: "localhost/podpy-test/busybox:1", command: [sh, -c, "{script}"]}}
"""


class Late:
    """A pod with a deadline, who waits for it, and what podpy tells of it."""

    def __init__(self, podpy: Podpy, paths: Paths, folder: Path) -> None:
        self.podpy, self.paths = podpy, paths
        self.file = str(folder / "late.yaml")

    def play(self, script: str, *flags: str, seconds: int, grace: int = 0) -> None:
        self.write(script, seconds=seconds, grace=grace)
        self.podpy.ok("kube", "play", *flags, self.file)

    def write(self, script: str, *, seconds: int, grace: int = 0) -> None:
        spec = SPEC.format(policy="Always", seconds=seconds, grace=grace, script=script)
        head = "apiVersion: v1\nkind: Pod\nmetadata: {name: late}\nspec:"
        Path(self.file).write_text(head + spec)

    def status(self) -> dict[str, Any]:
        return dict(self.podpy.json("get", "pod", "late", "-o", "json")["status"])

    def end(self) -> dict[str, Any]:
        """How the container ended; nothing while it has not."""
        return dict(self.status()["containerStatuses"][0]["state"].get("terminated", {}))

    def waiting(self) -> list[int]:
        """The hooks that wait for a pod of this instance."""
        found = []
        for uid in os.listdir(self.paths.pods):
            folder = f"{self.paths.pod(uid)}/waiting"
            for name in os.listdir(folder) if os.path.isdir(folder) else ():
                pid, _, at = name.partition("-")
                if processes.alive(int(pid), int(at)):
                    found.append(int(pid))
        return found

    def left(self) -> list[str]:
        """What is left of pods and of hooks; the network and the hooks' cgroup stay."""
        signs = ("python", "conmon", "/pods/")
        return [line for line in self.podpy.left() if any(sign in line for sign in signs)]

    def kill_waiting(self) -> None:
        wait_until(self.waiting, "a hook waits for the deadline")
        for pid in self.waiting():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.waiting(), "nobody waits")


@pytest.fixture
def late(podpy: Podpy, instance: Paths, busybox_image: Image, tmp_path: Path) -> Late:
    podpy.load(busybox_image)
    return Late(podpy, instance, tmp_path)


def test_a_pod_is_stopped_with_grace_at_its_deadline_and_has_failed(late: Late) -> None:
    late.play(POLITE, seconds=2, grace=20)
    before = late.status()
    wait_until(late.end, "the pod is ended")
    wait_until(lambda: not late.waiting(), "nobody waits any more")

    assert before["phase"] == "Running"
    assert late.end()["exitCode"] == 0, "it heard SIGTERM"
    assert (late.status()["phase"], late.status()["reason"]) == ("Failed", "DeadlineExceeded")
    assert "DeadlineExceeded" in late.podpy.ok("get", "pods")
    late.podpy.ok("kube", "play", late.file)
    assert late.status()["phase"] == "Failed", "what has ended is not begun again"
    late.podpy.ok("kube", "down", late.file)
    assert late.left() == []


def test_a_pod_whose_waiting_hook_was_killed_is_ended_by_the_next_pass(late: Late) -> None:
    late.play("sleep 1000", seconds=2)
    late.kill_waiting()
    wait_until(lambda: late.status().get("reason"), "the deadline has passed")
    running = late.status()["containerStatuses"][0]["ready"]

    late.podpy.ok("kube", "play", late.file)
    wait_until(late.end, "the pod is ended")

    assert running
    late.podpy.ok("kube", "down", late.file)


def test_conmon_ends_a_pod_that_nobody_has_ended(late: Late) -> None:
    late.play("sleep 1000", seconds=1)
    late.kill_waiting()
    wait_until(late.end, "conmon kills the container", seconds=60)

    assert late.end()["exitCode"] == 137
    wait_until(lambda: late.status().get("reason"), "the hook has seen to the pod")
    assert late.status()["phase"] == "Failed"
    late.podpy.ok("kube", "down", late.file)


def test_a_pod_without_its_start_has_no_deadline_yet(late: Late) -> None:
    late.play("sleep 1000", "--start=false", seconds=600)
    assert late.waiting() == []
    late.podpy.ok("kube", "play", late.file)

    wait_until(late.waiting, "a hook waits now that the pod runs")
    late.podpy.ok("kube", "down", late.file)
    assert late.left() == []


def test_a_pod_that_ends_before_its_deadline_is_waited_for_no_longer(late: Late) -> None:
    late.write("sleep 1", seconds=600)
    text = Path(late.file).read_text().replace("Always", "Never")
    Path(late.file).write_text(text)
    late.podpy.ok("kube", "play", late.file)
    wait_until(late.waiting, "a hook waits for the deadline")
    wait_until(lambda: late.status()["phase"] == "Succeeded", "the program has ended")

    wait_until(lambda: not late.waiting(), "the hook has ended, too")
    late.podpy.ok("kube", "down", late.file)


def test_a_job_fails_at_its_deadline_and_its_pods_go(late: Late) -> None:
    spec = SPEC.format(policy="Never", seconds=600, grace=0, script="sleep 1000")
    indented = spec.replace("\n", "\n    ")
    Path(late.file).write_text(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: slow}\n"
        f"spec:\n  activeDeadlineSeconds: 2\n  template:\n    spec:{indented}"
    )
    late.podpy.ok("kube", "play", late.file)

    def conditions() -> list[dict[str, Any]]:
        told = late.podpy.json("get", "job", "slow", "-o", "json")["status"]
        return list(told.get("conditions", []))

    wait_until(conditions, "the Job has ended")
    wait_until(lambda: os.listdir(late.paths.pods) == [], "its pod is gone")
    assert [(one["type"], one["reason"]) for one in conditions()] == [
        ("Failed", "DeadlineExceeded")
    ]
    late.podpy.ok("kube", "down", late.file)
    assert late.left() == []
