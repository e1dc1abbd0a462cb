"""Containers that end, with no agent: conmon's hook gets home, restarts, waits, and is replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from manifests.faults import HostFault
from runtime.kernel import home, processes, syscalls
from tests.fixtures import traces
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: crash}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: "localhost/podpy-test/busybox:1"
    command: [sh, -c, "until [ -e /go/now ]; do sleep 0.05; done; exit 3"]
    env: [{{name: TEXT, valueFrom: {{configMapKeyRef: {{name: words, key: text}}}}}}]
    volumeMounts: [{{name: go, mountPath: /go}}]
  volumes:
  - {{name: go, hostPath: {{path: "{folder}"}}}}
"""
WORDS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: words}
data: {text: hello}
"""


class Crash:
    """A pod whose container ends each time it is told to."""

    def __init__(self, podpy: Podpy, paths: Paths, folder: Path) -> None:
        self.podpy, self.paths, self.folder = podpy, paths, folder
        self.go = folder / "go"
        self.go.mkdir()
        self.file = str(folder / "crash.yaml")
        Path(self.file).write_text(POD.format(folder=self.go))
        self.words = str(folder / "words.yaml")
        Path(self.words).write_text(WORDS)

    def status(self) -> dict[str, Any]:
        told = self.podpy.json("get", "pod", "crash", "-o", "json")["status"]
        (container,) = told["containerStatuses"]
        return dict(container)

    def waiting(self) -> list[int]:
        """The hooks that wait for a back-off of the pod."""
        (uid,) = os.listdir(self.paths.pods)
        folder = f"{self.paths.pod(uid)}/waiting"
        names = os.listdir(folder) if os.path.isdir(folder) else []
        pairs = (name.split("-") for name in names)
        return [int(pid) for pid, at in pairs if processes.alive(int(pid), int(at))]

    def events(self) -> list[dict[str, Any]]:
        told = self.podpy.json("events", "--for", "pod/crash", "-o", "json")
        return list(told["items"])

    def runs(self) -> set[str]:
        """The numbers of the runs that have a log."""
        return {file.stem for file in Path(self.paths.log_dir).glob("*_crash_*/c/*.log")}


@pytest.fixture
def crash(podpy: Podpy, instance: Paths, busybox_image: Image, tmp_path: Path) -> Crash:
    podpy.load(busybox_image)
    return Crash(podpy, instance, tmp_path)


def test_a_pod_restarts_after_the_shell_that_started_it_has_ended(crash: Crash) -> None:
    """In a mount namespace of its own, in which only what podpy starts is left."""
    play = [crash.podpy.command, "kube", "play", crash.words, crash.file]
    env = {**os.environ, **crash.podpy.env}
    subprocess.run(["unshare", "-m", *play], check=True, env=env, timeout=60)
    (crash.go / "now").touch()

    wait_until(lambda: crash.runs() >= {"0", "1"}, "the container is restarted")

    mine = crash.paths.instance
    server = next(p.pid for p in traces.processes() if p.name == "dnsmasq" and mine in p.about)
    down = [crash.podpy.command, "kube", "down", crash.words, crash.file]
    enter = ["nsenter", f"--target={server}", "--mount", *down]
    subprocess.run(enter, check=True, env=env, timeout=60)


def test_a_crash_loop_is_shown_waited_for_once_and_taken_over(crash: Crash) -> None:
    crash.podpy.ok("kube", "play", crash.words, crash.file)
    (crash.go / "now").touch()
    wait_until(lambda: crash.waiting(), "a hook waits for the back-off")
    looping = crash.status()
    (hook,) = crash.waiting()
    os.kill(hook, signal.SIGKILL)
    wait_until(lambda: not crash.waiting(), "nobody waits")

    crash.podpy.ok("kube", "play", crash.words, crash.file)
    wait_until(lambda: crash.waiting(), "another hook waits")
    wait_until(lambda: crash.status()["restartCount"] == 2, "it is restarted when it is due")

    assert looping["restartCount"] == 1
    assert looping["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert looping["lastState"]["terminated"]["exitCode"] == 3
    assert looping["lastState"]["terminated"]["reason"] == "Error"
    wait_until(lambda: len(crash.waiting()) == 1, "one hook waits for the next back-off")
    wait_until(lambda: crash.runs() == {"1", "2"}, "logs of runs long gone are removed")
    found = {event["reason"]: event["count"] for event in crash.events()}
    assert found["Error"] >= 2
    assert found["BackOff"] >= 2
    crash.podpy.ok("kube", "down", crash.words, crash.file)
    assert [line for line in crash.podpy.left() if "python" in line] == []


def test_what_cannot_be_started_again_is_tried_again(crash: Crash) -> None:
    crash.podpy.ok("kube", "play", crash.words, crash.file)
    crash.podpy.ok("delete", "-f", crash.words)
    (crash.go / "now").touch()
    wait_until(lambda: crash.waiting(), "the hook waits for another try")
    (failed,) = [event for event in crash.events() if "words" in event["message"]]
    (crash.go / "now").unlink()

    crash.podpy.ok("apply", "-f", crash.words)
    wait_until(lambda: crash.status()["ready"], "it is started again")

    assert failed["type"] == "Warning"
    assert crash.status()["restartCount"] == 1, "only what ran counts"
    crash.podpy.ok("kube", "down", crash.words, crash.file)


def test_nobody_goes_into_namespaces_that_do_not_prove_to_be_the_hosts(tmp_path: Path) -> None:
    """The numbers of namespaces are used again: that they fit is not enough."""
    name = home.named()
    child = os.fork()
    if not child:
        code = 1
        try:
            syscalls.unshare(syscalls.CLONE_NEWNS)
            before = os.stat("/proc/self/ns/mnt")
            try:
                home.go(name, str(tmp_path))
            except HostFault:
                code = 0 if os.path.samestat(os.stat("/proc/self/ns/mnt"), before) else 2
        finally:
            os._exit(code)
    deadline = time.monotonic() + 30
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert ended == (child, 0)


@pytest.mark.parametrize("name", ["", "mnt=1", "net=a ipc=b uts=c mnt=d"])
def test_a_hook_that_is_not_told_its_home_says_so(name: str) -> None:
    with pytest.raises(HostFault, match="does not name"):
        home.go(name, "/")
