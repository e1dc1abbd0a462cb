"""Commands at once: each waits for the others only where they touch the same thing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {{name: c, image: "localhost/podpy-test/busybox:1", command: [sh, -c, "{script}"]}}
"""


@pytest.fixture
def play(podpy: Podpy, busybox_image: Image) -> Podpy:
    """Give the real command with the busybox image in its store."""
    podpy.load(busybox_image)
    return podpy


def write(folder: Path, name: str, script: str = "sleep 1000") -> str:
    file = folder / f"{name}.yaml"
    file.write_text(POD.format(name=name, script=script))
    return str(file)


def end(child: subprocess.Popen[str]) -> str:
    """Wait for a started command, which must succeed; return all it wrote."""
    out, said = child.communicate(timeout=60)
    assert child.returncode == 0, f"{child.args!r}: {out}{said}"
    return out + said


def running(podpy: Podpy) -> list[str]:
    items: list[Any] = podpy.json("get", "pods", "-o", "json")["items"]
    return sorted(
        item["metadata"]["name"] for item in items if item["status"]["phase"] == "Running"
    )


def test_plays_of_different_files_go_on_at_once(play: Podpy, tmp_path: Path) -> None:
    files = [write(tmp_path, name) for name in ("one", "two", "three", "four")]

    for child in [play.start("kube", "play", file) for file in files]:
        end(child)

    assert running(play) == ["four", "one", "three", "two"]
    for child in [play.start("kube", "down", file) for file in files]:
        end(child)
    assert os.listdir(play.paths.pods) == []


def test_plays_of_one_file_take_turns(play: Podpy, instance: Paths, tmp_path: Path) -> None:
    file = write(tmp_path, "one")

    said = [end(child) for child in [play.start("kube", "play", file) for _ in range(3)]]

    assert sum("unchanged" in text for text in said) == 2
    assert running(play) == ["one"]
    assert len(os.listdir(instance.pods)) == 1


def test_a_play_and_a_down_of_one_file_leave_all_of_it_or_nothing(
    play: Podpy, instance: Paths, tmp_path: Path
) -> None:
    file = write(tmp_path, "one")
    for _ in range(4):
        for child in [play.start("kube", word, file) for word in ("play", "down", "play")]:
            end(child)

        there = os.listdir(instance.pods)
        assert running(play) == ["one"] * len(there)
    play.ok("kube", "down", file)
    assert os.listdir(instance.pods) == []


def test_pruning_takes_nothing_from_a_pull_at_work(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    for _ in range(3):
        pull = podpy.start("image", "pull", busybox_image.source)
        for child in [podpy.start("image", "prune", "--all") for _ in range(2)]:
            end(child)
        end(pull)
    podpy.load(busybox_image)

    assert podpy.ok("kube", "play", write(tmp_path, "one"))
    assert end(podpy.start("image", "prune", "--all")) is not None
    assert running(podpy) == ["one"]
    podpy.ok("kube", "down", f"{tmp_path}/one.yaml")


def test_passes_and_exit_hooks_take_turns(play: Podpy, instance: Paths, tmp_path: Path) -> None:
    file = write(tmp_path, "one", "sleep 0.3; exit 1")
    play.ok("apply", "-f", file)

    def restarts() -> int:
        [pod] = play.json("get", "pods", "-o", "json")["items"]
        return int(pod["status"]["containerStatuses"][0]["restartCount"])

    wait_until(lambda: play.ok("apply", "-f", file) and restarts() >= 1, "the hook restarts it")

    assert len(os.listdir(instance.pods)) == 1
    play.ok("delete", "-f", file)
    assert os.listdir(instance.pods) == []
