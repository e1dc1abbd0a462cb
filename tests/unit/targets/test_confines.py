"""reconciler.targets.host.confines: what a pod asks for that takes root."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import kinds
from manifests.pod import Pod
from reconciler.targets.host import confines

PLAIN = {"hostPort": 1024}


def lacking(spec: dict[str, Any], port: dict[str, Any]) -> list[str]:
    container = {"name": "app", "image": "x", "ports": [{"containerPort": 80, **port}]}
    written = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {**spec, "containers": [container]},
    }
    pod = kinds.load(written)
    assert isinstance(pod, Pod)
    return [what for what, _ in confines.lacking(pod, 1024)]


@pytest.mark.parametrize(
    ("spec", "port", "told"),
    [
        ({}, PLAIN, ""),
        ({}, {"hostPort": 1023}, "host port 1023/TCP: users may listen"),
        ({}, {"hostPort": 8080, "protocol": "SCTP"}, "TCP or UDP"),
        ({"hostPID": True}, PLAIN, "hostPID"),
        ({"hostIPC": True}, PLAIN, "hostIPC"),
    ],
)
def test_what_takes_root_is_named(spec: dict[str, Any], port: dict[str, Any], told: str) -> None:
    found = lacking(spec, port)

    assert len(found) == (1 if told else 0)
    assert not told or told in found[0]
