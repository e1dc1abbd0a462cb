"""The host goes down: pods are stopped in good order, and what ends then counts for nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.observe import records
from tests.fixtures import disks, traces
from tests.fixtures.command import wait_until
from tests.fixtures.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host


@pytest.fixture
def manager(podpy: Podpy, tmp_path: Path) -> Callable[[str], None]:
    """Stand in for systemctl, as hosts of tests have no systemd: the system is as this is told."""
    folder = tmp_path / "manager"
    folder.mkdir()
    (folder / "systemctl").write_text(f"#!/bin/sh\ncat {folder}/state\n")
    (folder / "systemctl").chmod(0o755)
    podpy.env["PATH"] = f"{folder}:{os.environ['PATH']}"

    def tell(state: str) -> None:
        (folder / "state").write_text(f"{state}\n")

    tell("running")
    return tell


@pytest.fixture
def scene(podpy: Podpy, image: str, tmp_path: Path) -> Scene:
    return Scene(podpy, image, tmp_path)


def conmons(podpy: Podpy) -> list[int]:
    return [
        one.pid
        for one in traces.processes()
        if one.name == "conmon" and podpy.paths.instance in one.about
    ]


def test_pods_are_stopped_with_their_grace_what_began_last_first(
    scene: Scene, podpy: Podpy, manager: Callable[[str], None]
) -> None:
    web = scene.pod("web", depends_on="Pod/db")
    podpy.ok("apply", "-f", scene.write(web, scene.pod("db")))
    manager("stopping")
    podpy.ok("internal", "halt")

    assert scene.log() == ["db", "web", "web ends", "db ends"]
    assert conmons(podpy) == []
    assert "Terminated" in podpy.ok("events")


def test_what_ends_then_is_no_failure_and_runs_again_after_the_boot(
    scene: Scene, podpy: Podpy, manager: Callable[[str], None]
) -> None:
    job = scene.job("load", "echo began >>/shared/log; sleep 1000")
    file = scene.write(job, scene.pod("web"))
    podpy.ok("apply", "-f", file)
    wait_until(lambda: "began" in scene.log(), "the Job has begun")
    manager("stopping")
    podpy.ok("internal", "halt")
    refused = podpy.run("apply", "-f", file)

    assert refused.status == 1
    assert "this host is going down" in refused.stderr
    assert not list(Path(podpy.paths.pods).glob("*/on-exit"))
    assert "BackOff" not in podpy.ok("events")

    traces.reboot(podpy.paths)
    manager("running")
    podpy.ok("apply", "-f", file)

    wait_until(lambda: scene.log().count("began") == 2, "the Job runs again")
    assert podpy.json("get", "job", "load", "-o", "json")["status"]["failed"] == 0
    restarts = podpy.ok(
        "get", "pod", "web", "-o", "jsonpath={.status.containerStatuses[0].restartCount}"
    )
    assert restarts == "0"


def test_nothing_is_stopped_while_the_host_runs(
    scene: Scene, podpy: Podpy, manager: Callable[[str], None]
) -> None:
    podpy.ok("apply", "-f", scene.write(scene.pod("web")))
    before = conmons(podpy)
    for state in ("running", "degraded", "maintenance", ""):
        manager(state)
        said = podpy.ok("internal", "halt")

        assert said.startswith("nothing is stopped")
        assert conmons(podpy) == before != []


def test_after_a_shutdown_that_was_taken_back_pods_run_again(
    scene: Scene, podpy: Podpy, manager: Callable[[str], None]
) -> None:
    job = scene.job("load", "echo load >>/shared/log; sleep 1000")
    once = scene.pod("once").replace("restartPolicy: Always", "restartPolicy: Never")
    file = scene.write(scene.pod("web"), job, once)
    podpy.ok("apply", "-f", file)
    wait_until(lambda: sorted(scene.log()) == ["load", "once", "web"], "all run")
    manager("stopping")
    podpy.ok("internal", "halt")
    manager("running")
    podpy.ok("apply", "-f", file)

    again = sorted(["load", "once", "once ends", "web", "web ends", "load", "once", "web"])
    wait_until(lambda: sorted(scene.log()) == again, "all run again")
    assert podpy.json("get", "job", "load", "-o", "json")["status"]["failed"] == 0
    assert "nothing was done" in podpy.ok("apply", "-f", file)


@pytest.mark.parametrize("kind", ["Pod", "Job"])
def test_what_has_just_ended_is_recorded_before_all_is_over(
    scene: Scene, podpy: Podpy, manager: Callable[[str], None], kind: str
) -> None:
    script = "while ! test -e /shared/go; do sleep 0.05; done; echo ran >>/shared/log"
    pod = scene.pod("once", script).replace("restartPolicy: Always", "restartPolicy: Never")
    file = scene.write(pod if kind == "Pod" else scene.job("once", script))
    podpy.ok("apply", "-f", file)
    (hook,) = Path(podpy.paths.pods).glob("*/on-exit")
    hook.unlink()
    scene.let("go")
    wait_until(lambda: "Completed" in podpy.ok("get", "pods"), "it ends, and no hook sees it")
    manager("stopping")
    podpy.ok("internal", "halt")
    traces.reboot(podpy.paths)
    manager("running")
    podpy.ok("apply", "-f", file)

    if kind == "Pod":
        assert "Completed" in podpy.ok("get", "pods")
    else:
        podpy.ok("wait", "--for=condition=complete", "job/once")
    assert scene.log() == ["ran"]


def test_a_disk_without_a_free_byte_keeps_no_pod_from_ending_or_being_stopped(
    podpy: Podpy, busybox_image: Image, tmp_path: Path, manager: Callable[[str], None]
) -> None:
    with disks.mounted(podpy.paths.state_dir, "size=12m"):
        scene = Scene(podpy, podpy.load(busybox_image), tmp_path)
        script = "while ! test -e /shared/go; do sleep 0.05; done; echo once >>/shared/log"
        once = scene.pod("once", script).replace("restartPolicy: Always", "restartPolicy: Never")
        podpy.ok("apply", "-f", scene.write(scene.pod("web"), once))
        filler = disks.fill(podpy.paths.state_dir)
        scene.let("go")
        wait_until(
            lambda: any(one.finished for one in records.read_pods(podpy.paths)), "the pod ends"
        )
        manager("stopping")
        podpy.run("internal", "halt")

        assert scene.log() == ["web", "once", "web ends"]
        assert conmons(podpy) == []
        filler.unlink()
        manager("running")
        podpy.ok("delete", "-f", str(scene.file))
