"""podpy killed at any effect of a Sync's pass: the next pass converges, the one after does nothing.

A first revision, a change that prunes, a revision that is taken back, and the Sync's removal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures import killed, traces
from tests.fixtures.forge import Forge
from tests.fixtures.objects import config, pod

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

RECONCILE = ("sync", "reconcile", "shop")
ROLLED_BACK = 3
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {word: sesame}
"""
POINTS = 4


class Story:
    """The Sync `shop`, with a new repository for each telling."""

    def __init__(self, podpy: Podpy, folder: Path, image: str) -> None:
        self.podpy, self.folder, self.image = podpy, folder, image
        self.told = 0

    def begin(self) -> Forge:
        self.told += 1
        forge = Forge(self.folder / f"forge{self.told}")
        forge.commit(
            {
                "web.yaml": pod(self.image),
                "key.yaml": SECRET,
                "a.yaml": config("a"),
                "b.yaml": config("b"),
            }
        )
        self.podpy.ok("sync", "add", "shop", "--url", forge.url)
        return forge

    def settled(self, status: int, about: str) -> None:
        """Let the next pass run, and make sure that the one after it has nothing to do."""
        done = self.podpy.run(*RECONCILE)
        assert done.status == status, f"{about}\n{done.stdout}{done.stderr}"
        again = self.podpy.run(*RECONCILE)
        assert again.stdout.count("\n") == 1, f"{about}\n{again.stdout}"

    def seen(self) -> tuple[list[str], list[str]]:
        """What runs, and which ConfigMaps there are."""
        pods = self.podpy.json("get", "pods", "-o", "json")["items"]
        configs = self.podpy.json("get", "configmaps", "-o", "json")["items"]
        running = [one["metadata"]["name"] for one in pods if one["status"]["phase"] == "Running"]
        return sorted(running), sorted(one["metadata"]["name"] for one in configs)


def begun(_forge: Forge, _image: str) -> None:
    """The first revision is there already."""


def change(forge: Forge, image: str) -> None:
    forge.commit({"web.yaml": None, "a.yaml": None, "new.yaml": pod(image, "new")})


def spoil(forge: Forge, image: str) -> None:
    forge.commit({"new.yaml": pod(image, "new", "no-such-program"), "b.yaml": None})


def test_every_pass_of_a_sync_can_be_killed_at_any_effect(
    podpy: Podpy, tmp_path: Path, busybox_image: Image
) -> None:
    launcher = killed.write(str(tmp_path / "dying"))
    story = Story(podpy, tmp_path, podpy.load(busybox_image))
    steps: tuple[tuple[Callable[[Forge, str], None], int, object], ...] = (
        (begun, 0, (["web"], ["a", "b"])),
        (change, 0, (["new"], ["b"])),
        (spoil, ROLLED_BACK, (["new"], ["b"])),
    )
    remove = ("sync", "rm", "shop")
    forge = story.begin()
    totals = []
    for prepare, ends, _ in steps:
        prepare(forge, story.image)
        totals.append(killed.count(podpy, launcher, *RECONCILE, ends=ends))
    totals.append(killed.count(podpy, launcher, *remove))
    clean = {line for line in killed.state(podpy) if not line.startswith("link")}

    for at in zip(*(killed.points(total, POINTS) for total in totals), strict=True):
        forge = story.begin()
        for (prepare, ends, wanted), number in zip(steps, at[:-1], strict=True):
            prepare(forge, story.image)
            killed.run(podpy, launcher, number, *RECONCILE, ends=ends)
            about = f"killed at {number} of {at}"
            story.settled(ends, about)
            assert story.seen() == wanted, about
        killed.run(podpy, launcher, at[-1], *remove)
        if podpy.json("sync", "ls", "-o", "json"):
            podpy.ok(*remove)
        left = traces.settled(lambda: set(killed.state(podpy)) - clean, 20.0)
        assert not left, f"removal killed at {at[-1]}"
