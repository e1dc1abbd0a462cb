"""reconciler.targets.host.volumes: what a pod's volumes come to."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.faults import Invalid
from reconciler.targets.host import blocked, volumes
from tests.unit.targets.volume_pods import FACTS, PATHS, SOURCES, record


def planned(volume: dict[str, Any], **container: Any) -> volumes.Planned:
    pod = record([{"name": "v", **volume}], **container)
    return volumes.plan(pod, SOURCES, PATHS).volumes["v"]


def files(volume: dict[str, Any]) -> dict[str, tuple[bytes, int]]:
    found = planned(volume)
    assert isinstance(found, volumes.Files)
    assert found.read_only
    return {file.path: (bytes(file.content), file.mode) for file in found.files}


def test_where_each_volume_lies() -> None:
    assert planned({}) == volumes.Disk(name="v", path="/lib/pods/u-1/emptydir/v")
    assert planned({"emptyDir": {"medium": "Memory"}}) == volumes.Memory(
        name="v", path="/run/pods/u-1/volumes/v"
    )
    claim = {"persistentVolumeClaim": {"claimName": "db", "readOnly": True}}
    assert planned(claim) == volumes.Claimed(
        name="v", path="/lib/volumes/shop/db", read_only=True, namespace="shop", claim="db"
    )
    secret = planned({"secret": {"secretName": "s"}})
    assert isinstance(secret, volumes.Files)
    assert (secret.path, secret.secret) == ("/run/pods/u-1/volumes/v", True)
    assert "hush" not in repr(secret)


@pytest.mark.parametrize(
    ("asked", "limit", "size"),
    [
        ({}, None, None),
        ({"sizeLimit": "64Mi"}, None, 64 << 20),
        ({"sizeLimit": "64Mi"}, "32Mi", 32 << 20),
        ({"sizeLimit": "64Mi"}, "1Gi", 64 << 20),
        ({}, "32Mi", 32 << 20),
    ],
)
def test_memory_is_sized_by_the_smaller_limit(
    asked: dict[str, str], limit: str | None, size: int | None
) -> None:
    resources = {"limits": {"memory": limit}} if limit else {}

    found = planned({"emptyDir": {"medium": "Memory", **asked}}, resources=resources)

    assert isinstance(found, volumes.Memory)
    assert found.size == size


def test_every_key_of_a_configmap_is_a_file() -> None:
    assert files({"configMap": {"name": "cm", "defaultMode": 0o600}}) == {
        "a": (b"1", 0o600),
        "b": (b"2", 0o600),
        "c": (b"\xff", 0o600),
    }


def test_items_choose_keys_paths_and_modes() -> None:
    items = [{"key": "a", "path": "x/y"}, {"key": "c", "path": "z", "mode": 0o400}]

    assert files({"configMap": {"name": "cm", "items": items}}) == {
        "x/y": (b"1", 0o644),
        "z": (b"\xff", 0o400),
    }


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "no"}}, 'configmap "no" not found'),
        ({"secret": {"secretName": "no"}}, 'secret "no" not found'),
        (
            {"configMap": {"name": "cm", "items": [{"key": "no", "path": "x"}]}},
            'configmap "cm" has no key "no"',
        ),
    ],
)
def test_what_is_missing_blocks_the_pod_unless_it_is_optional(
    volume: dict[str, Any], message: str
) -> None:
    with pytest.raises(blocked.Blocked, match=f'Pod/shop/web volume "v": {message}') as caught:
        planned(volume)
    assert caught.value.reason == "FailedMount"

    (kind, source), *_ = volume.items()
    assert files({kind: {**source, "optional": True}}) == {}


def test_items_do_not_leave_the_volume() -> None:
    items = [{"key": "a", "path": "../../etc/cron.d/x"}]

    with pytest.raises(Invalid, match='Pod/shop/web volume "v"'):
        planned({"configMap": {"name": "cm", "items": items}})


DOWNWARD = [
    {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
    {"path": "labels", "mode": 0o400, "fieldRef": {"fieldPath": "metadata.labels"}},
    {"path": "one", "fieldRef": {"fieldPath": "metadata.labels['a']"}},
    {
        "path": "cpu",
        "resourceFieldRef": {"containerName": "app", "resource": "limits.cpu", "divisor": "1m"},
    },
]


def test_a_downward_volume_shows_the_pods_own_fields() -> None:
    pod = record(
        [{"name": "v", "downwardAPI": {"items": DOWNWARD}}],
        resources={"limits": {"cpu": "500m"}},
    )
    labels = {"b": 'say "x"', "a": "1"}
    pod = pod.replace(pod=pod.pod.replace(metadata=pod.pod.metadata.replace(labels=labels)))

    found = volumes.plan(pod, SOURCES.replace(facts=FACTS), PATHS).volumes["v"]

    assert isinstance(found, volumes.Files)
    assert not found.secret
    assert {file.path: (file.content.decode(), file.mode) for file in found.files} == {
        "name": ("web", 0o644),
        "labels": ('a="1"\nb="say \\"x\\""', 0o400),
        "one": ("1", 0o644),
        "cpu": ("500", 0o644),
    }


def test_a_projected_volume_puts_its_sources_together_and_the_later_wins() -> None:
    parts = [
        {"configMap": {"name": "cm", "items": [{"key": "a", "path": "x"}]}},
        {"configMap": {"name": "cm", "items": [{"key": "b", "path": "x", "mode": 0o600}]}},
        {"configMap": {"name": "none", "optional": True}},
        {"downwardAPI": {"items": DOWNWARD[:1]}},
        {},
    ]

    found = files({"projected": {"sources": parts, "defaultMode": 0o440}})

    assert found == {"x": (b"2", 0o600), "name": (b"web", 0o440)}


@pytest.mark.parametrize(
    ("source", "secret"),
    [({"secret": {"name": "s"}}, True), ({"configMap": {"name": "cm"}}, False)],
)
def test_a_projected_secret_stays_off_the_disk(source: dict[str, Any], secret: bool) -> None:
    found = planned({"projected": {"sources": [source]}})

    assert isinstance(found, volumes.Files)
    assert found.secret is secret


@pytest.mark.parametrize(
    "volume",
    [
        {"secret": {"secretName": "gone", "optional": True}},
        {"projected": {"sources": [{"secret": {"name": "gone", "optional": True}}]}},
    ],
)
def test_a_secret_that_a_boot_has_taken_is_waited_for_though_it_is_optional(
    volume: dict[str, Any],
) -> None:
    sources = SOURCES.replace(lost={"gone": "apply it again"})

    with pytest.raises(blocked.Blocked, match="kept in memory only") as caught:
        volumes.plan(record([{"name": "v", **volume}]), sources, PATHS)

    assert caught.value.hint == "apply it again"


def test_a_projected_object_that_is_missing_blocks_the_pod() -> None:
    with pytest.raises(blocked.Blocked, match='configmap "none" not found'):
        planned({"projected": {"sources": [{"configMap": {"name": "none"}}]}})


def test_an_ephemeral_volume_is_the_pods_own_directory() -> None:
    template = {"spec": {"accessModes": ["ReadWriteOnce"]}}

    found = planned({"ephemeral": {"volumeClaimTemplate": template}})

    assert isinstance(found, volumes.Disk)
