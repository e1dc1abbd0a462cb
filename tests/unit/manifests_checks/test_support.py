"""manifests.support: what is dropped, let through and reported of documents not made for podpy."""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any

import pytest

from manifests import codec, kinds, support
from manifests.load import APPLY, KUBE_PLAY, Loaded, Options, load
from manifests.pod import Pod
from tests.fixtures import field_paths

if TYPE_CHECKING:
    from pathlib import Path

CASES = os.path.join(os.path.dirname(__file__), "cases")


def case(name: str) -> Loaded:
    return load([f"{CASES}/{name}.yaml"], KUBE_PLAY)


def unsupported(loaded: Loaded) -> list[str]:
    return [problem.path for problem in loaded.unsupported]


def test_a_dumped_deployment_is_honoured_with_its_rolling_update() -> None:
    loaded = case("dumped-deployment")

    assert unsupported(loaded) == []
    assert [problem.message for problem in loaded.errors] == [
        'ConfigMap "shop-settings" is not declared'
    ]


def test_a_dumped_pod_runs_without_its_node_and_token() -> None:
    loaded = case("dumped-pod")

    assert unsupported(loaded) == [".metadata.ownerReferences", ".spec.nodeName"]
    assert len(loaded.objects) == 1
    assert loaded.objects[0].object.metadata.owner_references == ()


def test_what_the_api_server_added_is_dropped_without_a_word() -> None:
    loaded = case("dumped-list")

    assert loaded.problems == ()
    assert [one.object.kind for one in loaded.objects] == [
        "PersistentVolumeClaim",
        "Namespace",
        "Job",
    ]
    assert all(not one.object.metadata.uid for one in loaded.objects)


@pytest.mark.parametrize("address", ["::", "fd00::1"])
def test_a_port_of_an_ipv6_address_is_reported(address: str) -> None:
    port = {"containerPort": 80, "hostPort": 8080, "hostIP": address}
    spec = {"containers": [{"name": "c", "image": "i", "ports": [port]}]}
    (told,) = support.of_object(decoded_pod(spec))

    assert told.path == ("spec", "containers", 0, "ports", 0, "hostIP")
    assert told.message == (
        f"{address} is not supported yet: pods have IPv4 addresses, so nothing is published on it"
    )
    assert support.of_object(decoded_pod({**spec, "hostNetwork": True})) == ()


def decoded_pod(spec: dict[str, Any]) -> Pod:
    raw = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    return codec.restore(Pod, raw)


def test_every_field_and_kind_of_later_is_reported_once() -> None:
    loaded = case("later")
    template = ".spec.template.spec"
    container = f"{template}.containers[0]"

    assert unsupported(loaded) == [
        f"{template}.serviceAccountName",
        f"{template}.shareProcessNamespace",
        f"{template}.affinity.podAntiAffinity",
        f"{template}.imagePullSecrets",
        f"{container}.resources.limits.ephemeral-storage",
        ".kind",
        ".kind",
        ".kind",
    ]
    assert loaded.errors == ()
    assert [one.object.kind for one in loaded.objects] == ["Deployment"]


def test_a_manifest_of_all_that_is_honoured_has_no_problem() -> None:
    loaded = case("shop")

    assert loaded.problems == ()
    assert len(loaded.objects) == 9


POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "a", "image": "b"}]},
}


def with_field(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    raw = copy.deepcopy(POD)
    at: Any = raw
    for step in path[:-1]:
        at = at[step] if isinstance(step, int) else at.setdefault(step, {})
    at[path[-1]] = value
    return raw


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (".spec.shareProcessNamespace", False, True),
        (".spec.shareProcessNamespace", True, False),
        (".spec.priority", 0, True),
        (".spec.priority", False, False),
        (".spec.automountServiceAccountToken", False, True),
        (".spec.automountServiceAccountToken", True, False),
        (".spec.serviceAccountName", "default", True),
        (".spec.serviceAccountName", "web", False),
        (".spec.tolerations", [{"operator": "Exists"}], True),
        (
            ".spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution",
            [{"weight": 1, "preference": {}}],
            True,
        ),
        (".spec.affinity", {}, True),
        (".spec.imagePullSecrets", [], True),
        (".spec.hostUsers", True, True),
        (".spec.hostUsers", False, False),
        (".spec.os", {"name": "linux"}, True),
        (".spec.volumes", [{"name": "a"}], False),
    ],
)
def test_harmless_values(path: str, value: object, expected: bool) -> None:
    steps = field_paths.parse(path)

    assert support.harmless("Pod", with_field(steps, value), steps) is expected


