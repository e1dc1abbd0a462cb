"""manifests.targeting: which objects are for a host, and why others are not."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import codec, kinds, targeting
from manifests.targeting import HostIdentity

HOST = HostIdentity(
    name="web-1.example", labels={"disk": "ssd", "cpus": "8", "kubernetes.io/hostname": "web-1"}
)
AFFINITY = "requiredDuringSchedulingIgnoredDuringExecution"


def reason(kind: str, spec: dict[str, Any], annotations: dict[str, str] | None = None) -> str:
    raw = {"metadata": {"name": "it", "annotations": annotations or {}}, "spec": spec}
    info = kinds.BY_KIND[kind]
    if kind == "ConfigMap":
        del raw["spec"]
    thing = codec.restore(info.type, {"apiVersion": info.api_version, "kind": kind, **raw})
    return targeting.elsewhere(thing, HOST)


def pod(**spec: Any) -> dict[str, Any]:
    return {"containers": [{"name": "c", "image": "i"}], **spec}


def term(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("hosts", "here"),
    [
        ("web-1.example", True),
        ("WEB-1.example", True),
        ("db-*, web-*", True),
        ("web-?.example", True),
        ("web-1", False),
        ("db-1,db-2", False),
        ("webX1.example", False),
    ],
)
def test_the_annotation_names_hosts(hosts: str, here: bool) -> None:
    assert (reason("ConfigMap", {}, {"podpy.dev/hosts": hosts}) == "") is here


@pytest.mark.parametrize(
    ("selector", "why"),
    [
        ({"disk": "ssd"}, ""),
        ({"disk": "hdd"}, "its nodeSelector wants disk=hdd, and this host has disk=ssd"),
        ({"gpu": "yes"}, "its nodeSelector wants gpu=yes, and this host has no such label"),
    ],
)
def test_a_node_selector_wants_labels(selector: dict[str, str], why: str) -> None:
    assert reason("Pod", pod(nodeSelector=selector)) == why
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod(nodeSelector=selector)}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    assert reason("Deployment", spec) == why


@pytest.mark.parametrize(
    ("terms", "here"),
    [
        ([term("disk", "In", "ssd", "nvme")], True),
        ([term("disk", "NotIn", "ssd")], False),
        ([term("gpu", "NotIn", "old")], True),
        ([term("gpu", "Exists"), term("cpus", "Gt", "4")], True),
        ([term("cpus", "Gt", "8")], False),
        ([term("cpus", "Lt", "9")], True),
        ([term("gpu", "Lt", "9")], False),
        ([term("disk", "DoesNotExist")], False),
        ([{}], False),
    ],
)
def test_one_term_of_the_affinity_must_hold(terms: list[dict[str, Any]], here: bool) -> None:
    affinity = {"nodeAffinity": {AFFINITY: {"nodeSelectorTerms": terms}}}

    assert (reason("Pod", pod(affinity=affinity)) == "") is here


def test_a_sync_is_for_hosts_by_name_and_label() -> None:
    source = {"source": {"directory": {"path": "/srv"}}}

    assert reason("Sync", source) == ""
    assert reason("Sync", {**source, "hosts": ["web-*"]}) == ""
    assert "spec.hosts names db-*" in reason("Sync", {**source, "hosts": ["db-*"]})
    selected = {**source, "hosts": ["web-*"], "hostSelector": {"matchLabels": {"disk": "hdd"}}}
    assert "spec.hostSelector wants disk=hdd" in reason("Sync", selected)


def test_the_annotation_of_a_template_counts_too() -> None:
    template = {
        "metadata": {"labels": {"a": "b"}, "annotations": {"podpy.dev/hosts": "db-1"}},
        "spec": pod(),
    }

    assert "names db-1" in reason(
        "Deployment", {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    )
