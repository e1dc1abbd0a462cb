"""lifecycle.postStart and preStop by the real command: when they run, and what failing does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

HEAD = """
apiVersion: v1
kind: Pod
metadata: {{name: life}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: {grace}
  volumes: [{{name: told, hostPath: {{path: "{folder}"}}}}]
  containers:
"""
CONTAINER = """
  - name: {name}
    image: "localhost/podpy-test/busybox:1"
    command: [sh, -c, "trap 'echo {name}-term >>/told/log; exit 0' TERM; {wait}"]
    securityContext: {{runAsUser: 1000}}
    lifecycle: {{{lifecycle}}}
    volumeMounts: [{{name: told, mountPath: /told}}]
"""
WAIT = "touch /told/{name}; while :; do sleep 0.05; done"


class Life:
    """A pod that writes down what happens to it, in one file of the host."""

    def __init__(self, podpy: Podpy, folder: Path) -> None:
        self.podpy, self.path, self.folder = podpy, folder / "life.yaml", folder / "told"
        self.folder.mkdir()
        self.folder.chmod(0o777)

    def play(self, *, grace: int = 30, **lifecycles: str) -> None:
        """Play a pod of containers NAME=lifecycle."""
        parts = [
            CONTAINER.format(name=name, wait=WAIT.format(name=name), lifecycle=text)
            for name, text in lifecycles.items()
        ]
        head = HEAD.format(grace=grace, folder=self.folder)
        self.path.write_text(head + "".join(parts))
        self.podpy.ok("kube", "play", str(self.path))

    def hears(self, *names: str) -> None:
        """Wait until these containers have set their traps."""
        wait_until(lambda: all((self.folder / name).exists() for name in names), "traps are set")

    def down(self) -> None:
        self.podpy.ok("kube", "down", str(self.path))

    def told(self) -> list[str]:
        return (self.folder / "log").read_text().split()

    def events(self) -> dict[str, str]:
        items = self.podpy.json("events", "--for", "pod/life", "-o", "json")["items"]
        return {event["reason"]: event["message"] for event in items}


@pytest.fixture
def life(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> Life:
    podpy.load(busybox_image)
    return Life(podpy, tmp_path)


def shell(script: str) -> str:
    return f'exec: {{command: [sh, -c, "{script}"]}}'


def test_handlers_run_as_the_container_and_before_its_signal(life: Life) -> None:
    after = shell("id -u >>/told/log")
    before = shell("sleep 1; echo asked >>/told/log")
    life.play(c=f"postStart: {{{after}}}, preStop: {{{before}}}", plain="")
    assert life.told() == ["1000"], "kube play has waited for it"
    life.hears("c", "plain")

    life.down()

    assert life.told() == ["1000", "plain-term", "asked", "c-term"], "the other did not wait"
    assert not {"FailedPostStartHook", "FailedPreStopHook"} & life.events().keys()


def test_a_container_whose_post_start_fails_is_stopped(life: Life) -> None:
    life.play(c=f"postStart: {{{shell('exit 4')}}}", other="")
    (bad, good) = life.podpy.json("get", "pod", "life", "-o", "json")["status"]["containerStatuses"]

    assert life.told() == ["c-term"]
    assert "terminated" in bad["state"]
    assert good["ready"]
    assert life.events()["FailedPostStartHook"] == "container c: sh ended with exit code 4"
    life.down()


def test_a_pre_stop_that_fails_or_never_ends_does_not_keep_a_pod(life: Life) -> None:
    life.play(grace=2, failing="preStop: {exec: {command: [nosuch]}}", endless=(
        f"preStop: {{{shell('sleep 1000')}}}"
    ))  # fmt: skip
    life.hears("failing", "endless")

    life.down()

    assert sorted(life.told()) == ["endless-term", "failing-term"], "both heard their signal"
    assert "FailedPreStopHook" in life.events()
    assert [line for line in life.podpy.left() if "conmon" in line or "/pods/" in line] == []


def test_a_pod_that_is_killed_at_once_is_not_asked_first(life: Life) -> None:
    life.play(c=f"preStop: {{{shell('echo asked >>/told/log')}}}")

    life.podpy.ok("delete", "pod", "life", "--force", "--grace-period=0")

    assert not (life.folder / "log").exists()


def test_a_sleep_gives_others_time(life: Life) -> None:
    life.play(c="preStop: {sleep: {seconds: 1}}", plain="")

    life.down()

    assert life.told() == ["plain-term", "c-term"]


def test_a_deadline_runs_pre_stop_too(life: Life) -> None:
    life.play(c=f"preStop: {{{shell('echo asked >>/told/log')}}}")
    life.down()
    text = life.path.read_text().replace("spec:\n", "spec:\n  activeDeadlineSeconds: 1\n", 1)
    life.path.write_text(text)
    (life.folder / "log").unlink()
    life.podpy.ok("kube", "play", str(life.path))

    wait_until(lambda: (life.folder / "log").exists() and len(life.told()) == 2, "it is ended")
    assert life.told() == ["asked", "c-term"]
    life.down()
