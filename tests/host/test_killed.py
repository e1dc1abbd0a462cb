"""podpy killed at any effect: the next command converges, nothing is leaked, no data is lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures import killed, traces

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

APP = """
apiVersion: v1
kind: Secret
metadata: {{name: key}}
stringData: {{word: {word}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: one}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: localhost/podpy-test/busybox:1
    command: [sh, -c, "echo {word} > /data/{word}; sleep 1000"]
    ports: [{{containerPort: 80, hostPort: 18541}}]
    volumeMounts: [{{name: data, mountPath: /data}}, {{name: key, mountPath: /key}}]
  volumes:
  - {{name: data, persistentVolumeClaim: {{claimName: data}}}}
  - {{name: key, secret: {{secretName: key}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: two}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: two}}}}
  template:
    metadata: {{labels: {{app: two}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {{name: c, image: "localhost/podpy-test/busybox:1", command: [sleep, "{seconds}"]}}
"""
OF_PODS = ("process", "addresses", "ports", "objects")
WORDS = {
    "kube": ("kube play", "kube down"),
    "kubectl": ("apply -f", "delete --ignore-not-found -f"),
}


@pytest.fixture
def play(podpy: Podpy, busybox_image: Image) -> Podpy:
    """Give the real command with the busybox image in its store."""
    podpy.load(busybox_image)
    return podpy


def running(podpy: Podpy) -> int:
    items: list[Any] = podpy.json("get", "pods", "-o", "json")["items"]
    return sum(item["status"]["phase"] == "Running" for item in items)


@pytest.mark.parametrize("kind", WORDS)
def test_the_next_command_converges_and_nothing_is_leaked(
    play: Podpy, tmp_path: Path, kind: str
) -> None:
    up, down = (words.split() for words in WORDS[kind])
    launcher = killed.write(str(tmp_path / "dying"))
    app = tmp_path / "app.yaml"
    first, second = APP.format(word="old", seconds=1000), APP.format(word="new", seconds=2000)
    steps = ((first, up), (second, up), (second, down))

    def do(text: str) -> str:
        app.write_text(text)
        return str(app)

    totals = [killed.count(play, launcher, *words, do(text)) for text, words in steps]
    clean = set(killed.state(play))
    clean = {line for line in clean if not line.startswith("link")}
    assert not [line for line in clean if line.startswith(OF_PODS)], clean

    for at in zip(*map(killed.points, totals), strict=True):
        for (text, words), number in zip(steps, at, strict=True):
            killed.run(play, launcher, number, *words, do(text))
            about = f"killed at {number} of {words}"
            play.ok(*words, str(app))
            if words is up:
                assert running(play) == 3, about
                assert "nothing to change" in play.ok("diff", "-f", str(app)), about
            else:
                left = traces.settled(lambda: set(killed.state(play)) - clean, 20.0)
                assert not left, about
    data = Path(play.paths.claim("default", "data"))
    assert sorted(os.listdir(data)) == ["new", "old"]
    assert (data / "new").read_text() == "new\n"


def test_a_secret_that_was_not_recorded_is_taken_away_by_the_next_command(
    podpy: Podpy, tmp_path: Path
) -> None:
    launcher = killed.write(str(tmp_path / "dying"))
    file, other = tmp_path / "key.yaml", tmp_path / "other.yaml"
    file.write_text("{apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {a: b}}")
    other.write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}")
    total = killed.count(podpy, launcher, "kube", "play", str(file))
    podpy.ok("kube", "down", str(file))

    for number in range(1, total + 1):
        killed.run(podpy, launcher, number, "kube", "play", str(file))
        podpy.ok("kube", "play", str(other))
        recorded = podpy.run("get", "secret", "key").status == 0
        kept = [line for line in killed.state(podpy) if podpy.paths.secrets in line]
        assert len(kept) == recorded, f"killed at {number}: {kept}"
        podpy.ok("kube", "down", str(file))
