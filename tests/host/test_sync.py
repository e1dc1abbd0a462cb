"""A host follows a git repository or a directory, and nothing that is wrong there harms it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.forge import Forge
from tests.fixtures.objects import claim, config, pod

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.command import Done, Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

ROLLED_BACK, WITHHELD = 3, 4


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "forge")


@pytest.fixture
def follow(podpy: Podpy, forge: Forge) -> Callable[..., Done]:
    """Add the Sync `shop` of the forge, and give what does a pass of it."""

    def reconcile() -> Done:
        return podpy.run("sync", "reconcile", "shop")

    podpy.ok("sync", "add", "shop", "--url", forge.url)
    return reconcile


def pods(podpy: Podpy) -> dict[str, str]:
    """Name -> uid of the pods that there are."""
    return {
        item["metadata"]["name"]: item["metadata"]["uid"]
        for item in podpy.json("get", "pods", "-o", "json")["items"]
    }


def configs(podpy: Podpy) -> list[str]:
    listed = podpy.json("get", "configmaps", "-o", "json")["items"]
    return sorted(item["metadata"]["name"] for item in listed)


def text_of(podpy: Podpy, name: str) -> str:
    return podpy.ok("get", "configmap", name, "-o", "jsonpath={.data.text}")


def renamed(image: Image, name: str, folder: Path) -> Path:
    """Return a copy of the image's layout in which it has this name."""
    copy = folder / "renamed"
    shutil.copytree(image.layout, copy)
    index = copy / "index.json"
    index.write_text(index.read_text().replace(image.name, name))
    return copy


def status(podpy: Podpy) -> dict[str, Any]:
    found: dict[str, Any] = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    return found


def test_commits_are_followed_and_a_second_pass_changes_nothing(
    podpy: Podpy, forge: Forge, image: str, follow: Callable[[], Done]
) -> None:
    forge.commit({"web.yaml": pod(image), "page.yaml": config("page")})
    assert follow().status == 0
    first = pods(podpy)
    again = follow()
    commit = forge.commit({"page.yaml": config("page", "2"), "more.yaml": config("more")})
    after = follow()

    assert again.stdout.startswith("sync/shop: Ready")
    assert "configmap/page configured" in after.stdout
    assert pods(podpy) == first
    assert configs(podpy) == ["more", "page"]
    assert status(podpy)["good"] == commit


def test_what_leaves_the_source_leaves_the_host(
    podpy: Podpy, forge: Forge, image: str, follow: Callable[[], Done]
) -> None:
    forge.commit({"web.yaml": pod(image), "a.yaml": config("a"), "b.yaml": config("b")})
    follow()
    forge.commit({"web.yaml": None})

    assert follow().status == 0
    assert pods(podpy) == {}
    assert configs(podpy) == ["a", "b"]


def test_a_revision_that_does_not_run_is_taken_back_and_not_tried_again(
    podpy: Podpy, forge: Forge, image: str, follow: Callable[[], Done]
) -> None:
    good = forge.commit({"web.yaml": pod(image), "page.yaml": config("page")})
    follow()
    before = pods(podpy)
    bad = forge.commit(
        {
            "web.yaml": pod(image),
            "broken.yaml": pod(image, "broken", "no-such-program"),
            "page.yaml": None,
            "new.yaml": config("new"),
        }
    )
    done = follow()
    again = follow()
    known = status(podpy)
    fixed = forge.commit({"broken.yaml": None})
    after = follow()

    assert (done.status, again.status, after.status) == (ROLLED_BACK, ROLLED_BACK, 0)
    assert "no-such-program" in done.stdout
    assert again.stdout.count("\n") == 1
    assert (known["applied"], known["bad"]) == (good, [bad])
    assert pods(podpy) == before
    assert configs(podpy) == ["new"]
    assert status(podpy)["good"] == fixed


