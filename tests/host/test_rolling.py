"""Rolling updates: new pods are ready before old ones go, and a bad revision costs nothing."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

ROLLED_BACK = 3
IMAGE = "localhost/podpy-test/busybox:1"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {replicas}
  progressDeadlineSeconds: {deadline}
  strategy: {strategy}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: {image}
        command: [sh, -c, "sleep {delay}; touch /ready; exec sleep 1000"]
        env: [{{name: WORD, value: "{word}"}}]
        ports: [{port}]
        readinessProbe: {{exec: {{command: [test, -e, {ready}]}}, periodSeconds: 1}}
"""
GOOD: dict[str, Any] = {
    "replicas": 3,
    "deadline": 600,
    "strategy": "{rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}",
    "image": IMAGE,
    "delay": 0,
    "word": "old",
    "port": "{containerPort: 80}",
    "ready": "/ready",
}


@pytest.fixture
def web(image: str, tmp_path: Path) -> Path:
    """Give the manifest's place; the image is in the store."""
    assert image == IMAGE
    return tmp_path / "web.yaml"


def write(path: Path, **changed: Any) -> str:
    path.write_text(WEB.format_map({**GOOD, **changed}))
    return str(path)


def word(pod: dict[str, Any]) -> str:
    return str(pod["spec"]["containers"][0]["env"][0]["value"])


def pods(podpy: Podpy) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = podpy.json("get", "pods", "-o", "json")["items"]
    return found


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = {one["type"]: one["status"] for one in pod["status"]["conditions"]}
    return conditions["Ready"] == "True" and "deletionTimestamp" not in pod["metadata"]


class Watcher:
    """Count the ready pods, again and again, beside what the test does."""

    def __init__(self, podpy: Podpy) -> None:
        self._podpy, self._stop = podpy, threading.Event()
        self.ready: list[int] = []
        self.there: list[int] = []
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            seen = pods(self._podpy)
            self.ready.append(sum(map(is_ready, seen)))
            self.there.append(len(seen))
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("strategy", "least", "most"),
    [
        ("{rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", 3, 4),
        ("{rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}", 2, 3),
    ],
)
def test_there_are_never_fewer_ready_pods_than_the_strategy_allows(
    podpy: Podpy, web: Path, strategy: str, least: int, most: int
) -> None:
    podpy.ok("apply", "-f", write(web, strategy=strategy))
    with Watcher(podpy) as watched:
        podpy.ok("apply", "-f", write(web, strategy=strategy, word="new", delay=1))

    assert [word(pod) for pod in pods(podpy)] == ["new"] * 3
    assert len(watched.ready) > 3
    assert min(watched.ready) >= least
    assert max(watched.there) <= most
    assert "unchanged" in podpy.ok("apply", "-f", str(web))
    assert "successfully rolled out" in podpy.ok("rollout", "status", "deploy/web")


def test_a_revision_that_is_never_ready_leaves_the_old_pods(podpy: Podpy, web: Path) -> None:
    podpy.ok("apply", "-f", write(web))
    old = {pod["metadata"]["uid"] for pod in pods(podpy)}

    failed = podpy.run("apply", "-f", write(web, word="new", ready="/never", deadline=3))

    assert failed.status == 1
    assert "has made no progress for 3 s (progressDeadlineSeconds)" in failed.stderr
    assert "readiness probe" in failed.stderr
    there = pods(podpy)
    assert old < {pod["metadata"]["uid"] for pod in there}
    assert sum(map(is_ready, there)) == 3
    (deployment,) = podpy.json("get", "deploy", "-o", "json")["items"]
    (progressing,) = [
        one for one in deployment["status"]["conditions"] if one["type"] == "Progressing"
    ]
    assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
    status = podpy.run("rollout", "status", "deploy/web")
    assert (status.status, "exceeded its progress deadline" in status.stderr) == (1, True)

    podpy.ok("apply", "-f", write(web))

    assert {pod["metadata"]["uid"] for pod in pods(podpy)} == old


def test_an_image_that_cannot_be_had_stops_nothing(podpy: Podpy, web: Path) -> None:
    podpy.ok("apply", "-f", write(web, strategy="{}", replicas=4))
    old = {pod["metadata"]["uid"] for pod in pods(podpy)}

    bad = write(web, strategy="{}", replicas=4, image="localhost/podpy-test/none:1")
    failed = podpy.run("apply", "-f", bad)

    assert failed.status == 1
    serving = {pod["metadata"]["uid"] for pod in pods(podpy) if is_ready(pod)}
    assert serving == old


