"""`podpy render systemd` by systemd-analyze and systemctl, and what needs no systemd to run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import images
from tests.fixtures.command import wait_until
from tests.fixtures.tree import TREE

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

EXAMPLES = Path(__file__).parents[2] / "examples"
SOURCES = [
    *(
        path
        for path in sorted(EXAMPLES.glob("*.yaml"))
        if not any(f"kind: {kind}\n" in path.read_text() for kind in ("Sync", "CronJob"))
    ),
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
ACTIVATED = """\
apiVersion: v1
kind: Pod
metadata:
  name: lazy
  annotations: {podpy.dev/socket: app, podpy.dev/watchdog: app=30s}
spec: {containers: [{name: app, image: x, ports: [{containerPort: 80, hostPort: 8080}]}]}
"""
LISTENING = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: lazy, annotations: {{podpy.dev/socket: app}}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: {images.BUSYBOX}
    command:
    - sh
    - "-c"
    - "readlink /proc/self/fd/3; echo $LISTEN_PID $LISTEN_FDS $LISTEN_FDNAMES; exec sleep 100000"
    ports: [{{containerPort: 80, hostPort: 8080}}]
"""
# What the services do, in a cgroup that needs no systemd, with a socket as systemd passes one.
ACTIVATION = """
import os, socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind("\\0" + sys.argv[1])
listening.listen()
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
print(f"socket:[{os.fstat(3).st_ino}]", flush=True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "app"}
from podpy import unit_runs
from podpy.context import Context
from reconciler import units
from runtime.observe import records
context, objects = Context(), unit_runs._objects(sys.argv[1])
units.start(context.host, objects, ())
(pod,) = records.read_pods(context.paths)
units.run(context.host, objects, "app", f"/{context.paths.instance}/{pod.uid}/app")
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


def test_systemd_accepts_sockets_and_watchdogs_which_apply_refuses(
    podpy: Podpy, tmp_path: Path
) -> None:
    (tmp_path / "app.yaml").write_text(ACTIVATED)
    podpy.ok("render", "systemd", "-f", f"{tmp_path}/app.yaml", "-o", f"{tmp_path}/out")
    units = [path for path in (tmp_path / "out").iterdir() if path.suffix != ".yaml"]
    shown = sorted(str(path) for path in units if not path.name.startswith("."))

    silent("systemd-analyze", "verify", "--man=no", *shown)
    assert sum(path.endswith(".socket") for path in shown) == 1
    refused = podpy.run("apply", "-f", f"{tmp_path}/app.yaml")
    assert refused.status == 1
    assert refused.stderr.count("is heeded by podpy render systemd alone") == 2


def test_rootless_units_are_refused_with_the_reason(podpy: Podpy, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(WEB)
    words = ("render", "systemd", "--user", "-f", f"{tmp_path}/web.yaml", "-o", f"{tmp_path}/out")

    done = podpy.run(*words)

    assert done.status == 1
    assert "in one unit" in done.stderr
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
    told = " ".join(podpy.ok("describe", "pod", "web-a").split())
    assert "Supervised By: podpy-default_web-a.service" in told
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


def test_the_sockets_of_a_unit_are_those_of_the_containers_first_process(
    podpy: Podpy, tmp_path: Path, busybox_image: Image
) -> None:
    podpy.load(busybox_image)
    (tmp_path / "lazy.yaml").write_text(LISTENING)
    podpy.ok("render", "systemd", "-f", f"{tmp_path}/lazy.yaml", "-o", f"{tmp_path}/out")
    manifest = f"{tmp_path}/out/podpy-default_lazy.yaml"

    done = subprocess.run(
        [sys.executable, "-c", ACTIVATION, manifest],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=TREE,
        env={**os.environ, **podpy.env},
    )

    assert done.returncode == 0, done.stderr
    wait_until(lambda: podpy.ok("logs", "lazy").count("\n") == 2, "the container's two lines")
    assert podpy.ok("logs", "lazy").splitlines() == [done.stdout.strip(), "1 1 app"]
    podpy.ok("internal", "unit", "stop", manifest, "app")
    (ended,) = podpy.json("get", "pods", "-o", "json")["items"]
    assert "terminated" in ended["status"]["containerStatuses"][0]["state"]
    podpy.ok("internal", "unit", "remove", manifest)