@pytest.mark.parametrize(("source", "fatal"), [("nfs", True), ("csi", True)])
def test_a_volume_that_would_lose_data_is_fatal(source: str, fatal: bool) -> None:
    part = support.unsupported_field("Pod", ("spec", "volumes", 0, source))

    assert part.fatal is fatal
    assert source in part.message


def test_values_that_kubernetes_refuses_too_are_not_called_unsupported() -> None:
    path = field_paths.parse(".spec.containers[0].restartPolicy")

    for value, known in (("OnFailure", True), ("Slowly", False)):
        raw = {"kind": "Pod", "spec": {"containers": [{"restartPolicy": value}]}}
        assert (support.unsupported_value("Pod", raw, path) is not None) is known


@pytest.mark.parametrize("surge", [1, "25%"])
def test_a_port_of_the_host_leaves_no_room_for_a_surge(surge: int | str) -> None:
    def told(amount: int | str, **of: object) -> list[str]:
        container = {"name": "c", "image": "i", "ports": [{"containerPort": 80, **of}]}
        raw = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {
                "selector": {},
                "template": {"spec": {"containers": [container]}},
                "strategy": {"rollingUpdate": {"maxSurge": amount}},
            },
        }
        return [part.message for part in support.unkept(kinds.load(raw))]

    (message,) = told(surge, hostPort=8080)

    assert "port 8080 of it can be had once, so the old pod goes before" in message
    assert told(surge) == told(0, hostPort=8080) == []


def test_strip_takes_fields_and_what_thereby_becomes_empty() -> None:
    raw = {"a": {"b": {"c": 1}}, "l": [{"x": 1, "y": 2}], "e": {}, "k": 1}
    kept = copy.deepcopy(raw)

    stripped = support.strip(raw, [("a", "b", "c"), ("l", 0, "x"), ("no", "such"), ()])

    assert stripped == {"l": [{"y": 2}], "e": {}, "k": 1}
    assert raw == kept


def test_an_object_without_server_fields_is_not_copied() -> None:
    assert support.without_server_fields(POD) is POD


def test_stripped_of_what_is_unsupported_a_document_decodes() -> None:
    path = ("spec", "affinity")
    raw = with_field(path, {"podAffinity": {}})

    assert codec.decode(Pod, raw)[0] is None
    assert codec.decode(Pod, support.strip(raw, [path]))[0] == kinds.load(POD)


@pytest.mark.parametrize(
    ("api_version", "custom"),
    [
        ("v1", False),
        ("apps/v1", False),
        ("networking.k8s.io/v1", False),
        ("networking.k8s.oi/v1", False),
        ("kustomize.config.k8s.io/v1beta1", False),
        ("gateway.networking.k8s.io/v1", True),
        ("snapshot.storage.k8s.io/v1", True),
        ("scheduling.x-k8s.io/v1alpha1", True),
        ("podpy.dev/v1", False),
        ("example.com/v1", True),
        ("cert-manager.io/v1", True),
    ],
)
def test_custom_groups(api_version: str, custom: bool) -> None:
    assert support.is_custom(api_version) is custom


@pytest.mark.parametrize(
    ("empty_dir", "told"),
    [
        ("{sizeLimit: 1Gi}", ["f:6:32"]),
        ("{medium: Memory, sizeLimit: 1Gi}", []),
        ("{}", []),
    ],
)
@pytest.mark.parametrize("options", [APPLY, KUBE_PLAY])
def test_a_limit_that_nothing_keeps_is_told_and_not_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: Options,
    empty_dir: str,
    told: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  volumes:\n"
        f"  - {{name: scratch, emptyDir: {empty_dir}}}\n"
        "  containers: [{name: a, image: b}]\n"
    )

    loaded = load(["f"], options)

    assert [str(problem).partition(": ")[0] for problem in loaded.problems] == told
    assert [str(problem.severity) for problem in loaded.problems] == ["warning"] * len(told)
    assert len(loaded.objects) == 1
