"""Pods that are wanted and cannot be made: seen by every command, with the reason, until they are
made or not wanted any more."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: refused}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {{name: app, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]{more}}}
  {pod}
---
"""
REFUSED = {
    "secret": ("env: [{name: P, valueFrom: {secretKeyRef: {name: key, key: pass}}}]", ""),
    "image": ("image: localhost/podpy-test/none", ""),
    "never": ("image: localhost/podpy-test/none:2, imagePullPolicy: Never", ""),
    "program": ("command: [/none]", ""),
    "path": ("", "volumes: [{name: v, hostPath: {path: /etc/passwd, type: Directory}}]"),
    "claim": ("", "volumes: [{name: v, persistentVolumeClaim: {claimName: none}}]"),
    "port": ("ports: [{containerPort: 80, hostPort: 18532}]", ""),
}
WORDS = {
    "secret": "CreateContainerConfigError",
    "image": "ErrImagePull",
    "never": "ErrImageNeverPull",
    "program": "RunContainerError",
    "path": "ContainerCreating",
    "claim": "ContainerCreating",
    "port": "ContainerCreating",
    "taker": "Running",
}
TAKER = POD.format(name="taker", more=", ports: [{containerPort: 80, hostPort: 18532}]", pod="")
KEY = """
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {pass: hunter2}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      initContainers:
      - name: setup
        image: localhost/podpy-test/busybox:1
        command: ["true"]
        envFrom: [{secretRef: {name: key}}]
      containers:
      - {name: app, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
"""


@pytest.fixture
def loaded(podpy: Podpy, busybox_image: Image) -> Podpy:
    """Give the real command with the busybox image in its store."""
    podpy.load(busybox_image)
    return podpy


def refused(name: str) -> str:
    more, pod = REFUSED[name]
    text = POD.format(name=name, more=f", {more}" if more else "", pod=pod)
    # A key may stand once only: what is refused takes the place of what would do.
    for key, usual in (
        ("image: ", 'image: "localhost/podpy-test/busybox:1", '),
        ("command: ", 'command: [sleep, "1000"]'),
    ):
        if more.startswith(key):
            text = text.replace(usual, "", 1).replace(", ,", ",")
    return text


def words(podpy: Podpy) -> dict[str, str]:
    """Return the STATUS of every pod."""
    rows = [line.split() for line in podpy.ok("get", "pods", "--no-headers").splitlines()]
    return {row[0]: row[2] for row in rows}


def shown(podpy: Podpy, name: str) -> Any:
    return podpy.json("get", "pod", name, "-o", "json")


def test_what_cannot_be_made_is_shown_with_its_reason_and_can_be_deleted(
    loaded: Podpy, tmp_path: Path
) -> None:
    taker, file = tmp_path / "taker.yaml", tmp_path / "all.yaml"
    taker.write_text(TAKER)
    file.write_text("".join(map(refused, REFUSED)))
    loaded.ok("apply", "-f", str(taker))

    failed = loaded.run("apply", "-f", str(file))
    assert failed.status == 1
    assert words(loaded) == WORDS
    for name in REFUSED:
        pod = shown(loaded, name)
        status = pod["status"]
        (waiting,) = (one["state"]["waiting"] for one in status["containerStatuses"])
        conditions = {one["type"]: one["status"] for one in status["conditions"]}
        assert status["phase"] == "Pending"
        assert waiting["reason"] == WORDS[name]
        assert waiting["message"] in failed.stderr
        assert (conditions["PodScheduled"], conditions["Ready"]) == ("True", "False")
        assert pod["metadata"]["creationTimestamp"]
        assert waiting["message"] in loaded.ok("describe", "pod", name)
    assert "hunter2" not in loaded.ok("get", "pods", "-o", "yaml")
    path = "{.status.containerStatuses[0].state.waiting.reason}"
    assert loaded.ok("get", "pod", "never", "-o", f"jsonpath={path}") == WORDS["never"]

    policies = [shown(loaded, name)["spec"]["containers"][0] for name in ("image", "port")]
    assert [one["imagePullPolicy"] for one in policies] == ["Always", "IfNotPresent"]
    uid = shown(loaded, "image")["metadata"]["uid"]
    loaded.run("apply", "-f", str(file))
    assert shown(loaded, "image")["metadata"]["uid"] == uid
    assert loaded.ok("delete", "pod", "image") == "pod/image deleted\n"
    loaded.ok("delete", "pods", "-l", "app=refused")
    assert words(loaded) == {}
    assert os.listdir(loaded.paths.pending) == []


def test_commands_that_need_the_pod_say_why_it_is_not_there(loaded: Podpy, tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(refused("secret"))
    loaded.run("apply", "-f", str(file))
    why = 'CreateContainerConfigError: container "app": secret "key" not found'

    for command in (
        ("logs", "secret"),
        ("logs", "-l", "app=refused"),
        ("exec", "secret", "--", "true"),
        ("wait", "pod/secret", "--for=condition=Ready", "--timeout=0s"),
    ):
        done = loaded.run(*command)
        assert done.status == 1, command
        assert why in done.stderr, command
    assert loaded.run("top", "pods", "-A").status == 0


def test_it_goes_when_a_later_pass_makes_it(loaded: Podpy, tmp_path: Path) -> None:
    file, key = tmp_path / "web.yaml", tmp_path / "key.yaml"
    file.write_text(DEPLOYMENT)
    key.write_text(KEY)
    loaded.run("apply", "-f", str(file))

    missing = words(loaded)
    assert list(missing.values()) == ["Init:CreateContainerConfigError"] * 2
    deployment = loaded.json("get", "deploy", "web", "-o", "json")["status"]
    assert (deployment["replicas"], deployment["unavailableReplicas"]) == (2, 2)
    assert loaded.ok("get", "deploy", "--no-headers").split()[1:4] == ["0/2", "2", "0"]
    assert set(missing) <= set(loaded.ok("describe", "deploy", "web").split())

    loaded.ok("apply", "-f", str(key))
    loaded.ok("apply", "-f", str(file))
    assert words(loaded) == dict.fromkeys(missing, "Running")


def test_it_goes_with_its_object_and_a_failed_play_leaves_none(
    loaded: Podpy, tmp_path: Path
) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(DEPLOYMENT)
    loaded.run("apply", "-f", str(file))
    file.write_text(refused("path"))
    loaded.run("apply", "-f", str(file))
    assert len(words(loaded)) == 3

    loaded.run("apply", "--prune", "-f", str(file))
    assert words(loaded) == {"path": "ContainerCreating"}
    loaded.ok("delete", "-f", str(file))
    assert words(loaded) == {}

    assert loaded.run("kube", "play", str(file)).status != 0
    assert words(loaded) == {}
    assert os.listdir(loaded.paths.pending) == []
