"""A signal ends a command where nothing is lost: a play is taken back, an apply stays resumable."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from runtime.observe import records
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from manifests.observed import PodRecord
    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

SLOW = "initContainers: [{name: slow, image: 'localhost/podpy-test/busybox:1', command: [%s]}]"
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  {init}
  containers:
  - {{name: c, image: "localhost/podpy-test/busybox:1", command: [sleep, "{seconds}"]}}
---
"""


@pytest.fixture
def play(podpy: Podpy, busybox_image: Image) -> Podpy:
    """Give the real command with the busybox image in its store."""
    podpy.load(busybox_image)
    return podpy


def fast(name: str, seconds: int = 1000) -> str:
    return POD.format(name=name, init="", seconds=seconds)


def slow(name: str) -> str:
    return POD.format(name=name, init=SLOW % "sleep, '1000'", seconds=1000)


def pods(podpy: Podpy) -> dict[str, Any]:
    listed = podpy.json("get", "pods", "-o", "json")
    return {item["metadata"]["name"]: item for item in listed["items"]}


def init_runs(podpy: Podpy, name: str) -> bool:
    pod = pods(podpy).get(name)
    states = pod["status"].get("initContainerStatuses", ()) if pod else ()
    return any("running" in one["state"] for one in states)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_an_interrupted_play_is_taken_back(
    play: Podpy, instance: Paths, tmp_path: Path, number: int, status: int
) -> None:
    file = tmp_path / "app.yaml"
    file.write_text(fast("old"))
    play.ok("kube", "play", str(file))
    file.write_text(slow("old") + fast("new"))
    child = play.start("kube", "play", str(file))
    wait_until(lambda: init_runs(play, "old"), "the init container runs")

    child.send_signal(number)
    _, said = child.communicate(timeout=60)

    assert child.returncode == status
    assert f"interrupted by {signal.Signals(number).name}" in said
    assert "nothing of it was kept" in said
    assert list(pods(play)) == ["old"]
    assert pods(play)["old"]["status"]["phase"] == "Running"
    assert len(os.listdir(instance.pods)) == 1
    file.write_text(fast("old"))
    assert "unchanged" in play.run("kube", "play", str(file)).stderr
    play.ok("kube", "down", str(file))


def test_an_interrupted_apply_ends_and_the_next_one_goes_on(
    play: Podpy, instance: Paths, tmp_path: Path
) -> None:
    file = tmp_path / "app.yaml"
    file.write_text(slow("one") + fast("two"))
    child = play.start("apply", "-f", str(file))
    wait_until(lambda: init_runs(play, "one"), "the init container runs")

    child.send_signal(signal.SIGTERM)
    _, said = child.communicate(timeout=60)

    assert child.returncode == 143
    assert "pod/one failed: interrupted by SIGTERM" in said
    file.write_text(fast("one") + fast("two"))
    play.ok("apply", "-f", str(file))
    assert {name: one["status"]["phase"] for name, one in pods(play).items()} == {
        "one": "Running",
        "two": "Running",
    }
    play.ok("delete", "-f", str(file))
    assert os.listdir(instance.pods) == []


def test_a_second_signal_ends_podpy_at_once_and_the_next_command_goes_on(
    play: Podpy, instance: Paths, tmp_path: Path
) -> None:
    file = tmp_path / "app.yaml"
    file.write_text(fast("one").replace("GracePeriodSeconds: 0", "GracePeriodSeconds: 5"))
    play.ok("kube", "play", str(file))
    child = play.start("kube", "down", str(file))
    wait_until(lambda: "Terminating" in play.ok("get", "pods"), "the pod is being stopped")

    child.send_signal(signal.SIGINT)
    assert child.stderr is not None
    assert "once more ends podpy at once" in child.stderr.readline()
    child.send_signal(signal.SIGINT)

    assert child.wait(10) == -signal.SIGINT
    play.ok("kube", "play", "--replace", "-", stdin=fast("one"), timeout=90)
    assert pods(play)["one"]["status"]["phase"] == "Running"
    play.ok("kube", "down", "-", stdin=fast("one"))
    assert os.listdir(instance.pods) == []


def test_a_killed_removal_does_not_begin_its_grace_again(
    play: Podpy, instance: Paths, tmp_path: Path
) -> None:
    file = tmp_path / "app.yaml"
    file.write_text(fast("deaf").replace("GracePeriodSeconds: 0", "GracePeriodSeconds: 600"))
    play.ok("kube", "play", str(file))
    (uid,) = os.listdir(instance.pods)
    child = play.start("kube", "down", str(file))
    wait_until(lambda: record(instance, uid).deleting, "the pod is being stopped")
    marked = record(instance, uid)
    child.kill()
    child.wait(10)
    assert time.time() < marked.kill_at <= time.time() + 600
    # As if these ten minutes had gone by.
    records.write_pod(instance, marked.replace(kill_at=marked.kill_at - 600))

    play.ok("kube", "down", str(file), timeout=60)

    assert os.listdir(instance.pods) == []


def record(paths: Paths, uid: str) -> PodRecord:
    found = records.read_pod(paths, uid)
    assert found is not None
    return found
