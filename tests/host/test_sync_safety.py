"""What is wrong with the host, or said during a pass, harms no Sync; Syncs of a Sync go with it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.syncs import decide
from runtime import locks
from tests.fixtures.command import wait_until
from tests.fixtures.disks import mounted
from tests.fixtures.forge import Forge
from tests.fixtures.objects import claim, config, pod

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

WITHHELD, ROLLED_BACK = 4, 3


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "forge")


def status(podpy: Podpy, name: str = "shop") -> dict[str, Any]:
    found: dict[str, Any] = podpy.json("sync", "status", name, "-o", "json")[0]["status"]
    return found


def names(podpy: Podpy, kind: str = "configmaps") -> list[str]:
    listed = podpy.json("get", kind, "-o", "json")["items"]
    return sorted(item["metadata"]["name"] for item in listed)


def declarations(podpy: Podpy) -> str:
    return f"{os.path.dirname(podpy.paths.state_dir)}/etc/syncs.d"


def test_a_full_disk_makes_no_revision_a_bad_one(podpy: Podpy, forge: Forge, image: str) -> None:
    podpy.ok("sync", "add", "shop", "--url", forge.url, "--timeout", "2s")
    good = forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "reconcile", "shop")
    commit = forge.commit({"web.yaml": pod(image)})
    with mounted(f"{podpy.paths.state_dir}/pods", "size=4k", "nr_inodes=1"):
        failed = podpy.run("sync", "reconcile", "shop")
        waits = podpy.run("sync", "reconcile", "shop")
        known = status(podpy)
    retried = podpy.run("sync", "retry", "shop")

    assert (failed.status, waits.status, retried.status) == (1, 1, 0)
    assert "no space left on device" in failed.stdout.lower()
    assert "no space left on device" in waits.stdout.lower()
    assert "podpy sync retry shop" in waits.stdout
    assert (known["applied"], known["bad"], known["putOff"]) == (good, [], commit)
    assert status(podpy)["good"] == commit
    assert names(podpy, "pods") == ["web"]


def test_a_pass_that_waits_for_the_syncs_removal_brings_nothing_back(
    podpy: Podpy, forge: Forge
) -> None:
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    forge.commit({"page.yaml": config("page")})
    with locks.held(podpy.paths, [decide.lock("shop")]):
        child = podpy.start("sync", "reconcile", "shop")
        assert child.stderr is not None
        said = child.stderr.readline()
        os.unlink(f"{declarations(podpy)}/shop.yaml")
    _, error = child.communicate(timeout=30)

    assert said.startswith("sync/shop: waits for the pass of ")
    assert child.returncode == 1
    assert 'there is no Sync "shop"' in error
    assert names(podpy) == []


def test_a_suspension_is_answered_while_a_pass_is_under_way(podpy: Podpy, forge: Forge) -> None:
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    with locks.held(podpy.paths, [decide.lock("shop")]):
        done = podpy.run("sync", "suspend", "shop")
        known = status(podpy)

    assert (done.status, known["suspended"], known["state"]) == (0, True, "Suspended")
    assert "is under way and goes on to its end" in done.stderr


def test_a_rollback_that_was_asked_for_has_succeeded(podpy: Podpy, forge: Forge) -> None:
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    for number in "12":
        forge.commit({"page.yaml": config("page", number)})
        podpy.ok("sync", "reconcile", "shop")
    back = podpy.run("sync", "rollback", "shop")

    assert (back.status, status(podpy)["outcome"]) == (0, "RolledBack")
    assert podpy.ok("get", "configmap", "page", "-o", "jsonpath={.data.text}") == "1"
    assert podpy.run("sync", "reconcile", "shop").status == ROLLED_BACK


def test_what_a_sync_has_left_whose_file_is_gone_can_be_removed(podpy: Podpy, forge: Forge) -> None:
    forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    podpy.ok("sync", "reconcile", "shop")
    Path(declarations(podpy), "shop.yaml").unlink()
    told = podpy.run("sync", "ls").stderr
    podpy.ok("sync", "rm", "shop")

    assert "Sync/shop is declared no more, and 1 object that it has brought stay" in told
    assert names(podpy) == []
    assert "declared no more" not in podpy.run("sync", "ls").stderr
    assert podpy.run("sync", "rm", "shop").status == 1


def test_syncs_that_wait_for_each_other_are_told(podpy: Podpy, forge: Forge) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        podpy.ok("sync", "add", name, "--url", forge.url)
        file = Path(declarations(podpy), f"{name}.yaml")
        depends = f"spec:\n  dependsOn: [{{name: {other}}}]\n"
        file.write_text(file.read_text().replace("spec:\n", depends))
    done = podpy.run("sync", "reconcile")

    assert done.status == 1
    assert "dependsOn one -> two -> one" in done.stderr


def test_who_wants_no_rollback_has_none_when_the_source_is_broken_or_goes_away(
    podpy: Podpy, forge: Forge, image: str
) -> None:
    forge.commit({"web.yaml": pod(image)})
    declared = Path(declarations(podpy), "shop.yaml")
    podpy.ok("sync", "add", "shop", "--url", forge.url, "--timeout", "2s")
    declared.write_text(declared.read_text().replace("spec:\n", "spec:\n  rollback: false\n"))
    podpy.ok("sync", "reconcile", "shop")
    bad = forge.commit({"web.yaml": pod(image, command="no-such"), "page.yaml": config("page")})
    failed = podpy.run("sync", "reconcile", "shop")
    forge.commit({"web.yaml": "kind: Nonsense\n"})
    invalid = podpy.run("sync", "reconcile", "shop")
    forge.path.rename(forge.path.with_name("gone"))
    gone = podpy.run("sync", "reconcile", "shop")

    assert (failed.status, invalid.status, gone.status) == (1, 1, 1)
    assert "Invalid" in invalid.stdout
    assert status(podpy)["applied"] == bad
    assert names(podpy) == ["page"]


def test_a_source_that_changes_its_object_format_keeps_the_last_good_revision(
    podpy: Podpy, forge: Forge, tmp_path: Path
) -> None:
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    good = forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "reconcile", "shop")
    forge.path.rename(tmp_path / "before")
    Forge(forge.path, object_format="sha256").commit({"page.yaml": "kind: Nonsense"})
    podpy.ok("delete", "configmap", "page")
    done = podpy.run("sync", "reconcile", "shop")
    kept = names(podpy), status(podpy)["applied"]
    fixed = forge.commit({"page.yaml": config("page", "2")})
    after = podpy.run("sync", "reconcile", "shop")

    assert (done.status, after.status) == (1, 0)
    assert kept == (["page"], good)
    assert status(podpy)["good"] == fixed


@pytest.fixture
def family(podpy: Podpy, forge: Forge, tmp_path: Path) -> tuple[Forge, Forge]:
    """The Sync `top`, which brings the Sync `child`; the child brings four objects."""
    child = Forge(tmp_path / "child")
    child.commit({**{f"{name}.yaml": config(name) for name in "abc"}, "data.yaml": claim("data")})
    forge.commit({"child.yaml": brought(podpy, child), "page.yaml": config("page")})
    podpy.ok("sync", "add", "top", "--url", forge.url)
    podpy.ok("sync", "reconcile", "top")
    podpy.ok("sync", "reconcile", "child")
    return forge, child


def brought(podpy: Podpy, child: Forge, *flags: str) -> str:
    return podpy.ok("sync", "add", "child", "--url", child.url, "--print", *flags)


def test_what_a_pruned_sync_has_brought_goes_by_consent_each_object_counted(
    podpy: Podpy, family: tuple[Forge, Forge]
) -> None:
    family[0].commit({"child.yaml": None})
    planned = podpy.run("plan", "top")
    done = podpy.run("sync", "reconcile", "top")
    held = names(podpy)
    approved = podpy.run("sync", "approve", "top")

    assert planned.status == 1
    assert all(f"ConfigMap/{name}" in planned.stdout for name in "abc")
    assert (done.status, approved.status) == (WITHHELD, 0)
    assert "PersistentVolumeClaim/data is no longer in the source" in done.stdout
    assert held == ["a", "b", "c", "page"]
    assert names(podpy) == ["page"]
    assert podpy.run("sync", "status", "child").status == 1
    assert podpy.run("sync", "reconcile", "top").status == 0
    assert not os.path.exists(f"{podpy.paths.sources}/child.git")


def test_a_pruned_sync_that_says_so_leaves_what_it_has_brought(
    podpy: Podpy, family: tuple[Forge, Forge]
) -> None:
    parent, child = family
    parent.commit({"child.yaml": brought(podpy, child, "--no-prune")})
    podpy.ok("sync", "reconcile", "top")
    parent.commit({"child.yaml": None})
    done = podpy.run("sync", "reconcile", "top")

    assert done.status == 0
    assert "Sync/child: is no longer in the source; what it has brought stays" in done.stderr
    assert names(podpy) == ["a", "b", "c", "page"]


def test_objects_move_from_a_sync_to_its_parent(podpy: Podpy, family: tuple[Forge, Forge]) -> None:
    texts = {f"{name}.yaml": config(name) for name in "abc"}
    family[0].commit({"child.yaml": None, "data.yaml": claim("data"), **texts})

    assert podpy.run("sync", "reconcile", "top").status == 0
    assert names(podpy) == ["a", "b", "c", "page"]


def test_the_removal_of_a_sync_takes_its_syncs_with_it(
    podpy: Podpy, family: tuple[Forge, Forge]
) -> None:
    podpy.ok("sync", "rm", "top")

    assert names(podpy) == []
    assert podpy.json("sync", "ls", "-o", "json") == []


def test_a_sync_that_says_so_leaves_what_it_has_brought(podpy: Podpy, forge: Forge) -> None:
    forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "add", "shop", "--url", forge.url, "--no-prune")
    podpy.ok("sync", "reconcile", "shop")
    done = podpy.run("sync", "rm", "shop")

    assert done.status == 0
    assert "what it has brought stays (prune: false)" in done.stderr
    assert names(podpy) == ["page"]
    assert podpy.json("sync", "ls", "-o", "json") == []


@pytest.mark.parametrize("how", ["a file", "applied"])
def test_a_deleted_sync_takes_with_it_what_needs_no_consent(
    podpy: Podpy, forge: Forge, tmp_path: Path, how: str
) -> None:
    add = ("sync", "add", "shop", "--url", forge.url)
    if how == "a file":
        podpy.ok(*add)
    else:
        podpy.ok("apply", "-f", "-", stdin=podpy.ok(*add, "--print"))
    forge.commit({f"{name}.yaml": config(name) for name in "abc"})
    podpy.ok("sync", "reconcile", "shop")
    refused = podpy.run("delete", "sync/shop")
    held = names(podpy)
    forge.commit({"a.yaml": None})
    podpy.ok("sync", "reconcile", "shop")
    dry = podpy.ok("delete", "sync/shop", "--dry-run=client")
    deleted = podpy.ok("delete", "sync/shop")

    assert refused.status == 1
    assert "delete: with Sync/shop 3 of 3 objects would be removed" in refused.stderr
    assert "sync rm shop, if that is meant; --keep" in refused.stderr
    assert held == ["a", "b", "c"]
    assert "configmap/b" in dry
    assert "configmap/b deleted" in deleted
    assert "sync.podpy.dev/shop deleted" in deleted
    assert names(podpy) == []
    assert podpy.json("sync", "ls", "-o", "json") == []
    assert not os.path.exists(f"{podpy.paths.sources}/shop.git")
    assert "there is no Sync" in podpy.run("sync", "reconcile", "shop").stderr


def test_a_deleted_sync_may_leave_what_it_has_brought(
    podpy: Podpy, family: tuple[Forge, Forge]
) -> None:
    del family
    refused = podpy.run("delete", "sync/child")
    unfit = podpy.run("sync", "rm", "child")
    done = podpy.run("delete", "sync/child", "--keep")
    held = names(podpy)
    podpy.ok("sync", "reconcile", "top")
    back = podpy.run("sync", "reconcile", "child")
    none = podpy.run("delete", "cm/a", "--keep")

    assert "a claim that may hold data would be removed" in refused.stderr
    assert "is brought by Sync/top" in unfit.stderr
    assert "comes back with the next pass of Sync/top" in done.stderr
    assert held == ["a", "b", "c", "page"]
    assert back.status == 0
    assert names(podpy) == held
    assert "--keep is for Syncs" in none.stderr


def test_a_signal_to_read_again_does_not_end_an_agent_that_begins(
    podpy: Podpy, forge: Forge
) -> None:
    forge.commit({"page.yaml": config("page")})
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    child = podpy.start("agent")
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGHUP)
    wait_until(lambda: names(podpy) == ["page"], "the agent follows the Sync")
    child.terminate()
    child.communicate(timeout=30)

    assert child.returncode == 128 + signal.SIGTERM


def test_secrets_in_a_watched_directory_are_for_root_alone_and_not_kept_for_ever(
    podpy: Podpy, tmp_path: Path
) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    podpy.ok("sync", "add", "local", "--directory", str(folder))
    (folder / "page.yaml").write_text(config("page"))
    podpy.ok("sync", "reconcile", "local")

    modes = [os.stat(path).st_mode & 0o777 for path in (podpy.paths.state_dir, podpy.paths.sources)]
    assert modes == [0o700, 0o700]
