"""manifests.checks.sets: what objects do to each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from manifests.checks import sets
from manifests.problems import path_text
from manifests.ref import Ref

Make = Callable[..., Any]
POD = ".spec.containers[0]"


def bare(make: Make, changes: dict[str, Any] | None = None) -> Any:
    """A pod that needs nothing, with changes."""
    container = {"name": "app", "image": "a"}
    return make("Pod", {".spec": {"containers": [container]}, **(changes or {})})


def found(*objects: Any) -> list[str]:
    return [
        f"{clash.index} {path_text(clash.path)}: {clash.message}" for clash in sets.check(objects)
    ]


def test_objects_that_agree_have_no_clash(make: Make) -> None:
    objects = (
        make("ConfigMap", {".metadata.name": "settings"}),
        make("Secret", {".metadata.name": "keys"}),
        make("PersistentVolumeClaim", {".metadata.name": "disk"}),
        make("Pod"),
        make("Deployment"),
    )

    assert found(*objects) == []


def test_an_object_that_is_there_twice_is_told_with_both_places(make: Make) -> None:
    clashes = sets.check([make("ConfigMap"), make("Secret"), make("ConfigMap")])

    assert [(clash.index, clash.other, clash.lenient) for clash in clashes] == [(2, 0, False)]


def test_one_name_in_two_namespaces_is_no_duplicate(make: Make) -> None:
    assert found(make("ConfigMap"), make("ConfigMap", {".metadata.namespace": "shop"})) == []


def test_what_is_not_there_is_missing_wherever_a_pod_names_it(make: Make) -> None:
    clashes = sets.check([make("Pod")])

    assert [(path_text(clash.path), str(clash.missing)) for clash in clashes] == [
        (".spec.volumes[2].configMap.name", "ConfigMap/settings"),
        (".spec.volumes[2].configMap.items[0].key", "ConfigMap/settings"),
        (".spec.volumes[3].secret.secretName", "Secret/keys"),
        (".spec.volumes[4].persistentVolumeClaim.claimName", "PersistentVolumeClaim/disk"),
        (".spec.containers[0].envFrom[0].configMapRef.name", "ConfigMap/settings"),
    ]
    assert all(clash.lenient for clash in clashes)


def test_references_stay_in_the_namespace(make: Make) -> None:
    pod = bare(make, {".spec.volumes": [{"name": "a", "configMap": {"name": "web"}}]})
    clashes = sets.check([pod, make("ConfigMap", {".metadata.namespace": "shop"})])

    assert [clash.missing for clash in clashes] == [
        Ref(kind="ConfigMap", name="web", namespace="default")
    ]


def test_a_missing_claim_is_called_a_claim(make: Make) -> None:
    volume = {"name": "a", "persistentVolumeClaim": {"claimName": "data"}}

    assert found(bare(make, {".spec.volumes": [volume]})) == [
        '0 .spec.volumes[0].persistentVolumeClaim.claimName: claim "data" is not declared'
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {".spec.volumes": [{"name": "a", "configMap": {"name": "x", "optional": True}}]},
        {".spec.volumes": [{"name": "a", "secret": {"secretName": "x", "optional": True}}]},
        {f"{POD}.envFrom": [{"secretRef": {"name": "x", "optional": True}}]},
        {
            f"{POD}.env": [
                {
                    "name": "A",
                    "valueFrom": {"secretKeyRef": {"name": "x", "key": "y", "optional": True}},
                }
            ]
        },
    ],
)
def test_what_is_optional_may_be_missing(make: Make, changes: dict[str, Any]) -> None:
    assert found(bare(make, changes)) == []


def test_a_key_that_is_not_in_the_config_map_is_missing(make: Make) -> None:
    source = {"configMapKeyRef": {"name": "web", "key": "colour"}}
    pod = bare(make, {f"{POD}.env": [{"name": "A", "valueFrom": source}]})

    assert found(pod, make("ConfigMap")) == [
        "0 .spec.containers[0].env[0].valueFrom.configMapKeyRef: "
        'ConfigMap "web" has no key "colour"'
    ]


def test_keys_of_binary_data_and_string_data_count(make: Make) -> None:
    variables = [
        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "web", "key": "c"}}},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "web", "key": "c"}}},
    ]

    assert found(bare(make, {f"{POD}.env": variables}), make("ConfigMap"), make("Secret")) == []


def test_a_network_that_is_not_declared_is_missing(make: Make) -> None:
    annotation = {".metadata.annotations": {"podpy.dev/network": "inner"}}

    assert found(bare(make, annotation)) == [
        '0 .metadata.annotations["podpy.dev/network"]: Network "inner" is not declared'
    ]
    assert found(bare(make, annotation), make("Network", {".metadata.name": "inner"})) == []


@pytest.mark.parametrize("name", ["default", "none"])
def test_networks_that_are_always_there_need_no_declaration(make: Make, name: str) -> None:
    assert found(bare(make, {".metadata.annotations": {"podpy.dev/network": name}})) == []


def port(number: int = 80, **more: Any) -> dict[str, Any]:
    return {f"{POD}.ports": [{"containerPort": 80, "hostPort": number, **more}]}


def test_two_pods_cannot_have_one_port_of_the_host(make: Make) -> None:
    other = bare(make, {".metadata.name": "other", **port(hostIP="127.0.0.1")})

    assert found(bare(make, port()), other) == [
        "1 .spec.containers[0].ports[0].hostPort: "
        "port 127.0.0.1:80/TCP of the host is claimed by two pods"
    ]


def test_ports_that_differ_do_not_clash(make: Make) -> None:
    others = [port(81), port(protocol="UDP")]
    pods = [bare(make, {".metadata.name": f"p{n}", **one}) for n, one in enumerate(others)]

    assert found(bare(make, port()), *pods) == []


def test_a_deployment_of_no_pods_claims_no_port(make: Make) -> None:
    spec = {"containers": [{"name": "a", "image": "a", "ports": [port()[f"{POD}.ports"][0]]}]}
    deployment = make("Deployment", {".spec.template.spec": spec, ".spec.replicas": 0})

    assert found(bare(make, port()), deployment) == []
