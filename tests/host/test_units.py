"""`podpy render systemd` by systemd-analyze and systemctl, and what needs no systemd to run."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import images

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

EXAMPLES = Path(__file__).parents[2] / "examples"
SOURCES = [
    *(path for path in sorted(EXAMPLES.glob("*.yaml")) if "kind: Sync" not in path.read_text()),
    EXAMPLES / "shop",
]
WEB = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: web-a}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: {images.BUSYBOX}
    command: [sleep, "100000"]
    volumeMounts: [{{name: data, mountPath: /data}}]
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
"""
ORDINARY = """\
apiVersion: v1
kind: Pod
metadata: {name: web-a}
spec: {containers: [{name: app, image: x}]}
"""


def silent(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.stem))
def test_systemd_accepts_every_unit_of_an_example(
    source: Path, podpy: Podpy, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    units = root / "etc/systemd/system"
    podpy.ok("render", "systemd", "-f", str(source), "-o", str(units))
    services = sorted(units.glob("*.service"))

    silent("systemd-analyze", "verify", "--man=no", *map(str, (*services, *units.glob("*.slice"))))
    names = [path.name for path in (*services, *units.glob("*.slice"))]
    silent("systemctl", "--quiet", f"--root={root}", "enable", *names)
    wanted = {path.name for path in (units / "multi-user.target.wants").iterdir()}
    assert wanted == {path.name for path in services if path.name.count("_") == 1}


def test_rootless_units_are_refused_with_the_reason(podpy: Podpy, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(WEB)
    words = ("render", "systemd", "--user", "-f", f"{tmp_path}/web.yaml", "-o", f"{tmp_path}/out")

    done = podpy.run(*words)

    assert done.status == 1
    assert "needs root" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture
def manifest(podpy: Podpy, tmp_path: Path, busybox_image: Image) -> str:
    """Give the file beside the units of the pod web-a."""
    podpy.load(busybox_image)
    (tmp_path / "web.yaml").write_text(WEB)
    podpy.ok("render", "systemd", "-f", f"{tmp_path}/web.yaml", "-o", f"{tmp_path}/out")
    return f"{tmp_path}/out/podpy-default_web-a.yaml"


def test_a_pod_of_systemds_is_made_shown_left_alone_and_removed_by_its_units_only(
    podpy: Podpy, tmp_path: Path, manifest: str
) -> None:
    podpy.ok("internal", "unit", "start", manifest)
    (shown,) = podpy.json("get", "pods", "-o", "json")["items"]
    podpy.ok("internal", "unit", "start", manifest)
    (again,) = podpy.json("get", "pods", "-o", "json")["items"]

    assert shown["status"]["phase"] == "Pending"
    assert again["metadata"]["uid"] == shown["metadata"]["uid"]
    (tmp_path / "ordinary.yaml").write_text(ORDINARY)
    for words in (
        ("apply", "-f", f"{tmp_path}/ordinary.yaml"),
        ("apply", "-f", manifest),
        ("delete", "pod", "web-a"),
        ("kube", "down", f"{tmp_path}/web.yaml"),
    ):
        done = podpy.run(*words)
        assert done.status, words
        assert "systemd" in done.stderr, words

    podpy.ok("internal", "unit", "remove", manifest)
    podpy.ok("internal", "unit", "remove", manifest)

    assert podpy.json("get", "pods", "-o", "json")["items"] == []
    assert [line for line in podpy.left() if "/pods/" in line or "cgroup" in line] == []
    assert Path(podpy.paths.claim("default", "data")).is_dir()


def test_units_do_not_take_a_pod_from_podpy(podpy: Podpy, tmp_path: Path, manifest: str) -> None:
    podpy.ok("apply", "-f", f"{tmp_path}/web.yaml")

    done = podpy.start("internal", "unit", "start", manifest)
    line = done.stderr.readline() if done.stderr else ""
    done.terminate()

    assert "podpy runs a pod of that name itself" in line
    assert done.wait(timeout=60) == 143
    (kept,) = podpy.json("get", "pods", "-o", "json")["items"]
    assert kept["status"]["phase"] == "Running"


def test_a_container_of_a_unit_runs_nowhere_but_in_one(podpy: Podpy, manifest: str) -> None:
    podpy.ok("internal", "unit", "start", manifest)

    done = podpy.run("internal", "unit", "run", manifest, "app")

    assert done.status == 1
    assert "systemctl start the unit" in done.stderr
