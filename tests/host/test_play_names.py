"""The longest names that Kubernetes takes, and names that are podpy's own words."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

NAMESPACE, POD, CONTAINER = "n" * 63, "p" * 253, "c" * 63
LONG = f"""
apiVersion: v1
kind: Secret
metadata: {{name: {POD}, namespace: {NAMESPACE}}}
stringData: {{word: secret-}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {POD}, namespace: {NAMESPACE}}}
data: {{word: config-}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {POD}, namespace: {NAMESPACE}}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: {POD}, namespace: {NAMESPACE}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: {CONTAINER}
    image: localhost/podpy-test/busybox:1
    command: [sh, -c, "cat /secret/word /config/word /word; hostname; exec sleep 1000"]
    volumeMounts:
    - {{name: secret, mountPath: /secret}}
    - {{name: config, mountPath: /config}}
    - {{name: config, mountPath: /word, subPath: word}}
    - {{name: claim, mountPath: /claim}}
    - {{name: {CONTAINER}, mountPath: /empty}}
  volumes:
  - {{name: secret, secret: {{secretName: {POD}}}}}
  - {{name: config, configMap: {{name: {POD}}}}}
  - {{name: claim, persistentVolumeClaim: {{claimName: {POD}}}}}
  - {{name: {CONTAINER}, emptyDir: {{}}}}
"""
OWN_WORDS = """
apiVersion: v1
kind: Pod
metadata: {name: words}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: emptydir, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"],
     volumeMounts: [{name: upper, mountPath: /upper}, {name: emptydir, mountPath: /emptydir}]}
  - {name: upper, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
  - {name: work, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
  - {name: containers, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
  volumes:
  - {name: upper, emptyDir: {}}
  - {name: emptydir, emptyDir: {}}
"""


def test_the_longest_names_work_everywhere(
    podpy: Podpy, busybox_image: Image, instance: Paths, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file = tmp_path / "long.yaml"
    file.write_text(LONG)
    here = ("-n", NAMESPACE, POD, "-c", CONTAINER)

    podpy.ok("kube", "play", str(file))

    assert podpy.ok("logs", *here) == f"secret-config-config-{'p' * 63}\n"
    assert podpy.ok("exec", *here, "--", "hostname") == f"{'p' * 63}\n"
    assert "unchanged" in podpy.run("kube", "play", str(file)).stderr
    podpy.ok("kube", "down", "--force", str(file))
    assert os.listdir(instance.pods) == []
    assert os.listdir(instance.secrets) == []


def test_containers_and_volumes_may_have_the_names_of_folders(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file = tmp_path / "words.yaml"
    file.write_text(OWN_WORDS)
    podpy.ok("kube", "play", str(file))

    podpy.ok("exec", "words", "-c", "emptydir", "--", "touch", "/upper/a", "/root-file")

    listed = podpy.ok("exec", "words", "-c", "emptydir", "--", "ls", "/upper", "/emptydir")
    assert listed.split() == ["/emptydir:", "/upper:", "a"]
    for name in ("upper", "work", "containers"):
        assert "root-file" not in podpy.ok("exec", "words", "-c", name, "--", "ls", "/")
    podpy.ok("kube", "down", str(file))


def test_no_user_of_the_host_reaches_what_pods_write(
    podpy: Podpy, instance: Paths, tmp_path: Path
) -> None:
    file = tmp_path / "names.yaml"
    file.write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")
    podpy.ok("validate", str(file))
    first = stat.S_IMODE(os.stat(instance.state_dir).st_mode)
    os.chmod(instance.state_dir, 0o755)

    podpy.ok("apply", "-f", str(file))

    assert (first, stat.S_IMODE(os.stat(instance.state_dir).st_mode)) == (0o700, 0o700)
