"""Waves and depends-on with real containers: who waits for whom, and what a failure blocks."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge
from tests.fixtures.scene import Scene

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

SYNC = ("sync", "reconcile", "shop")


@pytest.fixture
def scene(podpy: Podpy, image: str, tmp_path: Path) -> Scene:
    return Scene(podpy, image, tmp_path)


def test_a_wave_begins_when_the_ones_before_are_healthy(scene: Scene, podpy: Podpy) -> None:
    web = scene.pod("web", wave="2")
    load = scene.job("load", "sleep 0.5; echo loaded >>/shared/log", wave="1")
    file = scene.write(web, load, scene.pod("db"))
    plan = podpy.run("diff", "-f", file).stdout
    podpy.ok("apply", "-f", file)
    again = podpy.ok("apply", "-f", file)

    assert "when Job/load, Pod/db are healthy" in plan
    assert scene.log() == ["db", "loaded", "web"]
    assert "unchanged: 3 objects" in again


def test_a_failure_blocks_what_depends_on_it_and_nothing_else(scene: Scene, podpy: Podpy) -> None:
    load = scene.job("load", "echo no table >&2; exit 3")
    web = scene.pod("web", depends_on="Job/load")
    last = scene.pod("last", depends_on="Pod/web")
    file = scene.write(web, last, load, scene.pod("other"))
    done = podpy.run("apply", "-f", file, "--timeout", "30")

    assert done.status == 1
    assert "pod/web failed: waits for Job/load, which has failed" in done.stderr
    assert "exit 3" in done.stderr
    assert "pod/last failed: waits for Pod/web, which failed" in done.stderr
    assert scene.log() == ["other"]
    waiting = podpy.json("get", "pod", "web", "-o", "json")["status"]["containerStatuses"][0]
    assert "waits for Job/load" in waiting["state"]["waiting"]["message"]


def test_the_wait_has_an_end(scene: Scene, podpy: Podpy) -> None:
    load = scene.job("load", "while :; do sleep 0.1; done")
    file = scene.write(load, scene.pod("web", depends_on="Job/load"))
    done = podpy.run("apply", "-f", file, "--timeout", "1")

    assert done.status == 1
    assert "waits for Job/load, which is not healthy after 1 s: it runs; 0 of 1" in done.stderr
    assert scene.log() == []


def test_what_runs_is_not_held_back_by_what_it_came_after(scene: Scene, podpy: Podpy) -> None:
    db = scene.pod("db", "test ! -e /shared/ill || exit 4; sleep 1000")
    file = scene.write(db, scene.pod("web", wave="1"))
    podpy.ok("apply", "-f", file)
    before = scene.pods()
    scene.let("ill")
    uid = before["db"]
    pid = int(Path(podpy.paths.pod(uid), "containers", "main", "pid").read_text())
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: "CrashLoopBackOff" in podpy.ok("get", "pod", "db"), "db crashes")
    again = podpy.run("apply", "-f", file)

    assert again.status == 0
    assert "pod/web unchanged" in again.stdout
    assert scene.pods()["web"] == before["web"]


def test_killed_in_the_middle_the_next_pass_goes_on(scene: Scene, podpy: Podpy) -> None:
    load = scene.job("load", "until test -e /shared/go; do sleep 0.05; done")
    file = scene.write(load, scene.pod("web", depends_on="Job/load"), scene.pod("db", wave="-1"))
    running = podpy.start("apply", "-f", file)
    wait_until(lambda: len(scene.pods()) == 2, "db and the Job run")
    running.kill()
    running.wait(30)
    before = scene.pods()
    scene.let("go")
    podpy.ok("apply", "-f", file)
    after = scene.pods()
    again = podpy.ok("apply", "-f", file)

    assert before.items() < after.items()
    assert set(after) - set(before) == {"web"}
    assert "unchanged: 3 objects" in again


def test_pods_go_in_the_reverse_of_their_order(scene: Scene, podpy: Podpy) -> None:
    web = scene.pod("web", depends_on="Pod/app", wave="1")
    file = scene.write(scene.pod("db"), web, scene.pod("app", wave="1"))
    podpy.ok("apply", "-f", file)
    podpy.ok("delete", "-f", file)

    assert scene.log() == ["db", "app", "web", "web ends", "app ends", "db ends"]


def test_a_play_that_fails_in_a_later_wave_is_taken_back(scene: Scene, podpy: Podpy) -> None:
    broken = scene.pod("web", wave="1").replace("command: [sh,", "command: [no-such-program,")
    done = podpy.run("kube", "play", scene.write(scene.pod("db"), broken))

    assert done.status != 0
    assert "no-such-program" in done.stderr
    assert scene.pods() == {}
    assert podpy.json("get", "all", "-o", "json")["items"] == []


def test_a_sync_goes_back_when_a_later_wave_cannot_begin(
    scene: Scene, podpy: Podpy, tmp_path: Path
) -> None:
    forge = Forge(tmp_path / "forge")
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    web = scene.pod("web", wave="2")
    good = forge.commit({"db.yaml": scene.pod("db"), "web.yaml": web})
    podpy.ok(*SYNC)
    before = scene.pods()
    forge.commit(
        {
            "load.yaml": scene.job("load", "exit 1", wave="1"),
            "web.yaml": web.replace("sleep 0.05", "sleep 0.06"),
        }
    )
    done = podpy.run(*SYNC)
    status = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]

    assert (done.status, status["applied"]) == (3, good)
    assert "waits for Job/load, which has failed" in done.stdout
    assert scene.pods() == before


def test_the_agent_begins_what_waited_when_that_is_healthy(scene: Scene, podpy: Podpy) -> None:
    load = scene.job("load", "until test -e /shared/go; do sleep 0.05; done")
    file = scene.write(load, scene.pod("web", depends_on="Job/load"))
    podpy.run("apply", "-f", file, "--timeout", "0.2")
    podpy.start("agent")
    scene.let("go")

    wait_until(lambda: scene.log() == ["web"], "web has begun")


def test_a_circle_is_told_before_anything_changes(scene: Scene, podpy: Podpy) -> None:
    file = scene.write(
        scene.pod("a", depends_on="Pod/b"),
        scene.pod("b", depends_on="Pod/a"),
        scene.pod("c", depends_on="Pod/d"),
    )
    done = podpy.run("apply", "-f", file)

    assert done.status == 1
    assert f"{file}:6" in done.stderr
    assert "depends on itself: Pod/a -> Pod/b -> Pod/a" in done.stderr
    assert "Pod/d is not declared" in done.stderr
    assert scene.pods() == {}
