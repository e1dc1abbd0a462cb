"""podpy killed at any effect of a rolling update, of its undoing, or of a hook at an end."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import killed, rolling, traces
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

RESTARTED = """
apiVersion: v1
kind: Pod
metadata: {name: phoenix}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: "localhost/podpy-test/busybox:1", command: [sleep, "1234"]}
"""


class Rollout:
    """A Deployment of two and a DaemonSet, whose pods carry a word."""

    def __init__(self, podpy: Podpy, image: str, file: Path) -> None:
        self.podpy, self.image, self.file = podpy, image, file
        self.baseline: killed.Baseline | None = None

    def write(self, word: str) -> Callable[[], object]:
        kinds = {"web": "Deployment", "each": "DaemonSet"}
        texts = [rolling.manifest(kind, name, self.image, word) for name, kind in kinds.items()]
        return lambda: self.file.write_text("---".join(texts))

    def begin(self) -> None:
        self.write("old")()
        self.podpy.ok("apply", "-f", str(self.file))

    def words(self) -> list[str]:
        return rolling.words(self.podpy)

    def has_rolled(self, about: str) -> None:
        # No fewer pods than are wanted serve meanwhile: no probe runs now, but none takes them off.
        assert sum(not word.startswith("(") for word in self.words()) >= 3, about
        self.podpy.ok("apply", "-f", str(self.file))
        assert self.words() == ["new"] * 3, about
        self.is_quiet(about)

    def is_quiet(self, about: str) -> None:
        said = self.podpy.run("diff", "-f", str(self.file))
        assert said.status == 0, f"{about}\n{said.stdout}"

    def is_undone(self, about: str) -> None:
        """What was begun is brought to its end by the agent, and what was not, by hand."""
        agent = self.podpy.start("agent")
        try:
            # A pod that goes no longer counts for the rollout, and is still there for a while.
            wait_until(
                lambda: self.is_whole() and len(self.words()) == 3, f"{about}: the rollout's end"
            )
        finally:
            agent.terminate()
            agent.communicate(timeout=30)
        if self.words() == ["new"] * 3:
            self.podpy.ok("rollout", "undo", "deploy/web")
        assert self.words() == ["new", "old", "old"], about
        assert self.is_whole(), about

    def is_whole(self) -> bool:
        """All pods are of the template that the Deployment has now, and ready."""
        said = self.podpy.ok("rollout", "status", "--watch=false", "deploy/web")
        return "successfully" in said

    def is_gone(self, about: str) -> None:
        self.podpy.ok("delete", "--ignore-not-found", "-f", str(self.file))
        self.baseline = self.baseline or killed.Baseline(self.podpy)
        assert self.baseline.left() == [], about


def test_a_rolling_update_and_its_undoing_can_be_killed_at_any_effect(
    podpy: Podpy, dying: killed.Dying, image: str, tmp_path: Path
) -> None:
    rollout = Rollout(podpy, image, tmp_path / "app.yaml")
    steps = [
        killed.Step(("apply", "-f", str(rollout.file)), rollout.has_rolled, rollout.write("new")),
        killed.Step(("rollout", "undo", "deploy/web"), rollout.is_undone),
        killed.Step(("delete", "-f", str(rollout.file)), rollout.is_gone),
    ]

    killed.tell(dying, rollout.begin, steps)


def test_the_hook_that_restarts_a_container_can_be_killed_at_any_effect(
    podpy: Podpy, dying: killed.Dying, image: str, tmp_path: Path
) -> None:
    assert image == "localhost/podpy-test/busybox:1"
    file, log = tmp_path / "pod.yaml", tmp_path / "hooks"
    file.write_text(RESTARTED)
    hook = Path(podpy.paths.state_dir, "hook")

    def restarts() -> int:
        (pod,) = podpy.json("get", "pods", "-o", "json")["items"]
        return sum(one["restartCount"] for one in pod["status"].get("containerStatuses", []))

    def end(at: str) -> None:
        """End the container, and wait until its hook is killed at an effect or has ended."""
        podpy.ok("delete", "--ignore-not-found", "-f", str(file))
        podpy.ok("apply", "-f", str(file))
        log.write_text("")
        hook.write_text(
            f'#!/bin/sh\nDIES_AT={at} {dying.path} "$@" </dev/null 2>>{log}\necho ended >>{log}\n'
        )
        wait_until(mains, "the container's program")
        os.kill(mains()[0], signal.SIGKILL)
        wait_until(lambda: "ended" in log.read_text(), "the hook's end")
        wait_until(lambda: not hooks(), "the end of the hook's child")

    def mains() -> list[int]:
        return [one.pid for one in traces.processes() if one.about.startswith("sleep 1234")]

    def hooks() -> list[int]:
        return [one.pid for one in traces.processes() if dying.path in one.about]

    end("count")
    assert restarts() == 1
    for (effect,) in killed.rounds([killed.effects(log.read_text())]):
        end(effect.mark)
        about = f"killed at {effect}"
        podpy.ok("apply", "-f", str(file))
        wait_until(lambda: running(podpy), about)
        assert restarts() == 1, about
        assert podpy.run("diff", "-f", str(file)).status == 0, about
    podpy.ok("delete", "-f", str(file))


def running(podpy: Podpy) -> bool:
    (pod,) = podpy.json("get", "pods", "-o", "json")["items"]
    status = pod["status"]
    return bool(status["phase"] == "Running" and "True" in str(status.get("conditions")))
