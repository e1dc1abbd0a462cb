"""`git push` deploys: a bad push is refused with its places, a good one is answered as it goes."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge
from tests.fixtures.objects import config, pod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Done, Podpy

pytestmark = pytest.mark.host


class Pusher:
    """Someone with a work tree, and the repository of this host to push to."""

    def __init__(self, podpy: Podpy, forge: Forge, home: Path) -> None:
        self.podpy, self.forge, self.home = podpy, forge, home

    def push(self, *refs: str) -> tuple[int, str]:
        """Push and return git's status and all that it printed."""
        words = [
            "git",
            "-C",
            str(self.forge.path),
            "push",
            f"{self.home}/shop",
            *(refs or ("main",)),
        ]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def names(self, kind: str) -> list[str]:
        listed = self.podpy.json("get", kind, "-o", "json")["items"]
        return sorted(item["metadata"]["name"] for item in listed)


@pytest.fixture
def pusher(podpy: Podpy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pusher:
    """`podpy receive init shop`, and a work tree."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    told = podpy.ok("receive", "init", "shop")
    assert told.splitlines()[-1].startswith("push to it: git push ")
    return Pusher(podpy, Forge(tmp_path / "work"), home)


def test_a_push_deploys_and_tells_how_it_goes(pusher: Pusher, image: str) -> None:
    pusher.forge.commit({"web.yaml": pod(image), "page.yaml": config("page")})
    status, said = pusher.push()

    assert status == 0
    assert "remote: pod/web created" in said
    assert "remote: sync/shop: Ready" in said
    assert pusher.names("pods") == ["web"]


def test_a_push_that_is_not_valid_is_refused_with_its_places(pusher: Pusher) -> None:
    pusher.forge.commit({"page.yaml": config("page")})
    pusher.push()
    bad = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: page}\ndatta: {a: b}\n"
    pusher.forge.commit({"page.yaml": bad})
    status, said = pusher.push()
    head = subprocess.run(
        ["git", "--git-dir", f"{pusher.home}/shop.git", "log", "--format=%s%n%b", "-1", "main"],
        capture_output=True,
        text=True,
        check=True,
    )
    pusher.forge.commit({"page.yaml": config("page", "2")})
    again, _ = pusher.push()

    assert status != 0
    assert 'page.yaml:4:1: ConfigMap/page .datta: unknown field; did you mean "data"?' in said
    assert "[remote rejected]" in said
    assert head.stdout.count("change") == 1
    assert again == 0


def test_a_push_that_does_not_run_is_taken_back(pusher: Pusher, image: str) -> None:
    pusher.forge.commit({"web.yaml": pod(image)})
    pusher.push()
    pusher.forge.commit({"web.yaml": pod(image, command="no-such-program")})
    status, said = pusher.push()

    head = pusher.forge.git("rev-parse", "HEAD")
    update = f"{'0' * 40} {head} refs/heads/main\n"
    hook = pusher.podpy.run("internal", "post-receive", "shop", stdin=update)

    assert (status, hook.status) == (0, 3)  # git takes no notice of that hook's end.
    assert "remote: sync/shop: RolledBack" in said
    assert "remote: this push is in the repository, but it is not what runs" in said
    assert "no-such-program" in said
    assert pusher.names("pods") == ["web"]


def test_a_push_that_empties_the_source_is_refused(pusher: Pusher) -> None:
    pusher.forge.commit({"page.yaml": config("page")})
    pusher.push()
    pusher.forge.commit({"page.yaml": None, "readme.md": "moved"})
    status, said = pusher.push()
    gone, refused = pusher.push(":main")

    assert (status, gone) != (0, 0)
    assert "holds no manifests" in said
    assert "is what this host follows" in refused
    assert pusher.names("configmaps") == ["page"]


def test_a_push_that_nobody_who_may_has_signed_is_refused(
    pusher: Pusher, podpy: Podpy, tmp_path: Path
) -> None:
    signers = tmp_path / "signers"
    signers.write_text("somebody@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA\n")
    signers.chmod(0o600)
    sync = f"{podpy.root}/etc/syncs.d/shop.yaml"
    with open(sync, encoding="utf-8") as file:
        text = file.read()
    with open(sync, "w", encoding="utf-8") as file:
        file.write(
            text.replace(
                "    git:\n", f"    git:\n      verify: {{allowedSignersFile: {signers}}}\n"
            )
        )
    pusher.forge.commit({"page.yaml": config("page")})
    status, said = pusher.push()

    assert status != 0
    assert "is not followed" in said
    assert pusher.names("configmaps") == []


def test_another_branch_is_kept_and_changes_nothing(pusher: Pusher) -> None:
    pusher.forge.commit({"page.yaml": config("page")})
    pusher.push()
    pusher.forge.commit({"more.yaml": config("more")})
    status, said = pusher.push("main:draft")

    assert status == 0
    assert "sync/shop follows main" in said
    assert pusher.names("configmaps") == ["page"]


def test_a_forced_push_is_followed(pusher: Pusher) -> None:
    first = pusher.forge.commit({"page.yaml": config("page")})
    pusher.forge.commit({"more.yaml": config("more")})
    pusher.push()
    pusher.forge.git("reset", "--quiet", "--hard", first)
    status, _ = pusher.push("+main")

    assert status == 0
    assert pusher.names("configmaps") == ["page"]


def test_a_pusher_who_hangs_up_changes_nothing(pusher: Pusher, image: str) -> None:
    slow = pod(image, "slow").replace(
        "containers:",
        f'initContainers: [{{name: wait, image: "{image}", command: [sleep, "2"]}}]\n  containers:',
    )
    pusher.forge.commit({"slow.yaml": slow, "page.yaml": config("page")})
    words = ["git", "-C", str(pusher.forge.path), "push", f"{pusher.home}/shop", "main"]
    child = subprocess.Popen(words, stderr=subprocess.PIPE, start_new_session=True)
    wait_until(lambda: pusher.names("configmaps") == ["page"], "the push is followed")
    child.kill()
    child.communicate(timeout=10)

    def running() -> bool:
        listed = pusher.podpy.json("get", "pods", "-o", "json")["items"]
        return [item["status"]["phase"] for item in listed] == ["Running"]

    wait_until(running, "the pod runs")
    wait_until(lambda: _outcome(pusher.podpy) == "Ready", "the pass has ended")


def _outcome(podpy: Podpy) -> str:
    return str(podpy.json("sync", "status", "shop", "-o", "json")[0]["status"].get("outcome"))


def test_a_repository_that_is_removed_leaves_no_link(pusher: Pusher, podpy: Podpy) -> None:
    podpy.ok("receive", "init", "shop")
    listed = podpy.ok("receive", "ls")
    podpy.ok("receive", "rm", "shop")

    assert listed.startswith("shop\t")
    assert os.listdir(pusher.home) == []
    assert podpy.ok("receive", "ls") == ""


def test_a_name_that_is_taken_in_the_home_is_refused(podpy: Podpy, pusher: Pusher) -> None:
    (pusher.home / "web.git").mkdir()
    done: Done = podpy.run("receive", "init", "web")

    assert done.status == 1
    assert "is there already" in done.stderr
