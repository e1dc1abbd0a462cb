"""Pods as .kube units with the YAML beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from manifests import load
from tests.fixtures.rendered import configmap, lines, one, rendered, secret

if TYPE_CHECKING:
    from pathlib import Path

HELD = configmap("cm", level="debug") + configmap("other", x="y") + secret("key", word="hush")


def test_the_yaml_has_the_object_and_what_it_names(tmp_path: Path) -> None:
    taken = {"name": "W", "valueFrom": {"secretKeyRef": {"name": "key", "key": "word"}}}
    text = HELD + one(env=[taken], envFrom=[{"configMapRef": {"name": "cm"}}])
    files, lost = rendered(tmp_path, text, kube=True)
    unit, yaml = files["web.kube"], files["web.yaml"]
    (tmp_path / "again.yaml").write_bytes(yaml.content)
    again = load.load([str(tmp_path / "again.yaml")])

    assert lost == ()
    assert sorted(files) == ["podpy.network", "web.kube", "web.yaml"]
    assert (lines(unit, "Yaml"), lines(unit, "Network")) == (["web.yaml"], ["podpy.network"])
    assert lines(unit, "WantedBy") == ["multi-user.target"]
    assert (yaml.mode, again.errors) == (0o600, ())
    assert sorted(one.object.kind for one in again.objects) == ["ConfigMap", "Pod", "Secret"]


def test_yaml_without_secrets_is_for_all_to_read(tmp_path: Path) -> None:
    files, _ = rendered(tmp_path, one(), kube=True)

    assert files["web.yaml"].mode == 0o644


def test_an_empty_dir_is_the_pods_own(tmp_path: Path) -> None:
    volumes = [{"name": "data", "emptyDir": {}}]
    mounts = [{"name": "data", "mountPath": "/d"}]
    files, _ = rendered(tmp_path, one(volumes=volumes, volumeMounts=mounts), kube=True)
    text = files["web.yaml"].content.decode()

    assert text.count("name: web-data") == 2
    assert "name: data\n" not in text


def test_what_kube_play_passes_over_is_told(tmp_path: Path) -> None:
    _, lost = rendered(
        tmp_path,
        one(
            securityContext={"runAsNonRoot": True},
            readinessProbe={"exec": {"command": ["a", "b"]}},
            livenessProbe={"httpGet": {"port": 80}},
            env=[{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}],
        ),
        kube=True,
    )

    front = ".spec.containers[0]"
    assert [problem.path for problem in lost] == [
        f"{front}.env[1].value",
        f"{front}.livenessProbe.httpGet",
        f"{front}.readinessProbe",
        f"{front}.securityContext.runAsNonRoot",
    ]


def test_a_replica_set_is_a_deployment_there(tmp_path: Path) -> None:
    raw = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "a", "image": "localhost/a:1"}]},
            },
        },
    }
    files, lost = rendered(tmp_path, json.dumps(raw), kube=True)

    assert "kind: Deployment\n" in files["web.yaml"].content.decode()
    assert [problem.path for problem in lost] == [".spec.replicas"]
