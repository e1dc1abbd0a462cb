"""`podpy generate`: what is on a host, written down, makes it again."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

APP = """
apiVersion: v1
kind: Secret
metadata: {name: word}
stringData: {word: swordfish}
---
apiVersion: podpy.dev/v1
kind: Network
metadata: {name: backroom}
spec: {subnet: 10.219.78.0/24}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {podpy.dev/network: backroom}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: c
        image: localhost/podpy-test/busybox:1
        command: [sleep, "1000"]
        env: [{name: WORD, valueFrom: {secretKeyRef: {name: word, key: word}}}]
        volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: alone}
data: {key: "yes"}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: side}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}]
"""


def test_what_is_generated_makes_the_same_again(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file, made = tmp_path / "app.yaml", tmp_path / "made"
    file.write_text(APP)
    podpy.ok("apply", "-f", str(file))
    podpy.ok("generate", "kube", "-A", "-o", str(made))
    written = {one.name: stat.S_IMODE(one.stat().st_mode) for one in made.glob("*.yaml")}
    apart = [
        podpy.run("generate", "kube", "-n", namespace, "-o", str(tmp_path / "apart")).stderr
        for namespace in ("default", "side")
    ]
    same = podpy.ok("apply", "-f", str(made), "--dry-run")
    podpy.ok("delete", "-f", str(file))
    podpy.ok("apply", "-f", str(made))
    word = podpy.ok("exec", "deploy/web", "--", "sh", "-c", "echo $WORD")
    there = podpy.ok("get", "pods", "-A", "-o", "name").splitlines()
    podpy.ok("delete", "-f", str(made), "--volumes")

    assert written == {
        "alone.configmap.yaml": 0o644,
        "backroom.network.yaml": 0o644,
        "data.persistentvolumeclaim.yaml": 0o644,
        "side-other.pod.yaml": 0o644,
        "web.deployment.yaml": 0o644,
        "word.secret.yaml": 0o600,
    }
    assert apart == ["", ""]
    assert {one.name for one in (tmp_path / "apart").glob("*.yaml")} == set(written)
    assert "nothing to change" in same
    assert word == "swordfish\n"
    assert len(there) == 3


def test_what_is_named_comes_with_what_it_needs_and_nothing_else(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file, units = tmp_path / "app.yaml", tmp_path / "units"
    file.write_text(APP)
    podpy.ok("apply", "-f", str(file))
    (pod, _) = podpy.ok("get", "pods", "-o", "name").splitlines()
    whole = podpy.ok("generate", "kube", "deploy/web")
    alone = podpy.ok("generate", "kube", pod)
    podpy.ok("generate", "quadlet", "pod/other", "-n", "side", "-o", str(units))
    missing = podpy.run("generate", "kube", "pod/none")
    podpy.ok("delete", "-f", str(file), "--volumes")

    kinds = [line for line in whole.splitlines() if line.startswith("kind: ")]
    assert kinds == [
        f"kind: {kind}" for kind in ("Network", "Secret", "PersistentVolumeClaim", "Deployment")
    ]
    assert "ownerReferences" not in alone
    assert "uid" not in alone
    assert "template-hash" not in alone
    assert {one.suffix for one in units.iterdir()} >= {".pod", ".container"}
    assert (missing.status, missing.stderr) == (
        1,
        "Error: Pod/none: not found (hint: podpy get pods)\n",
    )
