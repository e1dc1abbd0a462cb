from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests import load
from manifests.config import ConfigMap, PersistentVolumeClaim, Secret
from manifests.faults import Invalid
from manifests.pod import Pod
from podpy import unit_files, unit_runs

if TYPE_CHECKING:
    from pathlib import Path

    from manifests.kinds import Object
    from manifests.problems import Problem
    from renderers.quadlet.unit import File

APP = """\
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {word: open-sesame}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data: {index.html: "50 % é"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: nobodys}
data: {a: b}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: srv
        image: nginx
        envFrom: [{configMapRef: {name: page}}]
        env: [{name: WORD, valueFrom: {secretKeyRef: {name: key, key: word}}}]
        volumeMounts: [{name: data, mountPath: /data}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
"""
WEB_1 = """\
---
apiVersion: v1
kind: Pod
metadata: {name: web-1}
spec: {containers: [{name: srv, image: nginx}]}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: fill
  annotations: {podpy.dev/wave: "1"}
spec:
  backoffLimit: 2
  completions: 3
  activeDeadlineSeconds: 60
  template:
    spec:
      restartPolicy: Never
      containers: [{name: fill, image: nginx}]
"""


def render(tmp_path: Path, text: str) -> tuple[dict[str, File], tuple[Problem, ...]]:
    path = tmp_path / "app.yaml"
    path.write_text(text)
    loaded = load.load([str(path)])
    assert not loaded.errors
    files, lost = unit_files.render(loaded, "/usr/bin/podpy")
    assert list(files) == sorted(files, key=lambda file: file.name)
    return {file.name: file for file in files}, lost


def read_back(tmp_path: Path, file: File) -> list[Object]:
    path = tmp_path / file.name
    path.write_bytes(file.content)
    loaded = load.load([str(path)])
    assert not loaded.errors
    return [located.object for located in loaded.objects]


def test_the_manifest_beside_the_units_has_all_that_the_pod_names(tmp_path: Path) -> None:
    files, lost = render(tmp_path, APP.replace("REPLICAS", "1"))
    page, claim, pod = read_back(tmp_path, files["podpy-default_web.yaml"])

    assert lost == ()
    assert isinstance(page, ConfigMap)
    assert page.data == {"index.html": "50 % é"}
    assert isinstance(claim, PersistentVolumeClaim)
    assert isinstance(pod, Pod)
    assert pod.metadata.labels == {"app": "web"}
    assert pod.metadata.annotations == {"podpy.dev/supervisor": "systemd"}
    place = f"# {unit_files.MARK} from {tmp_path}/app.yaml:21, Deployment/web"
    assert files["podpy-default_web.yaml"].content.decode().startswith(place)


def test_secrets_are_in_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    files, _ = render(tmp_path, APP.replace("REPLICAS", "1"))
    name = unit_runs.secret_file("podpy-default_web.yaml")
    (secret,) = read_back(tmp_path, files[name])

    assert isinstance(secret, Secret)
    assert files[name].mode == 0o600
    encoded = b"b3Blbi1zZXNhbWU"
    assert [one for one in files if encoded in files[one].content] == [name]
    assert not any(b"open-sesame" in file.content for file in files.values())


def test_replicas_are_numbered_and_have_no_name_together(tmp_path: Path) -> None:
    files, _ = render(tmp_path, APP.replace("REPLICAS", "2"))

    assert [name for name in files if name.endswith("_srv.service")] == [
        "podpy-default_web-0_srv.service",
        "podpy-default_web-1_srv.service",
    ]
    assert b"web-pod" not in files["podpy-default_web-0.service"].content


def test_same_manifests_same_bytes(tmp_path: Path) -> None:
    text = APP.replace("REPLICAS", "2")

    first, second = render(tmp_path, text)[0], render(tmp_path, text)[0]

    assert {name: file.content for name, file in first.items()} == {
        name: file.content for name, file in second.items()
    }


def test_a_job_is_run_to_its_end_and_what_is_not_heeded_is_told(tmp_path: Path) -> None:
    files, lost = render(tmp_path, JOB)

    service = files["podpy-default_fill_fill.service"].content.decode()
    assert "complete %Y/podpy-default_fill.yaml fill 2\n" in service
    assert "TimeoutStartSec=60\n" in service
    assert [problem.path for problem in lost] == [
        '.metadata.annotations["podpy.dev/wave"]',
        ".spec.completions",
    ]


def test_two_pods_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="two pods would be default/web-1"):
        render(tmp_path, APP.replace("REPLICAS", "2") + WEB_1)