def test_killed_in_mid_rollout_the_next_pass_ends_it(podpy: Podpy, web: Path) -> None:
    podpy.ok("apply", "-f", write(web))
    applying = podpy.start("apply", "-f", write(web, word="new", delay=1))
    wait_until(lambda: "new" in map(word, pods(podpy)), "a new pod")
    applying.send_signal(signal.SIGKILL)
    applying.wait()
    assert sum(map(is_ready, pods(podpy))) >= 3

    podpy.ok("apply", "-f", str(web))

    assert [word(pod) for pod in pods(podpy)] == ["new"] * 3
    assert "unchanged" in podpy.ok("apply", "-f", str(web))


def test_the_agent_ends_a_rollout_that_was_killed(podpy: Podpy, web: Path) -> None:
    podpy.ok("apply", "-f", write(web))
    applying = podpy.start("apply", "-f", write(web, word="new", delay=1))
    wait_until(lambda: "new" in map(word, pods(podpy)), "a new pod")
    applying.send_signal(signal.SIGKILL)
    applying.wait()
    agent = podpy.start("agent")
    try:
        wait_until(lambda: list(map(word, pods(podpy))) == ["new"] * 3, "the rollout's end")
    finally:
        agent.terminate()
        agent.communicate(timeout=30)

    assert "unchanged" in podpy.ok("apply", "-f", str(web))


def test_a_daemon_sets_pod_is_replaced(podpy: Podpy, web: Path) -> None:
    def daemon(word: str, surge: int, unavailable: int) -> str:
        text = WEB.format_map({**GOOD, "word": word}).replace("kind: Deployment", "kind: DaemonSet")
        rolling = f"{{rollingUpdate: {{maxSurge: {surge}, maxUnavailable: {unavailable}}}}}"
        lines = [
            f"  updateStrategy: {rolling}" if line.startswith("  strategy") else line
            for line in text.splitlines()
            if not line.startswith(("  replicas", "  progress"))
        ]
        web.write_text("\n".join(lines))
        return str(web)

    podpy.ok("apply", "-f", daemon("old", 0, 1))
    podpy.ok("apply", "-f", daemon("new", 0, 1))
    assert list(map(word, pods(podpy))) == ["new"]
    with Watcher(podpy) as watched:
        podpy.ok("apply", "-f", daemon("newer", 1, 0))
    assert list(map(word, pods(podpy))) == ["newer"]
    assert min(watched.ready) == 1


def test_with_a_port_of_the_host_the_old_pod_goes_first(podpy: Podpy, web: Path) -> None:
    port = "{containerPort: 80, hostPort: 18571}"
    podpy.ok("apply", "-f", write(web, replicas=1, port=port, strategy="{}"))

    changed = write(web, replicas=1, port=port, strategy="{}", word="new")
    told = podpy.run("diff", "-f", changed)
    assert "old pods go first: port 18571/TCP of this host can be had once" in told.stdout
    podpy.ok("apply", "-f", changed)

    assert [word(pod) for pod in pods(podpy)] == ["new"]


def test_a_paused_deployment_keeps_its_pods_until_it_goes_on(podpy: Podpy, web: Path) -> None:
    podpy.ok("apply", "-f", write(web))
    text = web.read_text().replace('"old"', '"new"')
    web.write_text(text.replace("replicas: 3", "replicas: 3\n  paused: true"))
    podpy.ok("apply", "-f", str(web))
    assert [word(pod) for pod in pods(podpy)] == ["old"] * 3

    web.write_text(text)
    podpy.ok("apply", "-f", str(web))

    assert [word(pod) for pod in pods(podpy)] == ["new"] * 3


def test_an_earlier_template_can_be_gone_back_to(podpy: Podpy, web: Path) -> None:
    podpy.ok("apply", "-f", write(web, replicas=1))
    podpy.ok("apply", "-f", write(web, replicas=1, word="new"))

    assert "deployment.apps/web rolled back" in podpy.ok("rollout", "undo", "deploy/web")
    assert [word(pod) for pod in pods(podpy)] == ["old"]
    history = podpy.ok("rollout", "history", "deploy/web").splitlines()
    assert [line.split()[0] for line in history[2:]] == ["2", "3"]
    podpy.ok("rollout", "undo", "deploy/web", "--to-revision", "2")
    assert [word(pod) for pod in pods(podpy)] == ["new"]
    unknown = podpy.run("rollout", "undo", "deploy/web", "--to-revision", "9")
    assert "revision 9 of Deployment/web is not known" in unknown.stderr


