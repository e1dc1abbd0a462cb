"""`podpy plan` says what a Sync would do, of another branch too, and does nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.forge import Forge
from tests.fixtures.objects import config, pod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

CHANGES, FAILED = 1, 2


@pytest.fixture
def forge(podpy: Podpy, tmp_path: Path) -> Forge:
    """A repository that the Sync `shop` follows, and has followed."""
    made = Forge(tmp_path / "forge")
    made.commit({f"{name}.yaml": config(name) for name in "abcd"})
    podpy.ok("sync", "add", "shop", "--url", made.url, "--branch", "main")
    podpy.ok("sync", "reconcile")
    return made


def test_nothing_to_do_is_told(podpy: Podpy, forge: Forge) -> None:
    done = podpy.run("plan")

    assert done.status == 0
    assert done.stdout.endswith("nothing to change\n")


def test_another_branch_is_planned_and_nothing_is_changed(
    podpy: Podpy, forge: Forge, busybox_image: Image
) -> None:
    image = podpy.load(busybox_image)
    forge.git("checkout", "--quiet", "-b", "feature")
    gone: dict[str, str | None] = {f"{name}.yaml": None for name in "abc"}
    commit = forge.commit({**gone, "d.yaml": config("d", "2|`x`"), "web.yaml": pod(image)})
    text = podpy.run("plan", "shop", "--ref", "feature")
    markdown = podpy.run("plan", "shop", "--ref", commit, "-o", "markdown")
    ours = podpy.run("plan", "shop")
    after = podpy.ok("sync", "reconcile", "shop")

    assert (text.status, markdown.status, ours.status) == (CHANGES, CHANGES, 0)
    assert "+ Pod/web  create" in text.stdout
    assert "podpy sync approve shop: 3 of 4 objects would be removed" in text.stdout
    assert markdown.stdout.startswith(f"### podpy plan: shop at `{commit[:12]}`\n")
    assert "| `~` | `ConfigMap/d` | in place |" in markdown.stdout
    assert "2\\|\\`x\\`" in markdown.stdout
    assert after.count("\n") == 1
    assert podpy.json("get", "pods", "-o", "json")["items"] == []


def test_what_cannot_be_planned_has_a_status_of_its_own(podpy: Podpy, forge: Forge) -> None:
    forge.git("checkout", "--quiet", "-b", "broken")
    forge.commit({"a.yaml": "kind: Nonsense\n"})
    broken = podpy.run("plan", "--ref", "broken", "-o", "markdown")
    missing = podpy.run("plan", "--ref", "no-such-branch")

    assert (broken.status, missing.status) == (FAILED, FAILED)
    assert "This cannot be followed:\n\n```\na.yaml:1:1:" in broken.stdout
    assert 'the remote has no branch "no-such-branch"' in missing.stderr


def test_sync_diff_shows_source_and_drift_and_ends_as_diff_does(
    podpy: Podpy, tmp_path: Path
) -> None:
    forge = Forge(tmp_path / "differing")
    forge.commit({"a.yaml": config("a"), "b.yaml": config("b")})
    podpy.ok("sync", "add", "differing", "--url", forge.url)
    podpy.ok("sync", "reconcile", "differing")
    same = podpy.run("sync", "diff", "differing")
    podpy.ok("delete", "configmap", "b")
    forge.commit({"a.yaml": config("a", "2")})
    other = podpy.run("sync", "diff", "differing")
    wire = podpy.run("sync", "diff", "differing", "-o", "json")
    planned = podpy.run("sync", "plan", "differing")
    forge.commit({"a.yaml": "kind: Nonsense"})
    broken = podpy.run("sync", "diff", "differing")
    missing = podpy.run("sync", "diff", "none")

    assert (same.status, same.stdout) == (0, "nothing to change\n")
    assert other.status == wire.status == planned.status == 1
    assert "ConfigMap/a  update" in other.stdout
    assert "ConfigMap/b  create" in other.stdout
    assert sorted(one["op"] for one in json.loads(wire.stdout)["changes"]) == ["create", "update"]
    assert (broken.status, missing.status) == (2, 2)
    assert "a.yaml:1" in broken.stderr
    assert podpy.ok("get", "configmap", "a", "-o", "jsonpath={.data.text}") == "1"