def test_a_registry_that_is_away_makes_no_revision_a_bad_one(
    podpy: Podpy, forge: Forge, image: str, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.ok("sync", "add", "shop", "--url", forge.url, "--timeout", "2s")
    good = forge.commit({"web.yaml": pod(image), "page.yaml": config("page")})
    podpy.ok("sync", "reconcile", "shop")
    away = "127.0.0.1:1/away:1"
    commit = forge.commit({"page.yaml": config("page", "2"), "more.yaml": pod(away, "more")})
    failed = podpy.run("sync", "reconcile", "shop", timeout=120)
    known, kept = status(podpy), text_of(podpy, "page")
    podpy.ok("image", "pull", f"oci:{renamed(busybox_image, away, tmp_path)}:{away}")
    after = podpy.run("sync", "reconcile", "shop")

    assert failed.status == 1
    assert away in failed.stdout
    assert (known["applied"], known["outcome"], known.get("bad", [])) == (good, "Failed", [])
    assert kept == "1"
    assert after.status == 0
    assert (status(podpy)["good"], text_of(podpy, "page")) == (commit, "2")


def test_a_failed_revision_is_tried_again_when_asked_for(
    podpy: Podpy, forge: Forge, busybox_image: Image, follow: Callable[[], Done]
) -> None:
    forge.commit({"page.yaml": config("page")})
    follow()
    forge.commit({"web.yaml": pod(busybox_image.name)})
    failed = follow()
    podpy.load(busybox_image)
    still = follow()
    retried = podpy.run("sync", "retry", "shop")

    assert (failed.status, still.status, retried.status) == (ROLLED_BACK, ROLLED_BACK, 0)
    assert list(pods(podpy)) == ["web"]


@pytest.mark.parametrize(
    "broken",
    [
        {"page.yaml": "apiVersion: v1\nkind: ConfigMapp\nmetadata: {name: page}\n"},
        {"page.yaml": "a: [1, 2\n"},
        {"page.yaml": None, "web.yaml": None, "readme.md": "nothing here\n"},
    ],
    ids=["unknown kind", "no YAML", "emptied"],
)
def test_a_revision_that_cannot_be_used_removes_nothing(
    podpy: Podpy,
    forge: Forge,
    image: str,
    follow: Callable[[], Done],
    broken: dict[str, str | None],
) -> None:
    good = forge.commit({"web.yaml": pod(image), "page.yaml": config("page")})
    follow()
    before = pods(podpy)
    forge.commit(broken)
    podpy.ok("delete", "pod", "web")
    done = follow()

    assert done.status == 1
    assert "Invalid" in done.stdout
    assert list(pods(podpy)) == list(before)
    assert configs(podpy) == ["page"]
    assert status(podpy)["applied"] == good


def test_a_remote_that_is_gone_removes_nothing_and_drift_is_mended(
    podpy: Podpy, forge: Forge, image: str, follow: Callable[[], Done]
) -> None:
    forge.commit({"web.yaml": pod(image)})
    follow()
    shutil.rmtree(forge.path)
    podpy.ok("delete", "pod", "web")
    done = follow()

    assert done.status == 1
    assert "SourceUnreachable" in done.stdout
    assert list(pods(podpy)) == ["web"]


def test_many_removals_wait_for_consent(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done]
) -> None:
    forge.commit({f"{name}.yaml": config(name) for name in "abcd"})
    follow()
    forge.commit({"a.yaml": None, "b.yaml": None, "c.yaml": None, "e.yaml": config("e")})
    done = follow()
    held = configs(podpy)
    again = follow()
    approved = podpy.run("sync", "approve", "shop")

    assert (done.status, again.status, approved.status) == (WITHHELD, WITHHELD, 0)
    assert "podpy sync approve shop" in done.stdout
    assert held == ["a", "b", "c", "d", "e"]
    assert configs(podpy) == ["d", "e"]


def test_consent_to_one_revision_is_none_to_the_next(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done]
) -> None:
    forge.commit({f"{name}.yaml": config(name) for name in "abcdefgh"})
    follow()
    forge.commit({f"{name}.yaml": None for name in "abcde"})
    follow()
    podpy.ok("sync", "approve", "shop")
    forge.commit({f"{name}.yaml": config(name) for name in "abcde"})
    follow()
    forge.commit({f"{name}.yaml": None for name in "abcdef"})

    assert follow().status == WITHHELD
    assert len(configs(podpy)) == 8


def test_removals_that_wait_go_on_waiting_while_the_source_cannot_be_used(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done]
) -> None:
    forge.commit({f"{name}.yaml": config(name) for name in "abcd"})
    follow()
    forge.commit({f"{name}.yaml": None for name in "abc"})
    follow()
    forge.commit({"d.yaml": "kind: Nonsense"})
    follow()
    follow()
    held = configs(podpy)
    podpy.run("sync", "approve", "shop")

    assert held == ["a", "b", "c", "d"]
    assert configs(podpy) == ["d"]


