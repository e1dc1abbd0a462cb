"""The agent killed at any effect: one that starts anew goes on with what was under way.

A revision with hooks around it, a rolling update with probes, and notices to be sent.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import killed, rolling
from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge
from tests.fixtures.scene import Scene

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy
    from tests.fixtures.listener import Listener

pytestmark = pytest.mark.host


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
                "web.yaml": rolling.manifest("Deployment", "web", self.scene.image, str(self.word)),
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

    def ready(self) -> list[str]:
        """The words of the pods that are ready."""
        found = rolling.words(self.podpy, "-l", "app=web")
        return [word for word in found if not word.startswith("(")]


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

    def run(at: str) -> str:
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
    run("")
    followed.change()
    for (effect,) in killed.rounds([killed.effects(run("count"))]):
        about = f"killed at {effect}"
        followed.change()
        run(effect.mark)
        assert len(followed.ready()) >= 2, f"{about}: fewer ready pods than the strategy allows"
        run("")
        assert followed.log() == [f"pre-{followed.word}", f"post-{followed.word}"], about
        assert followed.ready() == [str(followed.word)] * 2, about
        # What was sent and not noted yet when the agent was killed is sent again.
        assert followed.told() in (["Ready"], ["Ready", "Ready"]), about
        assert podpy.ok("sync", "reconcile", "shop").count("\n") == 1, about
    podpy.ok("sync", "rm", "shop")
    assert not [line for line in killed.state(podpy) if line.startswith(("addresses", "objects"))]
