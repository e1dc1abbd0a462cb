"""podpy killed at any effect of a Sync's pass: the next pass converges, the one after does nothing.

A first revision, a change that prunes, revisions that are taken back, the removal of a Sync and of
one that another has brought, and pushes to this host.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import killed
from tests.fixtures.forge import Forge
from tests.fixtures.objects import claim, config, pod

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

RECONCILE = ("sync", "reconcile", "shop")
ROLLED_BACK, WITHHELD = 3, 4
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {word: sesame}
"""
NEVER_READY = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: app}}
spec:
  progressDeadlineSeconds: 1
  selector: {{matchLabels: {{app: app}}}}
  template:
    metadata: {{labels: {{app: app}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: "{image}"
        command: [sleep, "1000"]
        readinessProbe: {{exec: {{command: ["{program}"]}}, periodSeconds: 1}}
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


def test_going_back_from_a_revision_that_is_never_ready_can_be_killed(
    podpy: Podpy, dying: killed.Dying, image: str, tmp_path: Path
) -> None:
    forge = Forge(tmp_path / "forge")
    podpy.ok("sync", "add", "shop", "--url", forge.url)

    def change(program: str) -> None:
        forge.commit({"app.yaml": NEVER_READY.format(image=image, program=program)})

    def begin() -> None:
        change("true")
        podpy.ok(*RECONCILE)

    def settled(about: str) -> None:
        done = podpy.run(*RECONCILE)
        assert done.status == ROLLED_BACK, f"{about}\n{done.stdout}{done.stderr}"
        again = podpy.run(*RECONCILE)
        assert again.stdout.count("\n") == 1, f"{about}\n{again.stdout}"
        (pod,) = podpy.json("get", "pods", "-o", "json")["items"]
        assert "'true'" in str(pod["spec"]["containers"][0]["readinessProbe"]), about

    step = killed.Step(RECONCILE, settled, lambda: change("false"), ends=ROLLED_BACK)
    killed.tell(dying, begin, [step])


def test_the_removal_of_a_sync_that_another_has_brought_can_be_killed(
    podpy: Podpy, dying: killed.Dying, image: str, tmp_path: Path
) -> None:
    parent, child = Forge(tmp_path / "parent"), Forge(tmp_path / "child")
    texts = {"web.yaml": pod(image), "data.yaml": claim("data")}
    child.commit({**texts, **{f"{name}.yaml": config(name) for name in "abc"}})
    brought = podpy.ok("sync", "add", "child", "--url", child.url, "--print")
    row = f"{podpy.paths.claim('default', 'data')}/row"

    def names(kind: str) -> list[str]:
        listed = podpy.json("get", kind, "-o", "json")["items"]
        return sorted(one["metadata"]["name"] for one in listed)

    def begin() -> None:
        parent.commit({"child.yaml": brought, "page.yaml": config("page")})
        if not podpy.json("sync", "ls", "-o", "json"):
            podpy.ok("sync", "add", "top", "--url", parent.url)
        podpy.ok("sync", "reconcile", "top")
        podpy.ok("sync", "reconcile", "child")
        with open(row, "w", encoding="utf-8") as file:
            file.write("precious")

    def waits(about: str) -> None:
        assert podpy.run("sync", "reconcile", "top").status == WITHHELD, about
        assert (names("pods"), names("configmaps")) == (["web"], ["a", "b", "c", "page"]), about

    def has_gone(about: str) -> None:
        podpy.run("sync", "approve", "top")
        again = podpy.run("sync", "reconcile", "top")
        assert (again.status, again.stdout.count("\n")) == (0, 1), f"{about}\n{again.stdout}"
        assert (names("pods"), names("configmaps")) == ([], ["page"]), about
        assert podpy.run("sync", "status", "child").status == 1, about
        assert not os.path.exists(f"{podpy.paths.sources}/child.git"), about
        data_is_kept(about)

    def data_is_kept(about: str) -> None:
        with open(row, encoding="utf-8") as file:
            assert file.read() == "precious", about

    def all_has_gone(about: str) -> None:
        if podpy.json("sync", "ls", "-o", "json"):
            podpy.ok("sync", "rm", "top")
        assert names("pods") + names("configmaps") == [], about
        assert podpy.json("sync", "ls", "-o", "json") == [], about
        left = os.listdir(podpy.paths.sources)
        assert not [name for name in left if name.endswith(".git")], f"{about}: {left}"
        data_is_kept(about)

    steps = [
        killed.Step(
            ("sync", "reconcile", "top"),
            waits,
            lambda: parent.commit({"child.yaml": None}),
            ends=WITHHELD,
        ),
        killed.Step(("sync", "approve", "top"), has_gone),
        killed.Step(("sync", "rm", "top"), all_has_gone, begin),
    ]
    killed.tell(dying, begin, steps)


@pytest.mark.parametrize("event", ["pre-receive", "post-receive"])
def test_a_hook_of_a_push_can_be_killed(
    podpy: Podpy,
    dying: killed.Dying,
    image: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    event: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    podpy.ok("receive", "init", "shop")
    hook = Path(podpy.paths.received, "shop.git", "hooks", event)
    hook.write_text(f"#!/bin/sh\nexec {dying.path} internal {event} shop\n")
    forge = Forge(tmp_path / "work")
    push = ("git", "-C", forge.url, "push", f"{tmp_path}/shop", "main")
    told = [0]

    def change() -> None:
        told[0] += 1
        forge.commit({"web.yaml": pod(image), "page.yaml": config("page", str(told[0]))})

    def settled(about: str) -> None:
        done = subprocess.run(
            push,
            env=dying.environment(""),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{about}\n{done.stderr}"
        passed = podpy.run(*RECONCILE)
        assert passed.status == 0, f"{about}\n{passed.stderr}"
        if event == "pre-receive":
            assert passed.stdout.count("\n") == 1, f"{about}\n{passed.stdout}"
        (page,) = podpy.json("get", "configmaps", "-o", "json")["items"]
        assert page["data"]["text"] == str(told[0]), about
        assert podpy.ok(*RECONCILE).count("\n") == 1, about

    killed.tell(dying, change, [killed.Step((), settled, program=push)])