def test_removals_of_a_revision_gone_back_to_can_be_consented_to(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done]
) -> None:
    forge.commit({"a.yaml": config("a")})
    follow()
    forge.commit({f"{name}.yaml": config(name) for name in "bcdef"})
    follow()
    podpy.run("sync", "rollback", "shop")
    held = configs(podpy)
    podpy.run("sync", "approve", "shop")

    assert held == ["a", "b", "c", "d", "e", "f"]
    assert configs(podpy) == ["a"]


def test_a_source_may_hold_its_own_sync(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done]
) -> None:
    own = podpy.ok("sync", "add", "shop", "--url", forge.url, "--print")
    forge.commit({"shop.yaml": own, "page.yaml": config("page")})

    assert follow().status == 0
    assert configs(podpy) == ["page"]


def test_a_claim_never_goes_without_consent(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done]
) -> None:
    forge.commit({"data.yaml": claim("data"), **{f"{n}.yaml": config(n) for n in "abcdef"}})
    follow()
    forge.commit({"data.yaml": None})
    done = follow()

    assert done.status == WITHHELD
    assert "claim" in done.stdout


def test_a_suspended_sync_is_left_alone(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done]
) -> None:
    forge.commit({"page.yaml": config("page")})
    follow()
    podpy.ok("sync", "suspend", "shop")
    forge.commit({"more.yaml": config("more")})
    during = follow()
    seen = configs(podpy)
    podpy.ok("sync", "resume", "shop")

    assert during.stdout.startswith("sync/shop: Suspended")
    assert seen == ["page"]
    assert configs(podpy) == ["more", "page"]


def test_going_back_lasts_until_a_new_commit(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done]
) -> None:
    first = forge.commit({"page.yaml": config("page", "1")})
    follow()
    forge.commit({"page.yaml": config("page", "2")})
    follow()
    podpy.run("sync", "rollback", "shop")
    back = status(podpy)["applied"]
    still = follow()
    third = forge.commit({"page.yaml": config("page", "3")})
    follow()

    assert back == first
    assert still.status == ROLLED_BACK
    assert status(podpy)["applied"] == third


def test_what_people_tell_a_sync_is_answered_in_json(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done]
) -> None:
    def told(*words: str) -> dict[str, Any]:
        done = podpy.run("sync", *words, "-o", "json")
        (one,) = json.loads(done.stdout)
        assert one["metadata"]["name"] == "shop"
        return {"exit": done.status, **one["status"]}

    first = forge.commit({f"{name}.yaml": config(name) for name in "abcd"})
    follow()
    suspended, resumed = told("suspend", "shop", "--for", "1h"), told("resume", "shop")
    second = forge.commit({f"{name}.yaml": None for name in "abc"})
    follow()
    approved = told("approve", "shop")
    back = told("rollback", "shop")
    retried = told("retry", "shop")

    assert (suspended["state"], suspended["exit"]) == ("Suspended", 0)
    assert suspended["suspendedUntil"] > 0
    assert (resumed["state"], resumed["exit"], resumed["applied"]) == ("Ready", 0, first)
    assert (approved["state"], approved["exit"], approved["withheld"]) == ("Ready", 0, [])
    assert (back["state"], back["exit"], back["bad"]) == ("RolledBack", 0, [second])
    assert (retried["exit"], retried["bad"], retried["applied"]) == (WITHHELD, [], second)


def test_one_broken_sync_blocks_no_other_but_those_that_depend_on_it(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done], tmp_path: Path
) -> None:
    forge.commit({"page.yaml": "kind: Nonsense\n"})
    other = Forge(tmp_path / "other")
    other.commit({"other.yaml": config("other")})
    podpy.ok("sync", "add", "other", "--url", other.url)
    waiting = podpy.ok("sync", "add", "after", "--url", other.url, "--print")
    waiting = waiting.replace("spec:\n", "spec:\n  dependsOn: [{name: shop}]\n")
    folder = tmp_path / "syncs"
    folder.mkdir()
    (folder / "after.yaml").write_text(waiting)
    podpy.ok("apply", "-f", str(folder))
    done = podpy.run("sync", "reconcile")

    assert done.status == 1
    assert "sync/other: Ready" in done.stdout
    assert "sync/after: DependencyNotReady: waits for Sync shop" in done.stdout
    assert configs(podpy) == ["other"]


def test_an_object_belongs_to_one_sync(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done]
) -> None:
    forge.commit({"page.yaml": config("page")})
    follow()
    podpy.ok("sync", "add", "twin", "--url", forge.url)
    done = podpy.run("sync", "reconcile", "twin")

    assert done.status == 1
    assert "page.yaml:2: ConfigMap/page belongs to Sync shop already" in done.stdout
    assert follow().status == 0


