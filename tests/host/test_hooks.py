"""Hooks of Syncs with real containers: once a revision, before, after, and when it fails."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from reconciler import cycle
from reconciler.state import database
from reconciler.targets.host.base import Base
from reconciler.targets.host.host import Host
from tests.fixtures import killed
from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge
from tests.fixtures.objects import config
from tests.fixtures.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.paths import Paths
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

SYNC = ("sync", "reconcile", "shop")
ROLLED_BACK = 3


def says(word: str, status: int = 0) -> str:
    return f"echo {word} >>/shared/log; exit {status}"


@pytest.fixture
def forge(podpy: Podpy, tmp_path: Path) -> Forge:
    made = Forge(tmp_path / "forge")
    podpy.ok("sync", "add", "shop", "--url", made.url)
    return made


@pytest.fixture
def scene(podpy: Podpy, image: str, tmp_path: Path) -> Scene:
    return Scene(podpy, image, tmp_path)


def jobs(podpy: Podpy) -> list[str]:
    listed = podpy.json("get", "jobs", "-o", "json")["items"]
    return sorted(one["metadata"]["name"] for one in listed)


def status(podpy: Podpy) -> dict[str, Any]:
    found: dict[str, Any] = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    return found


def files(scene: Scene, pre: int = 0, post: int = 0, web: str = "web") -> dict[str, str | None]:
    return {
        "pre.yaml": scene.job("pre", f"sleep 0.3; {says('pre', pre)}", hook="pre-sync"),
        "post.yaml": scene.job("post", says("post", post), hook="post-sync"),
        "fail.yaml": scene.job("fail", says("fail"), hook="sync-fail"),
        "web.yaml": scene.pod("web").replace("echo web", f"echo {web}"),
    }


def test_hooks_run_once_for_each_revision(scene: Scene, podpy: Podpy, forge: Forge) -> None:
    first = forge.commit(files(scene))
    plan = podpy.run("plan", "shop").stdout
    podpy.ok(*SYNC)
    began, names = scene.log(), jobs(podpy)
    again = podpy.ok(*SYNC)
    quiet = scene.log()
    second = forge.commit(files(scene, web="shop"))
    podpy.ok(*SYNC)

    assert "hook: pre-sync Job/pre\nhook: post-sync Job/post\nhook: sync-fail Job/fail\n" in plan
    assert began == ["pre", "web", "post"]
    assert names == [f"post-{first[:8]}", f"pre-{first[:8]}"]
    assert again == f"sync/shop: Ready {first[:12]}\n"
    assert quiet == began
    assert scene.log() == [*began, "pre", "web ends", "shop", "post"]
    assert jobs(podpy) == [f"post-{second[:8]}", f"pre-{second[:8]}"]


def test_a_failed_pre_sync_hook_keeps_the_revision_from_the_host(
    scene: Scene, podpy: Podpy, forge: Forge
) -> None:
    good = forge.commit({"web.yaml": scene.pod("web"), "page.yaml": config("page")})
    podpy.ok(*SYNC)
    before = scene.pods()["web"]
    bad = forge.commit({**files(scene, pre=4, web="shop"), "page.yaml": config("page", "2")})
    done = podpy.run(*SYNC)
    log = scene.log()
    still = podpy.run(*SYNC)
    quiet = scene.log()
    known = status(podpy)
    retried = podpy.run("sync", "retry", "shop")

    assert (done.status, still.status, retried.status) == (ROLLED_BACK,) * 3
    assert f"Job/pre-{bad[:8]}: the pre-sync hook failed: container main: exit 4" in done.stdout
    assert log == quiet == ["web", "pre", "fail"]
    assert (known["applied"], known["bad"]) == (good, [bad])
    assert scene.pods()["web"] == before
    assert podpy.ok("get", "configmap", "page", "-o", "jsonpath={.data.text}") == "1"
    assert scene.log() == ["web", "pre", "fail", "pre", "fail"]


def test_a_failed_hook_of_the_first_revision_is_not_run_again(
    scene: Scene, podpy: Podpy, forge: Forge
) -> None:
    forge.commit(files(scene, pre=4))
    done, again = podpy.run(*SYNC), podpy.run(*SYNC)

    assert (done.status, again.status) == (1, 1)
    assert "the pre-sync hook failed" in again.stdout
    assert scene.log() == ["pre", "fail"]
    assert "web" not in scene.pods()


def test_a_failed_post_sync_hook_takes_the_revision_back(
    scene: Scene, podpy: Podpy, forge: Forge
) -> None:
    good = forge.commit({"web.yaml": scene.pod("web")})
    podpy.ok(*SYNC)
    forge.commit(files(scene, post=1, web="shop"))
    done = podpy.run(*SYNC)

    assert done.status == ROLLED_BACK
    assert status(podpy)["applied"] == good
    assert scene.log() == ["web", "pre", "web ends", "shop", "post", "fail", "shop ends", "web"]


def test_killed_while_a_hook_runs_the_next_pass_waits_for_it(
    scene: Scene, podpy: Podpy, forge: Forge
) -> None:
    wait = f"echo begun >>/shared/log; until test -e /shared/go; do sleep 0.05; done; {says('pre')}"
    forge.commit({**files(scene), "pre.yaml": scene.job("pre", wait, hook="pre-sync")})
    running = podpy.start(*SYNC)
    wait_until(lambda: scene.log() == ["begun"], "the hook runs")
    running.kill()
    running.wait(30)
    scene.let("go")
    podpy.ok(*SYNC)
    again = podpy.ok(*SYNC)

    assert scene.log() == ["begun", "pre", "web", "post"]
    assert again.count("\n") == 1


def test_a_hook_finds_what_it_uses_at_the_first_revision(
    scene: Scene, podpy: Podpy, forge: Forge
) -> None:
    hook = scene.job("pre", 'echo "$text" >>/shared/log', hook="pre-sync")
    hook = hook.replace(
        "        volumeMounts:",
        "        envFrom: [{configMapRef: {name: page}}]\n        volumeMounts:",
    )
    forge.commit({"pre.yaml": hook, "page.yaml": config("page", "told")})
    podpy.ok(*SYNC)

    assert scene.log() == ["told"]


def test_hooks_have_an_order_and_a_removed_sync_takes_them(
    scene: Scene, podpy: Podpy, forge: Forge
) -> None:
    forge.commit(
        {
            "a.yaml": scene.job("a", says("a"), hook="pre-sync", depends_on="Job/b"),
            "b.yaml": scene.job("b", f"sleep 0.3; {says('b')}", hook="pre-sync"),
            "page.yaml": config("page"),
        }
    )
    podpy.ok(*SYNC)
    log = scene.log()
    podpy.ok("sync", "rm", "shop")

    assert log == ["b", "a"]
    assert jobs(podpy) == []
    assert scene.pods() == {}


def test_a_hook_is_removed_when_its_policy_says_so_and_still_runs_once(
    scene: Scene, podpy: Podpy, forge: Forge
) -> None:
    given = files(scene, pre=0, post=1)
    pre, post = str(given["pre.yaml"]), str(given["post.yaml"])
    given["pre.yaml"] = with_policy(pre, "HookSucceeded")
    given["post.yaml"] = with_policy(post, "HookSucceeded, HookFailed")
    forge.commit(given)
    first = podpy.run(*SYNC)
    log, names = scene.log(), jobs(podpy)
    again = podpy.run(*SYNC)
    quiet = scene.log()
    podpy.run("sync", "retry", "shop")

    assert (first.status, again.status) == (1, 1)
    assert log == quiet == ["pre", "web", "post", "fail"]
    assert [name.split("-")[0] for name in names] == ["fail"]
    assert "the post-sync hook failed: container main: exit 1" in again.stdout
    assert scene.log() == [*log, "pre", "post", "fail"]


def test_a_failed_hook_stays_where_only_its_success_removes_it(
    scene: Scene, podpy: Podpy, forge: Forge
) -> None:
    kept = with_policy(scene.job("pre", says("pre", 4), hook="pre-sync"), POLICY)
    bad = forge.commit({"page.yaml": config("page"), "pre.yaml": kept})
    podpy.run(*SYNC)
    forge.commit({"pre.yaml": with_policy(hook_of(scene), POLICY)})
    podpy.ok(*SYNC)

    assert scene.log() == ["pre", "pre"]
    assert jobs(podpy) == [f"pre-{bad[:8]}"]
    assert podpy.ok(*SYNC).count("\n") == 1


def test_killed_before_it_is_removed_a_hook_does_not_run_again(
    scene: Scene, podpy: Podpy, forge: Forge, tmp_path: Path
) -> None:
    forge.commit({"page.yaml": config("page"), "pre.yaml": with_policy(hook_of(scene), POLICY)})
    podpy.ok(*SYNC)
    forge.commit({"page.yaml": config("page", "2")})
    dying, step = killed.Dying(podpy, tmp_path / "dying"), killed.Step(SYNC)
    effects = dying.count(step)  # Those of a host's first pass are more.
    late = effects[len(effects) * 6 // 10 :]  # It has ended by then.
    for at in late[:: max(1, len(effects) // 15)]:
        commit = forge.commit({"page.yaml": config("page", at.mark)})
        before = len(scene.log())
        dying.run(at, step)
        mend(podpy.paths)
        podpy.ok(*SYNC)

        assert scene.log()[before:] == ["pre"], str(at)
        assert status(podpy)["good"] == commit
        assert jobs(podpy) == []


@pytest.mark.parametrize("first", [True, False])
def test_a_hook_that_a_full_disk_has_failed_runs_again_by_itself(
    scene: Scene, podpy: Podpy, forge: Forge, disk: Path, first: bool
) -> None:
    if not first:
        forge.commit({"page.yaml": config("page")})
        podpy.ok(*SYNC)
    mounts = "volumeMounts: ["
    hook = scene.job(
        "pre",
        f"dd if=/dev/zero of=/disk/copy bs=64k count=8 || exit 1; {says('pre')}",
        hook="pre-sync",
    )
    hook = hook.replace(mounts, f"{mounts}{{name: disk, mountPath: /disk}}, ")
    hook = hook.replace(" volumes: [", f" volumes: [{{name: disk, hostPath: {{path: {disk}}}}}, ")
    commit = forge.commit({"page.yaml": config("page", "2"), "pre.yaml": hook})
    failed = podpy.run(*SYNC)
    known = status(podpy)
    run("mount", "-o", "remount,size=16m", str(disk))
    with contextlib.closing(sqlite3.connect(podpy.paths.database)) as connection, connection:
        ((body,),) = connection.execute("SELECT body FROM syncs").fetchall()
        later = json.dumps({**json.loads(body), "putOffUntil": 1.0})  # Its time has come.
        connection.execute("UPDATE syncs SET body = ?", (later,))
    again = podpy.run(*SYNC)

    assert failed.status == 1
    assert "No space left on device" in failed.stdout
    assert known["bad"] == []
    assert known.get("putOff", "") == ("" if first else commit)
    assert again.status == 0
    assert (status(podpy)["good"], scene.log()) == (commit, ["pre"])


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is full soon."""
    place = tmp_path / "disk"
    place.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=64k", "small", str(place))
    yield place
    run("umount", "-l", str(place))


def run(*words: str) -> None:
    subprocess.run(words, check=True, timeout=10)


POLICY = "HookSucceeded"


def mend(paths: Paths) -> None:
    """Do the pass of an agent that looks after all that is remembered."""
    known = database.connect(paths.database)
    with contextlib.closing(known):
        cycle.mend(Host(Base(paths, known, hook=f"{paths.state_dir}/hook")))


def hook_of(scene: Scene) -> str:
    return scene.job("pre", says("pre"), hook="pre-sync")


def with_policy(job: str, policy: str) -> str:
    return job.replace(
        "podpy.dev/hook:", f'podpy.dev/hook-delete-policy: "{policy}", podpy.dev/hook:'
    )


def test_apply_has_no_revision_and_takes_no_hooks(scene: Scene, podpy: Podpy) -> None:
    file = scene.write(scene.pod("web"), scene.job("pre", says("pre"), hook="pre-sync"))
    done = podpy.run("apply", "-f", file)

    assert done.status == 1
    assert "Job/pre is a hook of a Sync" in done.stderr
    assert "podpy sync add" in done.stderr
    assert scene.pods() == {}
