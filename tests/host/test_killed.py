"""podpy killed at any effect: the next command converges, nothing is leaked, no data is lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures import killed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.command import Podpy

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


def running(podpy: Podpy) -> int:
    items: list[Any] = podpy.json("get", "pods", "-o", "json")["items"]
    return sum(item["status"]["phase"] == "Running" for item in items)


@pytest.mark.parametrize("kind", WORDS)
def test_the_next_command_converges_and_nothing_is_leaked(
    podpy: Podpy, dying: killed.Dying, image: str, tmp_path: Path, kind: str
) -> None:
    assert image == "localhost/podpy-test/busybox:1"
    up, down = (tuple(words.split()) for words in WORDS[kind])
    app = tmp_path / "app.yaml"
    baseline: list[killed.Baseline] = []

    def write(word: str, seconds: int) -> Callable[[], object]:
        return lambda: app.write_text(APP.format(word=word, seconds=seconds))

    def converged(about: str) -> None:
        podpy.ok(*up, str(app))
        assert running(podpy) == 3, about
        assert "nothing to change" in podpy.ok("diff", "-f", str(app)), about

    def removed(about: str) -> None:
        podpy.ok(*down, str(app))
        if not baseline:
            baseline.append(killed.Baseline(podpy))
        assert not baseline[0].left(), about
        assert not [line for line in killed.state(podpy) if line.startswith(OF_PODS)], about

    steps = [
        killed.Step((*up, str(app)), converged, write("old", 1000)),
        killed.Step((*up, str(app)), converged, write("new", 2000)),
        killed.Step((*down, str(app)), removed),
    ]
    killed.tell(dying, lambda: None, steps)

    data = Path(podpy.paths.claim("default", "data"))
    assert sorted(os.listdir(data)) == ["new", "old"]
    assert (data / "new").read_text() == "new\n"


def test_a_secret_that_was_not_recorded_is_taken_away_by_the_next_command(
    podpy: Podpy, dying: killed.Dying, tmp_path: Path
) -> None:
    file, other = tmp_path / "key.yaml", tmp_path / "other.yaml"
    file.write_text("{apiVersion: v1, kind: Secret, metadata: {name: key}, stringData: {a: b}}")
    other.write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}")

    def settle(about: str) -> None:
        podpy.ok("kube", "play", str(other))
        recorded = podpy.run("get", "secret", "key").status == 0
        kept = [line for line in killed.state(podpy) if podpy.paths.secrets in line]
        assert len(kept) == recorded, f"{about}: {kept}"
        podpy.ok("kube", "down", str(file))

    step = killed.Step(("kube", "play", str(file)), settle)
    killed.tell(dying, lambda: None, [step])
