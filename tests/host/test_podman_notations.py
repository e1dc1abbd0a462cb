"""Podman's notations and annotations, by the real command: what a container sees of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

MANIFEST = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: owned
  annotations: {volume.podman.io/uid: "7", volume.podman.io/gid: "8"}
---
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    io.podman.annotations.pids-limit/c: "33"
    io.podman.annotations.ulimit: nofile=100:200
    io.podman.annotations.volumes-from/d: c:ro
    container.seccomp.security.alpha.kubernetes.io/c: unconfined
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: localhost/podpy-test/busybox:1
    command: [sleep, "1000"]
    volumeMounts:
    - {name: here, mountPath: "/here:ro,z"}
    - {name: named, mountPath: /named}
    - {name: owned, mountPath: /owned}
  - name: d
    image: localhost/podpy-test/busybox:1
    command: [sleep, "1000"]
  volumes:
  - {name: here, hostPath: {path: ./files}}
  - {name: named, hostPath: {path: data}}
  - {name: owned, persistentVolumeClaim: {claimName: owned}}
"""


def test_notations_mean_what_podman_means(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "hello").write_text("from the host")
    file = tmp_path / "web.yaml"
    file.write_text(MANIFEST)

    def inside(container: str, command: str) -> str:
        words = ("exec", "web", "-c", container, "--", "sh", "-c", command)
        return podpy.ok(*words).strip()

    played = podpy.run("kube", "play", str(file))

    assert played.status == 0, played.stderr
    assert played.stdout.startswith("Volumes:\ndata\nowned\nPod:\n")
    assert f'"./files" is relative to the manifest\'s directory: {tmp_path}/files' in played.stderr
    assert inside("c", "cat /here/hello") == "from the host"
    assert inside("c", "touch /here/x 2>&1 || true").endswith("Read-only file system")
    assert inside("c", "cat /proc/1/limits | grep 'open files'").split()[3:5] == ["100", "200"]
    assert inside("c", "grep Seccomp: /proc/1/status").split()[1] == "0"
    assert inside("d", "grep Seccomp: /proc/1/status").split()[1] == "2"
    assert inside("c", "stat -c %u:%g /owned") == "7:8"
    assert inside("c", "touch /named/x && ls /named") == "x"
    assert inside("d", "touch /named/y 2>&1 || true").endswith("Read-only file system")
    pids = "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null || true"
    assert inside("c", pids) == "33"
    down = podpy.ok("kube", "down", "--force", str(file))
    assert down.endswith("Volumes removed:\ndata\nowned\n")
