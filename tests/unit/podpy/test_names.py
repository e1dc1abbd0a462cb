"""podpy.names and podpy.lookup: how users name kinds, objects, pods and containers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from manifests.faults import Invalid
from podpy import lookup, names, podman

if TYPE_CHECKING:
    from runtime.paths import Paths


@pytest.mark.parametrize("word", ["deployments", "deployment", "deploy", "Deploy", "deploy.apps"])
def test_a_kind_has_many_names(word: str) -> None:
    assert names.kind(word).kind == "Deployment"


@pytest.mark.parametrize("word", ["nothing", "deploy.batch", "pods.v1"])
def test_an_unknown_kind_is_refused_with_those_that_are_known(word: str) -> None:
    with pytest.raises(Invalid, match="there is no kind") as caught:
        names.kind(word)

    assert "deployments" in caught.value.hint


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("podz", 'did you mean "pod"'),
        ("deplyoments", 'did you mean "deployments"'),
        ("svc", "does not run objects of kind Service yet"),
        ("events", "podpy events"),
        ("nodes", "only node"),
    ],
)
def test_an_unknown_kind_is_told_what_is_meant(word: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        names.kind(word)

    assert said in str(caught.value)


def test_objects_are_named_by_kind_and_names_or_by_pairs() -> None:
    assert [str(ref) for ref in names.parse(["pod", "a", "b"])] == ["Pod/a", "Pod/b"]
    assert [str(ref) for ref in names.parse(["pod/a", "deploy/b"], "shop")] == [
        "Pod/shop/a",
        "Deployment/shop/b",
    ]
    assert names.parse(["ns/a"], "shop")[0].namespace == ""


@pytest.mark.parametrize("words", [["pod"], ["pod", "a", "pod/b"], []])
def test_other_words_are_refused(words: list[str]) -> None:
    with pytest.raises(Invalid, match="name a kind"):
        names.parse(words)


def test_full_names_carry_the_group() -> None:
    assert names.full(names.kind("po"), "web") == "pod/web"
    assert names.full(names.kind("deploy"), "web") == "deployment.apps/web"


def test_all_and_lists_of_kinds() -> None:
    assert [info.kind for info in names.several("pods,cm")] == ["Pod", "ConfigMap"]
    assert "Deployment" in [info.kind for info in names.several("all")]
    kinds = [info.kind for info in names.several("cm,all,pods")]
    assert kinds[:2] == ["ConfigMap", "Pod"]
    assert len(kinds) == len(set(kinds))


def write(paths: Paths, uid: str, name: str, **more: Any) -> None:
    directory = f"{paths.pods}/{uid}"
    os.makedirs(directory)
    metadata = {"name": name, "namespace": "default", **more.pop("metadata", {})}
    spec = {"containers": [{"name": "app"}, {"name": "db"}], "initContainers": [{"name": "init"}]}
    with open(f"{directory}/pod.json", "w", encoding="utf-8") as file:
        json.dump({"uid": uid, "pod": {"metadata": metadata, "spec": spec}, **more}, file)


@pytest.fixture
def pods(instance: Paths) -> Paths:
    """Two pods of a Deployment, one of which has ended, and one in another namespace."""
    owner = {"ownerReferences": [{"kind": "Deployment", "name": "web"}]}
    write(instance, "aaaa1111-0", "web-x1", metadata=owner, finished=True)
    write(instance, "bbbb2222-0", "web-x2", metadata=owner, aliases=["web-pod"])
    write(instance, "cccc3333-0", "far", metadata={"namespace": "shop"})
    return instance


@pytest.mark.parametrize(
    "word", ["web-x2", "pod/web-x2", "web-pod", "deploy/web", "deployment.apps/web", "bbbb2222"]
)
def test_a_pod_is_found_by_name_alias_workload_and_id(pods: Paths, word: str) -> None:
    assert lookup.pod(pods, word).pod.uid == "bbbb2222-0"


def test_a_pod_is_found_by_podmans_id_in_any_namespace(pods: Paths) -> None:
    wanted = podman.pod_id("cccc3333-0")

    assert lookup.pod(pods, wanted[:12]).pod.name == "far"


def test_a_container_is_found_by_podmans_name_and_id(pods: Paths) -> None:
    wanted = podman.container_id("bbbb2222-0", "db")

    assert lookup.pod(pods, "web-pod-db").container == "db"
    assert lookup.container(lookup.pod(pods, wanted)) == "db"


def test_a_pod_that_is_not_there_is_refused(pods: Paths) -> None:
    with pytest.raises(Invalid, match='no pod "far" in namespace default'):
        lookup.pod(pods, "far")
    with pytest.raises(Invalid, match='job "web" in namespace default has no pods'):
        lookup.pod(pods, "job/web")


def test_the_default_container_is_the_annotated_one_or_the_first(pods: Paths) -> None:
    chosen = {"annotations": {lookup.DEFAULT_CONTAINER: "db"}}
    write(pods, "dddd4444-0", "noted", metadata=chosen)

    assert lookup.container(lookup.pod(pods, "web-x2")) == "app"
    assert lookup.container(lookup.pod(pods, "noted")) == "db"
    assert lookup.container(lookup.pod(pods, "noted"), "init") == "init"
    with pytest.raises(Invalid, match='no container "nope"'):
        lookup.container(lookup.pod(pods, "noted"), "nope")


def test_a_damaged_record_is_passed_over(pods: Paths) -> None:
    with open(f"{pods.pods}/aaaa1111-0/pod.json", "w", encoding="utf-8") as file:
        file.write("{")

    assert lookup.pod(pods, "web-x2").pod.name == "web-x2"
