"""Probes: what is refused, what is filled in, and that all of Kubernetes' fields are honoured."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import codec, defaults, kinds
from manifests.checks import objects
from manifests.pod import Pod
from manifests.probes import HTTPGetAction, Probe, Scheme, TCPSocketAction

HTTP = {"httpGet": {"port": "web"}}
PORTS = [{"containerPort": 8080, "name": "web"}]


def pod(probes: dict[str, Any], *, group: str = "containers", **more: Any) -> Pod:
    """A pod of two containers, of which the one in `group` has these fields."""
    one = {"name": "a", "image": "i", "ports": PORTS, **probes, **more}
    spec: dict[str, Any] = {"containers": [{"name": "b", "image": "i"}], group: [one]}
    raw = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    value, flaws = codec.decode(Pod, raw)
    assert value is not None, flaws
    return value


def refused(thing: Pod) -> list[str]:
    flaws = objects.check(defaults.complete(thing))
    return [f"{flaw.path[-1]}: {flaw.message}" for flaw in flaws]


@pytest.mark.parametrize(
    "probe",
    [
        HTTP,
        {"exec": {"command": ["true"]}, "timeoutSeconds": 0},
        {"tcpSocket": {"port": 5, "host": "10.0.0.1"}},
        {"grpc": {"port": 9000, "service": "liveness"}, "failureThreshold": 30},
        {"httpGet": {"port": 1, "scheme": "HTTPS", "path": "x", "httpHeaders": [
            {"name": "X-Asked-By", "value": "podpy"}]}, "terminationGracePeriodSeconds": 1},
    ],
)  # fmt: skip
def test_what_kubernetes_takes_is_taken(probe: dict[str, Any]) -> None:
    assert refused(pod({"livenessProbe": probe})) == []
    assert (
        refused(pod({"startupProbe": probe}, group="initContainers", restartPolicy="Always")) == []
    )


@pytest.mark.parametrize(
    ("kind", "probe", "said"),
    [
        ("readiness", {}, "must say what to do: exec or httpGet or tcpSocket or grpc"),
        ("readiness", {**HTTP, "exec": {"command": ["true"]}}, "must be one thing to do only"),
        ("liveness", {"exec": {}}, "command: is required"),
        ("liveness", {"httpGet": {"port": "db"}}, '"db" is not a port of this container: web'),
        ("liveness", {"httpGet": {"port": 0}}, "port: must be from 1 to 65535"),
        ("liveness", {"grpc": {"port": 70000}}, "port: must be from 1 to 65535"),
        ("startup", {"httpGet": {"port": 1, "path": "/a b"}}, "must not hold white space"),
        ("startup", {"httpGet": {"port": 1, "httpHeaders": [{"name": "a:b", "value": ""}]}},
         '"a:b" is not the name of an HTTP header'),
        ("startup", {"httpGet": {"port": 1, "httpHeaders": [{"name": "a", "value": "b\nc: d"}]}},
         "value: must be one line"),
        ("startup", {**HTTP, "successThreshold": 2}, "must be 1 for a startup probe"),
        ("readiness", {**HTTP, "periodSeconds": -1}, "must not be negative; it is -1"),
        ("readiness", {**HTTP, "terminationGracePeriodSeconds": 5}, "may not be given for a readi"),
        ("liveness", {**HTTP, "terminationGracePeriodSeconds": 0}, "must be at least 1; it is 0"),
    ],
)  # fmt: skip
def test_what_kubernetes_refuses_is_refused(kind: str, probe: dict[str, Any], said: str) -> None:
    (flaw,) = refused(pod({f"{kind}Probe": probe}))

    assert said in flaw


def test_an_init_container_that_ends_has_no_probes() -> None:
    (flaw,) = refused(pod({"readinessProbe": HTTP}, group="initContainers"))

    assert flaw == "readinessProbe: may not be given for an init container that is no sidecar"


def test_zeros_stand_for_the_defaults() -> None:
    zeros = ("periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold")
    given = {"httpGet": {"port": 80, "path": ""}, **dict.fromkeys(zeros, 0)}
    filled = defaults.complete(pod({"readinessProbe": given}))

    assert isinstance(filled, Pod)
    assert filled.spec.containers[0].readiness_probe == Probe(http_get=HTTPGetAction(port=80))
    assert HTTPGetAction(port=80).scheme is Scheme.HTTP


def test_probes_are_written_back_as_they_were_read() -> None:
    given = pod({"startupProbe": {"tcpSocket": {"port": "web"}, "periodSeconds": 1}})

    assert given.spec.containers[0].startup_probe == Probe(
        tcp_socket=TCPSocketAction(port="web"), period_seconds=1
    )
    assert kinds.load(kinds.dump(given)) == given
