"""reconciler.targets.host.volumes: what a pod's volumes come to, and what containers mount."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import codec
from manifests.codec import SecretBytes
from manifests.config import ConfigMap, Secret
from manifests.faults import Invalid
from manifests.meta import ObjectMeta
from manifests.observed import PodRecord
from manifests.pod import Pod
from reconciler.targets.host import blocked, volumes
from reconciler.targets.host.environment import HostFacts, Sources, Subject
from reconciler.targets.host.volumes import Binding
from runtime.kernel.mounts import Propagation
from runtime.paths import Paths

PATHS = Paths(state_dir="/lib", run_dir="/run", log_dir="/log")
FACTS = HostFacts(node="here", addresses=(), cpus=1, memory=1 << 30)
SOURCES = Sources(
    configmaps={
        "cm": ConfigMap(
            metadata=ObjectMeta(name="cm"), data={"a": "1", "b": "2"}, binary_data={"c": b"\xff"}
        )
    },
    secrets={"s": Secret(metadata=ObjectMeta(name="s"), data={"key": SecretBytes(b"hush")})},
)


def record(spec_volumes: list[Any], *mounts: Any, **container: Any) -> PodRecord:
    app = {"name": "app", "volumeMounts": list(mounts), **container}
    pod = codec.restore(
        Pod,
        {
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"volumes": spec_volumes, "containers": [app]},
        },
    )
    return PodRecord(uid="u-1", pod=pod, spec_hash="x")


def planned(volume: dict[str, Any], **container: Any) -> volumes.Planned:
    pod = record([{"name": "v", **volume}], **container)
    return volumes.plan(pod, SOURCES, PATHS).volumes["v"]


def files(volume: dict[str, Any]) -> dict[str, tuple[bytes, int]]:
    found = planned(volume)
    assert isinstance(found, volumes.Files)
    assert found.read_only
    return {file.path: (bytes(file.content), file.mode) for file in found.files}


def bound(
    mounts: list[Any],
    spec_volumes: list[Any] | None = None,
    image: tuple[str, ...] = (),
    variables: dict[str, str] | None = None,
) -> tuple[Binding, ...]:
    pod = record([{"name": "v"}] if spec_volumes is None else spec_volumes, *mounts)
    subject = Subject(
        record=pod, container=pod.pod.spec.containers[0], sources=SOURCES, facts=FACTS
    )
    return volumes.bindings(
        volumes.plan(pod, SOURCES, PATHS), subject, variables or {}, image, PATHS
    )


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


def test_mounts_come_outermost_first_and_normal() -> None:
    found = bound(
        [
            {"name": "v", "mountPath": "/a/b/c"},
            {"name": "v", "mountPath": "a//b/"},
            {"name": "v", "mountPath": "/z/../a"},
        ]
    )

    assert [binding.destination for binding in found] == ["/a", "/a/b", "/a/b/c"]


def test_a_projected_volume_and_a_read_only_claim_are_never_writable() -> None:
    spec_volumes = [
        {"name": "cm", "configMap": {"name": "cm"}},
        {"name": "db", "persistentVolumeClaim": {"claimName": "db", "readOnly": True}},
        {"name": "v"},
    ]
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("cm", "db", "v")]

    found = bound([*mounts, {"name": "v", "mountPath": "/ro", "readOnly": True}], spec_volumes)

    assert {binding.destination: binding.read_only for binding in found} == {
        "/cm": True,
        "/db": True,
        "/v": False,
        "/ro": True,
    }


@pytest.mark.parametrize(
    ("word", "propagation"),
    [
        ("None", Propagation.PRIVATE),
        ("HostToContainer", Propagation.SLAVE),
        ("Bidirectional", Propagation.SHARED),
    ],
)
def test_propagation(word: str, propagation: Propagation) -> None:
    found = bound([{"name": "v", "mountPath": "/v", "mountPropagation": word}])

    assert found[0].propagation is propagation
    assert propagation.value in volumes.mounts(found, "/run/pods/u-1")[0].options


def test_what_is_shared_both_ways_comes_from_where_the_hosts_mount_is_brought_in() -> None:
    both = {"name": "v", "mountPath": "/v", "mountPropagation": "Bidirectional"}

    whole, part = bound([both, {**both, "mountPath": "/w", "subPath": "x"}])

    assert whole.source == "/run/pods/u-1/shared/v"
    assert part.volume == "/run/pods/u-1/shared/v"


@pytest.mark.parametrize(
    ("given", "access"),
    [
        ({}, "rw"),
        ({"readOnly": True}, "ro"),
        ({"readOnly": True, "recursiveReadOnly": "Enabled"}, "rro"),
        ({"readOnly": True, "recursiveReadOnly": "IfPossible"}, "rro"),
        ({"readOnly": True, "recursiveReadOnly": "Disabled"}, "ro"),
    ],
)
def test_read_only_may_hold_for_what_is_mounted_below(
    given: dict[str, object], access: str
) -> None:
    found = bound([{"name": "v", "mountPath": "/v", **given}])

    assert access in volumes.mounts(found, "/run/pods/u-1")[0].options


def test_a_sub_path_is_mounted_from_where_it_is_bound() -> None:
    mounts = [
        {"name": "v", "mountPath": "/x"},
        {"name": "v", "mountPath": "/y", "subPathExpr": "logs/$(POD)/$$(x)"},
    ]

    whole, part = bound(mounts, variables={"POD": "web"})

    assert (whole.source, whole.sub_path) == ("/lib/pods/u-1/emptydir/v", "")
    assert part == Binding(
        destination="/y",
        source="/run/pods/u-1/containers/app/subpaths/1",
        volume="/lib/pods/u-1/emptydir/v",
        sub_path="logs/web/$(x)",
    )


def test_an_unknown_name_in_a_sub_path_blocks() -> None:
    with pytest.raises(blocked.Blocked, match="subPathExpr names POD, which env does not declare"):
        bound([{"name": "v", "mountPath": "/y", "subPathExpr": "$(POD)"}])


def test_a_volume_that_the_pod_does_not_have_is_named() -> None:
    with pytest.raises(blocked.Blocked, match='/x: the pod has no volume "no"'):
        bound([{"name": "no", "mountPath": "/x"}])


def test_image_volumes_give_way_to_what_the_pod_mounts() -> None:
    first, second = bound([{"name": "v", "mountPath": "/data/"}], image=("/data", "/cache/"))

    assert first == Binding(destination="/data", source="/lib/pods/u-1/emptydir/v")
    assert (second.destination, second.rootfs) == (
        "/cache",
        "/run/pods/u-1/containers/app/rootfs",
    )
    assert second.source.startswith("/lib/pods/u-1/containers/app/volumes/")


def test_the_pods_own_files_are_mounted_where_the_manifest_leaves_room() -> None:
    found = bound([{"name": "v", "mountPath": "/etc/hosts"}, {"name": "v", "mountPath": "/etc"}])

    made = volumes.mounts(found, "/run/pods/u-1", read_only_root=True)

    assert [mount.destination for mount in made] == [
        "/etc",
        "/etc/hosts",
        "/dev/shm",
        "/etc/hostname",
        "/etc/resolv.conf",
    ]
    access = {mount.destination: mount.options[-1] for mount in made}
    source = {mount.destination: mount.source for mount in made}
    assert source["/etc/hosts"] == "/lib/pods/u-1/emptydir/v"
    assert source["/dev/shm"] == "/run/pods/u-1/shm"
    assert source["/etc/resolv.conf"] == "/run/pods/u-1/etc/resolv.conf"
    assert (access["/etc/resolv.conf"], access["/dev/shm"]) == ("ro", "rw")


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


def test_a_projected_object_that_is_missing_blocks_the_pod() -> None:
    with pytest.raises(blocked.Blocked, match='configmap "none" not found'):
        planned({"projected": {"sources": [{"configMap": {"name": "none"}}]}})


def test_an_ephemeral_volume_is_the_pods_own_directory() -> None:
    template = {"spec": {"accessModes": ["ReadWriteOnce"]}}

    found = planned({"ephemeral": {"volumeClaimTemplate": template}})

    assert isinstance(found, volumes.Disk)