def test_a_directory_is_followed_with_the_same_safety(
    podpy: Podpy, image: str, tmp_path: Path
) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "web.yaml").write_text(pod(image))
    podpy.ok("sync", "add", "local", "--directory", str(folder))
    first = podpy.run("sync", "reconcile", "local")
    before = pods(podpy)
    (folder / "web.yaml").write_text(pod(image, command="no-such-program"))
    failed = podpy.run("sync", "reconcile", "local")
    after = pods(podpy)
    shutil.rmtree(folder)
    gone = podpy.run("sync", "reconcile", "local")

    assert (first.status, failed.status, gone.status) == (0, ROLLED_BACK, 1)
    assert list(after) == list(before)
    assert list(pods(podpy)) == ["web"]


def test_a_sync_that_is_removed_takes_what_it_brought(
    podpy: Podpy, forge: Forge, image: str, follow: Callable[[], Done]
) -> None:
    forge.commit({"web.yaml": pod(image), "page.yaml": config("page")})
    follow()
    podpy.ok("sync", "rm", "shop")

    assert pods(podpy) == {}
    assert configs(podpy) == []
    assert podpy.json("sync", "ls", "-o", "json") == []


def test_without_its_database_podpy_goes_back_to_the_good_revision_and_prunes_nothing(
    podpy: Podpy, forge: Forge, image: str, follow: Callable[[], Done]
) -> None:
    good = forge.commit({"web.yaml": pod(image), "page.yaml": config("page")})
    follow()
    before = pods(podpy)
    shutil.rmtree(forge.path)
    for suffix in ("", "-wal", "-shm"):
        Path(podpy.paths.database + suffix).unlink(missing_ok=True)
    done = follow()

    assert "SourceUnreachable" in done.stdout
    assert status(podpy)["applied"] == good
    assert pods(podpy) == before


def test_links_and_submodules_are_left_out_and_told(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done]
) -> None:
    forge.commit({"page.yaml": config("page"), "docs/x.md": "", "hidden/h.yaml": config("h")})
    (forge.path / "link.yaml").symlink_to("page.yaml")
    (forge.path / "README.md").symlink_to("docs/x.md")
    (forge.path / "elsewhere").symlink_to("/etc")
    head = forge.git("rev-parse", "HEAD")
    forge.git("update-index", "--add", "--cacheinfo", f"160000,{head},module")
    (forge.path / "module").mkdir()
    commit = forge.commit({})
    done = follow()

    assert done.stdout.endswith(f"Ready {commit[:12]}\n")
    assert done.stderr.splitlines() == [
        "elsewhere: warning: is a link, and left out",
        "link.yaml: warning: is a link, and left out",
        "module: warning: is a submodule, and left out",
    ]
    assert configs(podpy) == ["h", "page"]


@pytest.mark.parametrize("reachable", [True, False])
def test_a_damaged_repository_costs_nothing_but_another_fetch(
    podpy: Podpy, forge: Forge, follow: Callable[[], Done], reachable: bool
) -> None:
    commit = forge.commit({"page.yaml": config("page")})
    follow()
    objects = Path(podpy.paths.sources, "shop.git/objects")
    for item in objects.glob("??/*"):
        item.unlink()
    if not reachable:
        shutil.rmtree(forge.path)
    podpy.ok("delete", "configmap", "page")
    done = follow()

    assert configs(podpy) == (["page"] if reachable else [])
    assert ("Ready" in done.stdout) == reachable
    assert ("SourceUnreachable" in done.stdout) != reachable
    assert (commit[:12] in done.stdout) or not reachable
    assert status(podpy)["good"] == commit


def test_a_directorys_repository_that_is_damaged_is_made_anew(podpy: Podpy, tmp_path: Path) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "page.yaml").write_text(config("page"))
    podpy.ok("sync", "add", "shop", "--directory", str(folder))
    podpy.ok("sync", "reconcile", "shop")
    for item in Path(podpy.paths.sources, "shop.git/objects").rglob("*"):
        if item.is_file():
            item.chmod(0o600)
            item.write_bytes(b"")
    (folder / "more.yaml").write_text(config("more"))

    assert "Ready" in podpy.ok("sync", "reconcile", "shop")
    assert configs(podpy) == ["more", "page"]