def test_a_deployment_can_be_paused_and_resumed(podpy: Podpy, web: Path) -> None:
    podpy.ok("apply", "-f", write(web, replicas=1))

    assert "deployment.apps/web paused" in podpy.ok("rollout", "pause", "deploy/web")
    assert "paused already" in podpy.run("rollout", "pause", "deploy/web").stderr
    assert "is paused" in podpy.run("rollout", "undo", "deploy/web").stderr
    assert "deployment.apps/web resumed" in podpy.ok("rollout", "resume", "deploy/web")


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet"])
def test_a_restart_is_a_rollout_and_the_next_pass_finds_nothing_to_do(
    podpy: Podpy, web: Path, kind: str
) -> None:
    text = WEB.format_map({**GOOD, "replicas": 2, "delay": 0.3})
    if kind == "DaemonSet":
        left_out = ("  replicas", "  progress", "  strategy")
        lines = [line for line in text.splitlines() if not line.startswith(left_out)]
        rolling = "  updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n  selector"
        text = "\n".join(lines).replace("  selector", rolling).replace("Deployment", kind)
    web.write_text(text)
    podpy.ok("apply", "-f", str(web))
    before = {pod["metadata"]["uid"] for pod in pods(podpy)}
    with Watcher(podpy) as watched:
        podpy.ok("rollout", "restart", kind, "web")
    after = {pod["metadata"]["uid"] for pod in pods(podpy)}
    foreseen = podpy.run("diff", "-f", str(web))
    again = podpy.ok("apply", "-f", str(web))
    podpy.ok("rollout", "restart", kind, "web")
    twice = {pod["metadata"]["uid"] for pod in pods(podpy)}

    assert len(before) == len(after) == len(twice) == (2 if kind == "Deployment" else 1)
    assert not before & after
    assert not after & twice
    assert min(watched.ready) >= len(before)
    assert foreseen.status == 0
    assert "unchanged" in again
    mark = "-o=jsonpath={.spec.template.metadata.annotations}"
    assert "kubectl.kubernetes.io/restartedAt" in podpy.ok("get", kind, "web", mark)


def test_a_restart_and_a_sync_leave_each_other_alone(
    podpy: Podpy, web: Path, tmp_path: Path
) -> None:
    forge = Forge(tmp_path / "forge")
    write(web, replicas=1)
    forge.commit({"web.yaml": web.read_text()})
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    podpy.ok("sync", "reconcile", "shop")
    podpy.ok("rollout", "restart", "deploy/web")
    restarted = {pod["metadata"]["uid"] for pod in pods(podpy)}
    quiet = podpy.ok("sync", "reconcile", "shop")
    kept = {pod["metadata"]["uid"] for pod in pods(podpy)}
    forge.commit({"web.yaml": web.read_text().replace('"old"', '"new"')})
    podpy.ok("sync", "reconcile", "shop")

    assert quiet.count("\n") == 1
    assert kept == restarted
    assert list(map(word, pods(podpy))) == ["new"]
    assert podpy.ok("sync", "reconcile", "shop").count("\n") == 1


def test_a_restart_can_be_undone_and_a_paused_deployment_is_not_restarted(
    podpy: Podpy, web: Path
) -> None:
    podpy.ok("apply", "-f", write(web, replicas=1))
    podpy.ok("rollout", "restart", "deploy/web")
    listed = podpy.ok("rollout", "history", "deploy/web")
    podpy.ok("rollout", "undo", "deploy/web")
    mark = podpy.ok("get", "deploy", "web", "-o=jsonpath={.spec.template.metadata.annotations}")
    again = podpy.ok("apply", "-f", str(web))
    podpy.ok("rollout", "pause", "deploy/web")
    refused = podpy.run("rollout", "restart", "deploy/web")

    assert [line.split()[0] for line in listed.splitlines()[2:]] == ["1", "2"]
    assert "restartedAt" not in mark
    assert "unchanged" in again
    assert "is paused" in refused.stderr


def test_a_sync_goes_back_from_a_revision_that_is_never_ready(
    podpy: Podpy, web: Path, tmp_path: Path
) -> None:
    forge = Forge(tmp_path / "forge")
    write(web)
    forge.commit({"web.yaml": web.read_text()})
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    podpy.ok("sync", "reconcile", "shop")
    old = {pod["metadata"]["uid"] for pod in pods(podpy)}
    write(web, word="new", ready="/never", deadline=3)
    forge.commit({"web.yaml": web.read_text()})

    with Watcher(podpy) as watched:
        passed = podpy.run("sync", "reconcile", "shop")

    assert passed.status == ROLLED_BACK
    assert "has made no progress for 3 s" in passed.stdout + passed.stderr
    assert {pod["metadata"]["uid"] for pod in pods(podpy)} == old
    assert min(watched.ready) == 3
