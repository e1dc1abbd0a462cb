"""podpy killed at any effect of a Sync's pass: the next pass converges, the one after does nothing.

A first revision, a change that prunes, a revision that is taken back, and the Sync's removal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures import killed
from tests.fixtures.forge import Forge
from tests.fixtures.objects import config, pod

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

RECONCILE = ("sync", "reconcile", "shop")
ROLLED_BACK = 3
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {word: sesame}
"""


class Story:
    """The Sync `shop`, with a new repository for each telling."""

    def __init__(self, podpy: Podpy, folder: Path, image: str) -> None:
        self.podpy, self.folder, self.image = podpy, folder, image
        self.told = 0
        self.baseline: killed.Baseline | None = None

    def begin(self) -> None:
        self.told += 1
        self.forge = Forge(self.folder / f"forge{self.told}")
        self.forge.commit(
            {
                "web.yaml": pod(self.image),
                "key.yaml": SECRET,
                "a.yaml": config("a"),
                "b.yaml": config("b"),
            }
        )
        self.podpy.ok("sync", "add", "shop", "--url", self.forge.url)

    def settles(self, status: int, pods: list[str], configs: list[str]) -> Callable[[str], None]:
        """Return what lets the next pass run, and finds that the one after it has nothing to do."""

        def settled(about: str) -> None:
            done = self.podpy.run(*RECONCILE)
            assert done.status == status, f"{about}\n{done.stdout}{done.stderr}"
            again = self.podpy.run(*RECONCILE)
            assert again.stdout.count("\n") == 1, f"{about}\n{again.stdout}"
            assert self.seen() == (pods, configs), about

        return settled

    def removed(self, about: str) -> None:
        for one in self.podpy.json("sync", "ls", "-o", "json"):
            self.podpy.ok("sync", "rm", one["metadata"]["name"])
        if self.baseline is None:
            self.baseline = killed.Baseline(self.podpy)
        assert not self.baseline.left(), about
        assert self.seen() == ([], []), about

    def seen(self) -> tuple[list[str], list[str]]:
        """What runs, and which ConfigMaps there are."""
        pods = self.podpy.json("get", "pods", "-o", "json")["items"]
        configs = self.podpy.json("get", "configmaps", "-o", "json")["items"]
        running = [one["metadata"]["name"] for one in pods if one["status"]["phase"] == "Running"]
        return sorted(running), sorted(one["metadata"]["name"] for one in configs)


@pytest.fixture
def story(podpy: Podpy, tmp_path: Path, image: str) -> Story:
    return Story(podpy, tmp_path, image)


def test_every_pass_of_a_sync_can_be_killed_at_any_effect(
    dying: killed.Dying, story: Story
) -> None:
    def change() -> None:
        new = pod(story.image, "new")
        story.forge.commit({"web.yaml": None, "a.yaml": None, "new.yaml": new})

    def spoil() -> None:
        bad = pod(story.image, "new", "no-such-program")
        story.forge.commit({"new.yaml": bad, "b.yaml": None})

    steps = [
        killed.Step(RECONCILE, story.settles(0, ["web"], ["a", "b"])),
        killed.Step(RECONCILE, story.settles(0, ["new"], ["b"]), change),
        killed.Step(RECONCILE, story.settles(ROLLED_BACK, ["new"], ["b"]), spoil, ends=ROLLED_BACK),
        killed.Step(("sync", "rm", "shop"), story.removed),
    ]
    killed.tell(dying, story.begin, steps)
