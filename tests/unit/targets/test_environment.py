"""reconciler.targets.host.environment: the kubelet's order, expansion and references."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from manifests import codec
from manifests.codec import SecretBytes
from manifests.config import ConfigMap, Secret
from manifests.container import Container
from manifests.meta import ObjectMeta
from manifests.observed import PodRecord
from manifests.pod import Pod
from reconciler.targets.host import blocked, environment
from reconciler.targets.host.environment import HostFacts, Sources, Subject

FACTS = HostFacts(
    node="here", addresses=("192.0.2.7", "2001:db8::7"), cpus=4, memory=8 << 30, storage=100 << 30
)
HUSH = "hush-hush"


def subject(container: dict[str, Any], *, host_network: bool = False) -> Subject:
    raw = {"name": "app", **container}
    pod = codec.restore(
        Pod,
        {
            "metadata": {
                "name": "web",
                "namespace": "shop",
                "labels": {"app.kubernetes.io/name": "web"},
                "annotations": {"note": "n"},
            },
            "spec": {
                "hostNetwork": host_network,
                "containers": [
                    raw,
                    {"name": "side", "resources": {"limits": {"memory": "64Mi"}}},
                ],
            },
        },
    )
    record = PodRecord(uid="u-1", pod=pod, spec_hash="x", address="10.1.0.9")
    configmap = ConfigMap(
        metadata=ObjectMeta(name="cm", namespace="shop"),
        data={"a": "from-cm", "my-key.txt": "dotted"},
        binary_data={"bin": b"\xff"},
    )
    secret = Secret(
        metadata=ObjectMeta(name="sec", namespace="shop"),
        data={"a": SecretBytes(HUSH.encode()), "raw": SecretBytes(b"\xffhush")},
    )
    found = Sources(configmaps={"cm": configmap}, secrets={"sec": secret})
    return Subject(
        record=record, container=codec.restore(Container, raw), sources=found, facts=FACTS
    )


def variables(**container: Any) -> dict[str, str]:
    return dict(environment.declared(subject(container)).variables)


def from_field(path: str, **options: Any) -> str:
    entry = {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}
    return environment.declared(subject({"env": [entry]}, **options)).variables["X"]


def resource(name: str, divisor: str = "0", container: str = "", **resources: Any) -> str:
    wanted = {"resource": name, "divisor": divisor, "containerName": container}
    entry = {"name": "X", "valueFrom": {"resourceFieldRef": wanted}}
    return variables(env=[entry], resources=resources)["X"]


def test_only_what_was_declared_before_is_expanded() -> None:
    env = [
        {"name": "FIRST", "value": "$(LATER)"},
        {"name": "LATER", "value": "x"},
        {"name": "LAST", "value": "$(LATER)-$(a)-$$(LATER)"},
    ]

    found = variables(env=env, envFrom=[{"configMapRef": {"name": "cm"}}])

    assert (found["FIRST"], found["LAST"]) == ("$(LATER)", "x-from-cm-$(LATER)")


@pytest.mark.parametrize(
    "container",
    [
        {"envFrom": [{"secretRef": {"name": "gone", "optional": True}}]},
        {
            "env": [
                {
                    "name": "X",
                    "valueFrom": {"secretKeyRef": {"name": "gone", "key": "a", "optional": True}},
                }
            ]
        },
    ],
)
def test_a_secret_that_a_boot_has_taken_is_waited_for_though_it_is_optional(
    container: dict[str, Any],
) -> None:
    found = subject(container)
    found = found.replace(sources=found.sources.replace(lost={"gone": "apply it again"}))

    with pytest.raises(blocked.Blocked, match="kept in memory only") as caught:
        environment.declared(found)

    assert caught.value.hint == "apply it again"


def test_values_of_references_are_not_expanded() -> None:
    secret = {"secretKeyRef": {"name": "sec", "key": "a"}}

    assert variables(env=[{"name": "X", "valueFrom": secret}]) == {"X": HUSH}


def test_env_wins_over_env_from_and_later_sources_over_earlier() -> None:
    found = variables(
        envFrom=[
            {"configMapRef": {"name": "cm"}},
            {"prefix": "S_", "configMapRef": {"name": "cm"}},
        ],
        env=[{"name": "a", "value": "own"}, {"name": "a", "value": "again-$(a)"}],
    )

    assert found == {
        "a": "again-own",
        "my-key.txt": "dotted",
        "S_a": "from-cm",
        "S_my-key.txt": "dotted",
    }


def test_of_two_sources_with_one_key_the_later_wins() -> None:
    other = ConfigMap(metadata=ObjectMeta(name="late"), data={"a": "late"})
    whole = subject({"envFrom": [{"configMapRef": {"name": name}} for name in ("cm", "late")]})
    sources = whole.sources.replace(configmaps={**whole.sources.configmaps, "late": other})

    found = environment.declared(whole.replace(sources=sources))

    assert found.variables["a"] == "late"


def test_names_that_cannot_be_variables_are_left_out_and_told() -> None:
    entry = {"prefix": "a=b", "configMapRef": {"name": "cm"}}

    found = environment.declared(subject({"envFrom": [entry]}))

    assert found.variables == {}
    assert found.warnings[0].startswith(
        "Pod/shop/web container \"app\": envFrom: 'a=ba' cannot name a variable"
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "no", "key": "a"}}, 'configmap "no" not found'),
        ({"configMapKeyRef": {"name": "cm", "key": "no"}}, 'ConfigMap "cm" has no key "no"'),
        ({"configMapKeyRef": {"name": "cm", "key": "bin"}}, 'ConfigMap "cm" has no key "bin"'),
        ({"secretKeyRef": {"name": "no", "key": "a"}}, 'secret "no" not found'),
        ({"secretKeyRef": {"name": "sec", "key": "no"}}, 'Secret "sec" has no key "no"'),
    ],
)
def test_a_reference_to_nothing_blocks_unless_it_is_optional(
    source: dict[str, Any], message: str
) -> None:
    with pytest.raises(blocked.Blocked, match=message) as caught:
        variables(env=[{"name": "X", "valueFrom": source}])
    assert caught.value.reason == "CreateContainerConfigError"
    assert 'Pod/shop/web container "app"' in caught.value.message

    (kind, ref), *_ = source.items()
    optional = {kind: {**ref, "optional": True}}
    assert variables(env=[{"name": "X", "valueFrom": optional}]) == {}


@pytest.mark.parametrize("kind", ["configMapRef", "secretRef"])
def test_a_whole_source_that_is_missing_blocks_unless_it_is_optional(kind: str) -> None:
    with pytest.raises(blocked.Blocked, match='"no" not found in namespace shop'):
        variables(envFrom=[{kind: {"name": "no"}}])

    assert variables(envFrom=[{kind: {"name": "no", "optional": True}}]) == {}


def test_no_secret_is_shown_by_a_repr_or_an_error() -> None:
    secret = {"secretKeyRef": {"name": "sec", "key": "a"}}
    whole = subject({"env": [{"name": "X", "valueFrom": secret}]})
    found = environment.declared(whole)
    lines = environment.complete(found.variables, image=(), hostname="web", terminal=False)

    assert f"X={HUSH}" in lines
    assert HUSH not in repr((found, lines, whole))
    assert "X" in repr(lines)


def test_a_binary_secret_is_refused_without_its_bytes() -> None:
    entry = {"name": "X", "valueFrom": {"secretKeyRef": {"name": "sec", "key": "raw"}}}

    with pytest.raises(blocked.Blocked, match="variable X is not text") as caught:
        variables(env=[entry])

    assert "hush" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web"),
        ("metadata.namespace", "shop"),
        ("metadata.uid", "u-1"),
        ("metadata.labels['app.kubernetes.io/name']", "web"),
        ("metadata.labels['missing']", ""),
        ("metadata.annotations['note']", "n"),
        ("spec.nodeName", "here"),
        ("spec.serviceAccountName", "default"),
        ("status.hostIP", "192.0.2.7"),
        ("status.hostIPs", "192.0.2.7,2001:db8::7"),
        ("status.podIP", "10.1.0.9"),
        ("status.podIPs", "10.1.0.9"),
    ],
)
def test_every_field_of_the_downward_api(path: str, value: str) -> None:
    assert from_field(path) == value


def test_a_pod_on_the_hosts_network_has_its_address() -> None:
    assert from_field("status.podIP", host_network=True) == "192.0.2.7"


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(blocked.Blocked, match=r'env X: fieldPath "status.phase" is none'):
        from_field("status.phase")


@pytest.mark.parametrize(
    ("wanted", "limits", "value"),
    [
        (("limits.cpu",), {"cpu": "250m"}, "1"),
        (("limits.cpu", "1m"), {"cpu": "250m"}, "250"),
        (("limits.cpu", "1m"), {}, "4000"),
        (("limits.memory",), {"memory": "64Mi"}, "67108864"),
        (("limits.memory", "1Mi"), {"memory": "65M"}, "62"),
        (("limits.memory", "1Gi"), {}, "8"),
        (("limits.ephemeral-storage", "1Gi"), {}, "100"),
        (("limits.memory", "1Mi", "side"), {}, "64"),
        (("requests.memory", "1Mi"), {"memory": "64Mi"}, "64"),
        (("requests.memory",), {}, "0"),
    ],
)
def test_resources_are_divided_and_rounded_up(
    wanted: tuple[str, ...], limits: dict[str, str], value: str
) -> None:
    assert resource(*wanted, limits=limits) == value


def test_a_request_is_its_own_amount_where_it_is_set() -> None:
    found = resource("requests.cpu", "1m", limits={"cpu": "2"}, requests={"cpu": "100m"})

    assert found == "100"


def test_an_unknown_container_is_named() -> None:
    with pytest.raises(blocked.Blocked, match='container "nobody"'):
        resource("limits.cpu", container="nobody")


def test_the_image_comes_first_and_the_manifest_wins() -> None:
    lines = environment.complete(
        {"B": "manifest", "C": "="},
        image=("A=image", "B=image", "PATH=/app"),
        hostname="web",
        terminal=True,
    )

    assert lines == ("PATH=/app", "A=image", "B=manifest", "TERM=xterm", "HOSTNAME=web", "C==")


def test_a_path_is_given_where_the_image_has_none() -> None:
    lines = environment.complete({}, image=(), hostname="web", terminal=False)

    assert lines == (environment.DEFAULT_PATH, "HOSTNAME=web")
