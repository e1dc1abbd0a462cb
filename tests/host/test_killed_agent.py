"""The agent killed at any effect: one that starts anew goes on with what was under way.

A revision with hooks around it, a rolling update with probes, and notices to be sent.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import killed
from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge
from tests.fixtures.scene import Scene

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy
    from tests.fixtures.listener import Listener

pytestmark = pytest.mark.host

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 2
  strategy: {{rollingUpdate: {{maxSurge: 1, maxUnavailable: 0}}}}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: "{image}"
        command: [sh, -c, "touch /ready; exec sleep 1000"]
        env: [{{name: WORD, value: "{word}"}}]
        readinessProbe: {{exec: {{command: [test, -e, /ready]}}, periodSeconds: 1}}
"""


class Followed:
    """A Sync that an agent follows: its revisions are numbered by the word of its pods."""

    def __init__(self, podpy: Podpy, scene: Scene, forge: Forge, listener: Listener) -> None:
        self.podpy, self.scene, self.forge, self.listener = podpy, scene, forge, listener
        self.commit, self.word = "", 0

    def change(self) -> None:
        self.word += 1
        says = f"echo {{}}-{self.word} >>/shared/log"
        self.commit = self.forge.commit(
            {
                "pre.yaml": self.scene.job("pre", says.format("pre"), hook="pre-sync"),
                "post.yaml": self.scene.job("post", says.format("post"), hook="post-sync"),
                "web.yaml": WEB.format(image=self.scene.image, word=self.word),
            }
        )

    def told(self) -> list[str]:
        """What was told of the present revision, but that it is being brought about."""
        found = [one for one in self.listener.told() if one["commit"] == self.commit]
        return [one["reason"] for one in found if one["reason"] != "Progressing"]

    def is_reached(self) -> bool:
        """All is as this revision wants it, and this was told."""
        (found,) = self.podpy.json("sync", "status", "shop", "-o", "json")
        return found["status"].get("good") == self.commit and bool(self.told())

    def log(self) -> list[str]:
        return [line for line in self.scene.log() if line.endswith(f"-{self.word}")]

    def words(self) -> list[str]:
        """The words of the Deployment's ready pods."""
        found = []
        for pod in self.podpy.json("get", "pods", "-l", "app=web", "-o", "json")["items"]:
            ready = [one["status"] for one in pod["status"]["conditions"] if one["type"] == "Ready"]
            if ready == ["True"]:
                found.append(pod["spec"]["containers"][0]["env"][0]["value"])
        return found


def test_an_agent_that_is_killed_leaves_all_to_the_next_one(
    podpy: Podpy, dying: killed.Dying, image: str, tmp_path: Path, listener: Listener
) -> None:
    forge = Forge(tmp_path / "forge")
    followed = Followed(podpy, Scene(podpy, image, tmp_path), forge, listener)
    podpy.ok("sync", "add", "shop", "--url", forge.url, "--interval", "1h")
    secret, declared = tmp_path / "secret", Path(podpy.root, "etc", "syncs.d", "shop.yaml")
    secret.write_text("key")
    secret.chmod(0o600)
    hook = f"{{webhook: {{url: '{listener.url}/in', secretFile: {secret}}}}}"
    declared.write_text(f"{declared.read_text()}  notify: [{hook}]\n")

    def run(at: int) -> str:
        """Run an agent until it is killed, or the revision is reached; return what it said."""
        with subprocess.Popen(
            [dying.path, "agent"],
            env=dying.environment(at),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as agent:
            try:
                wait_until(
                    lambda: agent.poll() is not None or followed.is_reached(), "the revision"
                )
                agent.terminate()
                return agent.communicate(timeout=30)[0]
            finally:
                agent.kill()

    followed.change()
    run(0)
    followed.change()
    total = int(re.findall(r"effects (\d+)", run(0))[-1])
    for number in killed.points(total):
        about = f"killed at {number} of {total}"
        followed.change()
        run(number)
        assert len(followed.words()) >= 2, f"{about}: fewer ready pods than the strategy allows"
        run(-1)
        assert followed.log() == [f"pre-{followed.word}", f"post-{followed.word}"], about
        assert followed.words() == [str(followed.word)] * 2, about
        # What was sent and not noted yet when the agent was killed is sent again.
        assert followed.told() in (["Ready"], ["Ready", "Ready"]), about
        assert podpy.ok("sync", "reconcile", "shop").count("\n") == 1, about
    podpy.ok("sync", "rm", "shop")
    assert not [line for line in killed.state(podpy) if line.startswith(("addresses", "objects"))]
