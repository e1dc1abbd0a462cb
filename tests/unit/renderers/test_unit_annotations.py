from __future__ import annotations

from typing import Any

import pytest

from manifests import codec
from manifests.faults import Invalid
from manifests.pod import Pod
from renderers import unit_annotations


def pod(annotations: dict[str, str], **spec: Any) -> Pod:
    app = {"name": "app", "image": "x", "ports": [{"containerPort": 80, "hostPort": 8080}]}
    found: Pod = codec.restore(
        Pod,
        {
            "metadata": {"name": "web", "namespace": "shop", "annotations": annotations},
            "spec": {"containers": [app, {"name": "log", "image": "x"}], **spec},
        },
    )
    return found


def test_podpy_does_not_take_the_connections_that_a_socket_waits_for() -> None:
    heeded = unit_annotations.heeded(pod({"podpy.dev/socket": "app", "team": "a"}))

    (port,) = heeded.spec.containers[0].ports
    assert (port.container_port, port.host_port) == (80, 0)
    assert [(one.name, one.value) for one in heeded.spec.containers[0].env] == [
        ("LISTEN_PID", "1"),
        ("LISTEN_FDS", "1"),
        ("LISTEN_FDNAMES", "app"),
    ]
    assert heeded.metadata.annotations == {"team": "a"}


def test_a_watched_container_can_reach_systemd() -> None:
    heeded = unit_annotations.heeded(pod({"podpy.dev/watchdog": "app=30s"}))
    app, log = heeded.spec.containers

    assert {one.name: one.value for one in app.env} == {
        "NOTIFY_SOCKET": "/run/systemd/notify",
        "WATCHDOG_USEC": "30000000",
    }
    assert [one.mount_path for one in app.volume_mounts] == ["/run/systemd/notify"]
    assert (log.env, log.volume_mounts) == ((), ())


def test_a_pod_that_asks_for_nothing_is_as_it_was() -> None:
    plain = pod({})

    assert unit_annotations.heeded(plain) == plain


@pytest.mark.parametrize(
    ("annotations", "spec", "why"),
    [
        ({"podpy.dev/socket": "web"}, {}, 'no container "web"'),
        ({"podpy.dev/socket": "log"}, {}, "container log has no hostPort"),
        ({"podpy.dev/socket": "app"}, {"hostPID": True}, "process 1"),
        ({"podpy.dev/watchdog": "web=3s"}, {}, 'no container "web"'),
        ({"podpy.dev/watchdog": "app"}, {}, "is no duration"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    annotations: dict[str, str], spec: dict[str, Any], why: str
) -> None:
    with pytest.raises(Invalid, match=why):
        unit_annotations.read(pod(annotations, **spec))
