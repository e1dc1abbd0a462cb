"""Objects for the checks: valid ones, to be made wrong in one place."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from manifests import codec, defaults, kinds
from manifests.checks import objects
from manifests.problems import path_text
from tests.fixtures import field_paths

_POD_SPEC = {
    "containers": [
        {
            "name": "app",
            "image": "registry.example/app:1",
            "env": [{"name": "A", "value": "b"}, {"name": "A", "value": "c"}],
            "envFrom": [{"prefix": "P_", "configMapRef": {"name": "settings"}}],
            "ports": [{"containerPort": 80, "name": "http"}],
            "resources": {"limits": {"cpu": "1", "memory": "64Mi"}, "requests": {"cpu": "100m"}},
            "volumeMounts": [{"name": "data", "mountPath": "/data", "subPath": "a/b"}],
            "securityContext": {"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}},
        },
        {"name": "side", "image": "side"},
    ],
    "initContainers": [{"name": "init", "image": "init", "restartPolicy": "Always"}],
    "volumes": [
        {"name": "data"},
        {"name": "host", "hostPath": {"path": "/srv", "type": "Directory"}},
        {
            "name": "conf",
            "configMap": {"name": "settings", "items": [{"key": "a", "path": "x/a", "mode": 256}]},
        },
        {"name": "keys", "secret": {"secretName": "keys", "defaultMode": 0o400}},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "disk"}},
    ],
}
_TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": _POD_SPEC}
_SELECTOR = {"matchLabels": {"app": "web"}}

VALID: dict[str, dict[str, Any]] = {
    "Pod": {"spec": _POD_SPEC},
    "Deployment": {"spec": {"replicas": 3, "selector": _SELECTOR, "template": _TEMPLATE}},
    "ReplicaSet": {"spec": {"selector": _SELECTOR, "template": _TEMPLATE}},
    "DaemonSet": {"spec": {"selector": _SELECTOR, "template": _TEMPLATE}},
    "Job": {"spec": {"template": {"spec": {**_POD_SPEC, "restartPolicy": "Never"}}}},
    "ConfigMap": {"data": {"a": "b"}, "binaryData": {"c": "ZA=="}},
    "Secret": {"data": {"a": "Yg=="}, "stringData": {"c": "d"}},
    "Namespace": {},
    "PersistentVolumeClaim": {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        }
    },
    "Sync": {
        "spec": {
            "source": {
                "git": {
                    "url": "https://git.example/shop.git",
                    "ref": {"branch": "main"},
                    "credentials": {"tokenFile": "/etc/podpy/token", "username": "bot"},
                }
            },
            "path": "deploy/prod",
            "include": ["*.yaml"],
            "dependsOn": [{"name": "base"}],
            "suspendUntil": "2026-01-31T08:00:00Z",
        }
    },
    "Network": {"spec": {"subnet": "10.90.0.0/24", "gateway": "10.90.0.1", "mtu": 1400}},
}


def document(kind: str, changes: dict[str, Any]) -> dict[str, Any]:
    """A valid object of `kind` with the fields at the given paths set; None removes a field."""
    info = kinds.BY_KIND[kind]
    raw = copy.deepcopy(
        {"apiVersion": info.api_version, "kind": kind, "metadata": {"name": "web"}, **VALID[kind]}
    )
    for text, value in changes.items():
        *way, last = field_paths.parse(text)
        at: Any = raw
        for step in way:
            at = at[step] if isinstance(step, int) else at.setdefault(step, {})
        if isinstance(at, list) and last == len(at):
            at.append(value)
        elif value is None:
            del at[last]
        else:
            at[last] = value
    return raw


def typed(kind: str, **changes: Any) -> Any:
    thing: Any
    thing, flaws = codec.decode(
        kinds.BY_KIND[kind].type, document(kind, changes.pop("changes", changes))
    )
    assert not flaws
    return defaults.complete(thing)


def flaws_of(kind: str, changes: dict[str, Any]) -> list[str]:
    found = objects.check(typed(kind, changes=changes))
    return [f"{path_text(flaw.path)}: {flaw.message}" for flaw in found]


@pytest.fixture
def make() -> Callable[..., Any]:
    """`make("Pod", {".spec.hostname": "x"})` gives the typed object, with its defaults."""
    return lambda kind, changes=None: typed(kind, changes=changes or {})


@pytest.fixture
def check() -> Callable[[str, dict[str, Any]], list[str]]:
    """`check("Pod", {".spec.hostname": "X"})` gives the flaws as text."""
    return flaws_of
