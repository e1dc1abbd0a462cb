"""manifests.checks.changes: what of an object stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from manifests.checks.changes import immutable_changes
from manifests.problems import path_text

Make = Callable[..., Any]
SPEC = {"containers": [{"name": "a", "image": "b"}], "restartPolicy": "Never"}


@pytest.mark.parametrize(
    ("kind", "before", "after", "paths"),
    [
        ("Deployment", {}, {".spec.replicas": 1}, []),
        ("Deployment", {}, {".spec.template.spec.containers[0].image": "b"}, []),
        ("Deployment", {}, {".spec.selector.matchLabels.app": "x"}, [".spec.selector"]),
        ("ReplicaSet", {}, {".spec.selector.matchLabels.app": "x"}, [".spec.selector"]),
        ("DaemonSet", {}, {".spec.selector.matchLabels.app": "x"}, [".spec.selector"]),
        ("Job", {}, {".spec.parallelism": 2, ".spec.backoffLimit": 1}, []),
        ("Job", {}, {".spec.template.spec": SPEC}, [".spec.template"]),
        ("Job", {}, {".spec.completions": 3}, [".spec.completions"]),
        ("Pod", {}, {".spec.containers[0].image": "b"}, []),
        ("ConfigMap", {}, {".data.a": "x"}, []),
        ("ConfigMap", {".immutable": True}, {".immutable": True}, []),
        ("ConfigMap", {".immutable": True}, {".immutable": True, ".data.a": "x"}, [".data"]),
        ("ConfigMap", {".immutable": True}, {}, [".immutable"]),
        ("ConfigMap", {}, {".immutable": True}, []),
        ("Secret", {".immutable": True}, {".immutable": True, ".data.a": "eA=="}, [".data"]),
        ("Secret", {}, {".type": "example.com/x"}, [".type"]),
        ("PersistentVolumeClaim", {}, {".metadata.labels": {"a": "b"}}, []),
        ("PersistentVolumeClaim", {}, {".spec.resources.requests.storage": "2Gi"}, []),
        (
            "PersistentVolumeClaim",
            {},
            {".spec.resources.requests.storage": "1023Mi"},
            [".spec.resources.requests.storage"],
        ),
        ("PersistentVolumeClaim", {}, {".spec.storageClassName": "x"}, [".spec.storageClassName"]),
        (
            "PersistentVolumeClaim",
            {},
            {".spec.accessModes": ["ReadWriteMany"]},
            [".spec.accessModes"],
        ),
    ],
)
def test_immutable_fields(
    make: Make, kind: str, before: dict[str, Any], after: dict[str, Any], paths: list[str]
) -> None:
    flaws = immutable_changes(make(kind, before), make(kind, after))

    assert [path_text(flaw.path) for flaw in flaws] == paths


def test_a_secret_without_its_content_is_judged_by_what_the_caller_knows(make: Make) -> None:
    kept = make("Secret", {".immutable": True, ".data": {}, ".stringData": {}})
    new = make("Secret", {".immutable": True})

    assert immutable_changes(kept, new, content_changed=False) == ()
    assert [flaw.path for flaw in immutable_changes(kept, new, content_changed=True)] == [("data",)]
