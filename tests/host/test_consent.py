"""The data of claims goes only with consent, and never from under a pod."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: writer}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: localhost/podpy-test/busybox:1
    command: [sh, -c, "echo precious >> /data/file; sleep 1000"]
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""


@pytest.fixture
def app(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> Path:
    """Give a folder with a pod that has written into its claim, as two files."""
    podpy.load(busybox_image)
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "claim.yaml").write_text(CLAIM)
    (folder / "pod.yaml").write_text(POD)
    return folder


def data(podpy: Podpy) -> Path:
    return Path(podpy.paths.claim("default", "data")) / "file"


def test_pruning_and_deleting_keep_the_data_until_it_is_asked_for(podpy: Podpy, app: Path) -> None:
    podpy.ok("apply", "-f", str(app))
    (app / "pod.yaml").unlink()
    (app / "claim.yaml").rename(app.parent / "claim.yaml")
    (app / "other.yaml").write_text(CLAIM.replace("name: data", "name: other"))

    pruned = podpy.ok("apply", "-f", str(app), "--prune")
    assert "persistentvolumeclaim/data deleted" in pruned
    assert "the claim's data is kept" in podpy.ok("events")
    assert data(podpy).read_text() == "precious\n"

    podpy.ok("apply", "-f", str(app.parent / "claim.yaml"))
    podpy.ok("delete", "-f", str(app.parent / "claim.yaml"))
    assert data(podpy).read_text() == "precious\n"

    podpy.ok("apply", "-f", str(app.parent / "claim.yaml"))
    podpy.ok("delete", "pvc", "data", "--volumes")
    assert not data(podpy).parent.exists()


def test_down_keeps_the_data_and_the_next_play_finds_it(podpy: Podpy, app: Path) -> None:
    podpy.ok("kube", "play", str(app))
    podpy.ok("kube", "down", str(app))
    podpy.ok("kube", "play", "--replace", str(app))
    podpy.ok("kube", "down", str(app))
    assert data(podpy).read_text() == "precious\nprecious\n"

    podpy.ok("kube", "play", str(app))
    podpy.ok("kube", "down", "--force", str(app))
    assert not data(podpy).parent.exists()


def test_a_failed_play_takes_no_claim_with_data_back(podpy: Podpy, app: Path) -> None:
    podpy.ok("kube", "play", str(app))
    podpy.ok("kube", "down", str(app))
    (app / "pod.yaml").write_text(POD.replace("[sh,", "[no-such-program,"))

    assert podpy.run("kube", "play", str(app)).status == 125

    assert data(podpy).read_text() == "precious\n"


def test_the_data_is_not_taken_from_under_a_pod(podpy: Podpy, app: Path) -> None:
    podpy.ok("apply", "-f", str(app))

    refused = podpy.run("delete", "pvc", "data", "--volumes")

    assert refused.status == 1
    assert "in use by Pod/writer" in refused.stderr
    assert podpy.ok("exec", "writer", "--", "cat", "/data/file") == "precious\n"
    podpy.ok("delete", "-f", str(app), "--volumes")
    assert not data(podpy).parent.exists()


def test_an_immutable_field_is_refused_and_changes_nothing(podpy: Podpy, app: Path) -> None:
    podpy.ok("apply", "-f", str(app))
    (app / "claim.yaml").write_text(CLAIM.replace("ReadWriteOnce", "ReadWriteMany"))

    for words in (("apply", "-f"), ("kube", "play")):
        refused = podpy.run(*words, str(app))
        assert refused.status != 0
        assert "accessModes" in refused.stderr or "spec" in refused.stderr

    assert podpy.ok("exec", "writer", "--", "cat", "/data/file") == "precious\n"
    podpy.ok("delete", "-f", str(app))
