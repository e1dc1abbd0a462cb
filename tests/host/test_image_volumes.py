"""volumes[].image by the real command: the files of an image, to be read and no more."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = [
    pytest.mark.host,
    pytest.mark.skipif(shutil.which("buildah") is None, reason="needs buildah"),
]

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: reader}}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {{fsGroup: 2000}}
  containers:
  - name: c
    image: "localhost/podpy-test/busybox:1"
    command: [sleep, "1000"]
    volumeMounts:
    - {{name: data, mountPath: /data}}
    - {{name: data, mountPath: /part, subPath: {part}}}
  volumes:
  - name: data
    image: {{reference: "localhost/data:1", pullPolicy: Never}}
"""


@pytest.fixture
def manifest(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> Path:
    """The file of a pod that reads an image of two layers, of which the upper hides a file."""
    podpy.load(busybox_image)
    context = tmp_path / "context"
    context.mkdir()
    (context / "Containerfile").write_text(
        'FROM localhost/podpy-test/busybox:1\nRUN ["sh", "-c", "mkdir /m && echo 1 >/m/a"]\n'
        'RUN ["sh", "-c", "rm /etc/group; echo 2 >/m/b"]\n'
    )
    podpy.ok("image", "build", "-t", "localhost/data:1", str(context))
    file = tmp_path / "reader.yaml"
    file.write_text(POD.format(part="m"))
    return file


def test_a_container_reads_what_is_in_an_image(podpy: Podpy, manifest: Path) -> None:
    podpy.ok("kube", "play", str(manifest))

    def sh(script: str) -> str:
        return podpy.ok("exec", "reader", "--", "sh", "-c", script)

    assert sh("cat /data/m/a /part/b; ls /data/etc | grep -c '^group$' || true") == "1\n2\n0\n"
    for place in ("/data/m", "/part"):
        assert "Read-only" in sh(f"touch {place}/x 2>&1 || true")
    assert "Permission denied" in sh("/data/bin/busybox true 2>&1 || true")
    assert "unchanged" in podpy.run("apply", "-f", str(manifest)).stdout
    podpy.ok("kube", "down", str(manifest))


def test_an_image_that_a_volume_shows_is_in_use(podpy: Podpy, manifest: Path) -> None:
    podpy.ok("kube", "play", str(manifest))

    refused = podpy.run("image", "rm", "localhost/data:1")
    podpy.ok("image", "prune", "-a")

    assert refused.status != 0
    assert "in use" in refused.stderr
    assert podpy.ok("exec", "reader", "--", "cat", "/data/m/a") == "1\n"
    podpy.ok("kube", "down", str(manifest))
    assert "data" in podpy.ok("image", "rm", "localhost/data:1")


def test_what_an_image_lacks_is_not_made(podpy: Podpy, manifest: Path) -> None:
    manifest.write_text(POD.format(part="nowhere"))

    done = podpy.run("kube", "play", str(manifest))

    assert done.status == 125
    assert "nowhere" in done.stderr
    assert podpy.json("get", "pods", "-o", "json")["items"] == []


def test_an_image_that_is_not_there_keeps_the_pod_from_being_made(
    podpy: Podpy, manifest: Path
) -> None:
    manifest.write_text(manifest.read_text().replace("localhost/data:1", "localhost/none:1"))

    done = podpy.run("kube", "play", str(manifest))

    assert done.status == 125
    assert "localhost/none:1" in done.stderr
