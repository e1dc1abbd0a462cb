"""Nothing is lost: a changed file that cannot be played leaves what ran before, running."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

IMAGE = "localhost/podpy-test/busybox:1"
POD = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: page}}
data: {{text: "{text}"}}
---
apiVersion: v1
kind: Secret
metadata: {{name: key}}
stringData: {{word: "{text}"}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: {image}
    command: [{command}, "1000"]
    ports: [{{containerPort: 80, hostPort: {port}}}]
    env: [{{name: WORD, valueFrom: {{secretKeyRef: {{name: {secret}, key: word}}}}}}]
    volumeMounts: [{{name: page, mountPath: /page}}]
  volumes:
  - {{name: page, {volume}}}
"""
GOOD: dict[str, Any] = {
    "text": "old",
    "image": IMAGE,
    "command": "sleep",
    "port": 18511,
    "secret": "key",
    "volume": "configMap: {name: page}",
}
OTHER = """
apiVersion: v1
kind: Pod
metadata: {name: other}
spec:
  containers:
  - name: main
    image: localhost/podpy-test/busybox:1
    command: [sleep, "1000"]
    ports: [{containerPort: 80, hostPort: 18512}]
"""
REFUSED: dict[str, dict[str, Any]] = {
    "image": {"image": "localhost/podpy-test/none:1"},
    "secret": {"secret": "none"},
    "configMap": {"volume": "configMap: {name: none}"},
    "hostPath": {"volume": "hostPath: {path: /none/at/all, type: Directory}"},
    "claim": {"volume": "persistentVolumeClaim: {claimName: none}"},
    "port": {"port": 18512},
}


@pytest.fixture
def play(podpy: Podpy, busybox_image: Image) -> Podpy:
    """Give the real command with the busybox image in its store."""
    podpy.load(busybox_image)
    return podpy


def pods(podpy: Podpy) -> dict[str, Any]:
    listed = podpy.json("get", "pods", "-o", "json")
    return {item["metadata"]["name"]: item for item in listed["items"]}


def running(pod: Any) -> bool:
    return all("running" in one["state"] for one in pod["status"]["containerStatuses"])


@pytest.mark.parametrize("words", [("apply", "--allow-unsupported", "-f"), ("kube", "play")])
def test_a_pod_whose_successor_cannot_be_made_is_not_stopped(
    play: Podpy, tmp_path: Path, words: tuple[str, ...]
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(OTHER)
    play.ok("kube", "play", str(other))
    file = tmp_path / "web.yaml"
    file.write_text(POD.format(**GOOD))
    play.ok(*words, str(file))
    before = pods(play)["web"]

    for what, change in REFUSED.items():
        if (what, words[0]) == ("claim", "kube"):
            continue  # made, as Podman makes a volume that nobody declares
        file.write_text(POD.format(**{**GOOD, **change}))
        failed = play.run(*words, str(file))

        assert failed.status != 0, what
        assert "pod/web" in failed.stderr.lower(), what
        assert pods(play)["web"]["status"] == before["status"], what
        assert pods(play)["web"]["metadata"]["uid"] == before["metadata"]["uid"], what

    file.write_text(POD.format(**GOOD))
    play.ok(*words, str(file))
    assert "unchanged" in "".join(play.run(*words, str(file))[1:])
    assert pods(play)["web"] == before


def test_a_play_that_fails_at_its_start_brings_back_what_ran_and_was_wished(
    play: Podpy, tmp_path: Path
) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(POD.format(**GOOD))
    play.ok("kube", "play", str(file))
    file.write_text(POD.format(**{**GOOD, "command": "no-such-program", "text": "new"}))

    failed = play.run("kube", "play", str(file))

    assert failed.status == 125
    assert "what ran before runs again: Pod/web" in failed.stderr
    assert running(pods(play)["web"])
    assert play.ok("exec", "web", "--", "cat", "/page/text") == "old"
    assert play.ok("exec", "web", "--", "sh", "-c", "echo $WORD") == "old\n"
    file.write_text(POD.format(**GOOD))
    assert "unchanged" in play.run("kube", "play", str(file)).stderr
    play.ok("kube", "down", str(file))


def test_a_failed_play_puts_back_what_it_changed_in_place_and_keeps_what_it_would_remove(
    play: Podpy, instance: Paths, tmp_path: Path
) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(POD.format(**GOOD))
    play.ok("kube", "play", str(file))
    before = pods(play)
    bad = POD.format(**{**GOOD, "command": "no-such-program", "port": 18513, "secret": "key"})
    extra = "---" + bad.split("---")[-1].replace("name: web", "name: extra")
    file.write_text(POD.format(**{**GOOD, "text": "new"}) + extra)

    failed = play.run("kube", "play", str(file))

    assert failed.status == 125
    assert pods(play) == before
    assert play.ok("exec", "web", "--", "cat", "/page/text") == "old"
    assert len(os.listdir(instance.pods)) == 1
    play.ok("kube", "down", str(file))


DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: idle}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: idle}}}}
  template:
    metadata: {{labels: {{app: idle}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {{name: c, image: "{image}", command: [{command}, "1000"]}}
"""


@pytest.mark.parametrize(
    ("image", "command"), [(IMAGE, "no-such-program"), ("localhost/podpy-test/none:1", "sleep")]
)
@pytest.mark.parametrize("words", [("apply", "-f"), ("kube", "play")])
def test_a_deployment_keeps_its_pods_when_its_new_template_cannot_start(
    play: Podpy, tmp_path: Path, image: str, command: str, words: tuple[str, ...]
) -> None:
    file = tmp_path / "idle.yaml"
    file.write_text(DEPLOYMENT.format(image=IMAGE, command="sleep"))
    play.ok(*words, str(file))
    before = pods(play)
    file.write_text(DEPLOYMENT.format(image=image, command=command))

    failed = play.run(*words, str(file))

    shown = pods(play)
    after = {name: pod for name, pod in shown.items() if pod["status"]["phase"] != "Pending"}
    assert failed.status != 0
    assert set(after) == set(before)
    assert all(map(running, after.values()))
    assert (len(shown) > len(after)) is (words[0] == "apply")
    file.write_text(DEPLOYMENT.format(image=IMAGE, command="sleep"))
    play.ok(*words, str(file))
    assert pods(play) == after
    play.ok("delete", "-f", str(file))


def test_apply_leaves_a_pod_that_still_waits_and_kube_play_takes_it_back(
    podpy: Podpy, busybox_image: Image
) -> None:
    podpy.load(busybox_image)
    waiting = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"
        "  terminationGracePeriodSeconds: 0\n"
        "  initContainers:\n"
        f"  - name: gate\n    image: {IMAGE}\n"
        '    command: [sh, -c, "until [ -e /tmp/open ]; do sleep 0.1; done"]\n'
        f'  containers: [{{name: main, image: "{IMAGE}", command: [sleep, "1000"]}}]\n'
    )

    late = podpy.run("apply", "--timeout", "1", "-f", "-", stdin=waiting)
    assert late.status == 1
    assert "init container gate is still running" in late.stderr
    assert "Init:0/1" in podpy.ok("get", "pods")
    assert "unchanged" in podpy.ok("apply", "-f", "-", stdin=waiting)
    podpy.ok("exec", "web", "-c", "gate", "--", "touch", "/tmp/open")
    wait_until(lambda: "1/1" in podpy.ok("get", "pods"), "the pod to run")
    podpy.ok("delete", "pod", "web")

    assert podpy.run("kube", "play", "--timeout", "1", "-", stdin=waiting).status == 125
    assert podpy.ok("get", "pods", "-o", "name") == ""
