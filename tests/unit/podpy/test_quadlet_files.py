from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.faults import Invalid
from tests.fixtures.rendered import lines, rendered

if TYPE_CHECKING:
    from pathlib import Path

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - name: srv
      image: nginx
      command: [sh, -c, "echo $HOME"]
      resources: {limits: {memory: 64Mi, cpu: 500m}}
      ports: [{containerPort: 80, hostPort: 8080}]
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {word: open-sesame}
---
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: srv
      image: nginx
      env: [{name: WORD, valueFrom: {secretKeyRef: {name: key, key: word}}}]
"""
LOSSY = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  subdomain: inner
  containers:
    - name: srv
      image: nginx
      lifecycle: {preStop: {httpGet: {port: 80}}}
"""


def test_a_pod_is_a_pod_file_and_a_file_for_each_container(tmp_path: Path) -> None:
    files, lost = rendered(tmp_path, POD)
    container = files["web-srv.container"].content.decode()
    pod = files["web.pod"].content.decode()

    assert sorted(files) == ["podpy.network", "web-srv.container", "web.pod"]
    assert lost == ()
    assert "Image=docker.io/library/nginx:latest\n" in container
    assert 'Entrypoint=["sh", "-c", "echo $$HOME"]\n' in container
    assert "Restart=always\n" in container
    assert "PublishPort=8080:80/tcp\n" in pod
    assert "WantedBy=multi-user.target\n" in pod
    assert f"from {tmp_path}/app.yaml:1, Pod/web\n" in pod


def test_what_the_release_has_no_key_for_goes_by_its_flag(tmp_path: Path) -> None:
    old, _ = rendered(tmp_path, POD, "5.4")
    new, _ = rendered(tmp_path, POD, "5.6")

    assert b"PodmanArgs=--memory=67108864\n" in old["web-srv.container"].content
    assert b"\nMemory=67108864\n" in new["web-srv.container"].content
    assert b"PodmanArgs=--exit-policy=continue\n" in old["web.pod"].content
    assert b"\nExitPolicy=continue\n" in new["web.pod"].content
    assert b"PodmanArgs=--cpu-period=100000 --cpu-quota=50000\n" in new["web-srv.container"].content


def test_a_secret_is_in_its_owners_file_and_in_no_unit(tmp_path: Path) -> None:
    files, lost = rendered(tmp_path, SECRET)
    holding = [file for file in files.values() if b"open-sesame" in file.content]

    assert lost == ()
    assert [(file.name, file.mode) for file in holding] == [("web-srv.secret.env", 0o600)]
    assert b"EnvironmentFile=./web-srv.secret.env\n" in files["web-srv.container"].content
    assert "open-sesame" not in repr(holding)


def test_a_secret_with_line_ends_is_a_loss_that_does_not_show_it(tmp_path: Path) -> None:
    files, lost = rendered(tmp_path, SECRET.replace("open-sesame", r'"open\nsesame"'))

    assert not any(b"sesame" in file.content for file in files.values())
    assert [problem.path for problem in lost] == [".spec.containers[0].env[0].valueFrom"]
    assert "sesame" not in lost[0].message


def test_what_cannot_be_expressed_is_told_with_its_place(tmp_path: Path) -> None:
    _, lost = rendered(tmp_path, LOSSY)

    assert [(problem.line, problem.path) for problem in lost] == [
        (5, ".spec.subdomain"),
        (9, ".spec.containers[0].lifecycle.preStop"),
    ]


def test_annotations_are_the_containers_and_podpys_what_they_mean(tmp_path: Path) -> None:
    noted = POD.replace(
        "labels: {app: web}",
        "annotations: {podpy.dev/log-driver: none, own: x y, podpy.dev/hosts-file: image}",
    )

    files, problems = rendered(tmp_path, noted)

    assert lines(files["web-srv.container"], "Annotation") == ['"own=x y"']
    assert lines(files["web-srv.container"], "LogDriver") == ["none"]
    assert [(problem.line, problem.path) for problem in problems] == [
        (3, '.metadata.annotations["podpy.dev/hosts-file"]')
    ]


def test_the_same_manifest_gives_the_same_bytes(tmp_path: Path) -> None:
    assert rendered(tmp_path, POD) == rendered(tmp_path, POD)


def test_the_users_instance_has_another_target(tmp_path: Path) -> None:
    files, _ = rendered(tmp_path, POD, user=True)

    assert b"WantedBy=default.target\n" in files["web.pod"].content


def test_two_objects_of_one_service_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"web-pod\.service"):
        rendered(tmp_path, POD.replace("name: srv", "name: pod"))
