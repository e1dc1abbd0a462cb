"""manifests.defaults: what the API server would have filled in."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import codec, defaults
from manifests.config import Namespace, Network, Secret
from manifests.container import PullPolicy
from manifests.meta import ObjectMeta
from manifests.pod import Pod
from manifests.volumes import EmptyDir
from manifests.workloads import Job


def pod(**spec: Any) -> Pod:
    container = {"name": "a", "image": "a", **spec.pop("container", {})}
    raw = {"metadata": {"name": "a"}, "spec": {"containers": [container], **spec}}
    return codec.restore(Pod, raw)


def completed(thing: Any, namespace: str = "default") -> Any:
    return defaults.complete(thing, namespace)


def test_an_object_without_namespace_gets_the_given_one() -> None:
    assert completed(pod(), "shop").metadata.namespace == "shop"


def test_a_namespace_that_is_written_stays() -> None:
    written = pod().replace(metadata=ObjectMeta(name="a", namespace="mine"))

    assert completed(written, "shop").metadata.namespace == "mine"


@pytest.mark.parametrize("kind", [Namespace, Network])
def test_kinds_outside_of_namespaces_get_none(kind: Any) -> None:
    assert completed(kind(metadata=ObjectMeta(name="a")), "shop").metadata.namespace == ""


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", PullPolicy.NEWER),
        ("nginx:latest", PullPolicy.NEWER),
        ("nginx:1.27", PullPolicy.IF_NOT_PRESENT),
        ("localhost:5000/nginx", PullPolicy.NEWER),
        ("localhost:5000/nginx:1", PullPolicy.IF_NOT_PRESENT),
        ("nginx@sha256:" + "0" * 64, PullPolicy.IF_NOT_PRESENT),
        ("nginx:latest@sha256:" + "0" * 64, PullPolicy.IF_NOT_PRESENT),
    ],
)
def test_pull_policy_follows_the_tag(image: str, policy: PullPolicy) -> None:
    container = completed(pod(container={"image": image})).spec.containers[0]

    assert container.image_pull_policy is policy


def test_a_pull_policy_that_is_written_stays() -> None:
    container = completed(pod(container={"imagePullPolicy": "Never"})).spec.containers[0]

    assert container.image_pull_policy is PullPolicy.NEVER


def test_requests_default_to_limits_one_by_one() -> None:
    resources = {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1"}}
    container = completed(pod(container={"resources": resources})).spec.containers[0]

    assert container.resources.requests == {"cpu": "1", "memory": "1Gi"}


def test_with_the_hosts_network_ports_are_the_hosts() -> None:
    ports = {"ports": [{"containerPort": 80}]}

    assert completed(pod(container=ports)).spec.containers[0].ports[0].host_port == 0
    shared = completed(pod(container=ports, hostNetwork=True))
    assert shared.spec.containers[0].ports[0].host_port == 80


def test_a_volume_without_source_is_an_empty_directory() -> None:
    assert completed(pod(volumes=[{"name": "a"}])).spec.volumes[0].empty_dir == EmptyDir()


def test_two_ways_of_writing_a_secret_give_one_object() -> None:
    meta = {"metadata": {"name": "a"}}
    plain = codec.restore(Secret, {**meta, "stringData": {"a": "b"}, "data": {"a": "eA=="}})
    encoded = codec.restore(Secret, {**meta, "data": {"a": "Yg=="}})

    assert completed(plain) == completed(encoded)


def test_what_is_complete_stays_as_it_is() -> None:
    once = completed(pod(container={"ports": [{"containerPort": 1}]}, volumes=[{"name": "a"}]))

    assert completed(once, "other") == once


@pytest.mark.parametrize(
    ("written", "completions"),
    [({}, 1), ({"parallelism": 3}, None), ({"parallelism": 3, "completions": 5}, 5)],
)
def test_completions_left_out_mean_a_queue_where_pods_run_beside_each_other(
    written: dict[str, Any], completions: int | None
) -> None:
    template = {"spec": {"containers": [{"name": "a", "image": "a"}], "restartPolicy": "Never"}}
    raw = {"metadata": {"name": "a"}, "spec": {"template": template, **written}}

    assert completed(codec.restore(Job, raw)).spec.completions == completions
