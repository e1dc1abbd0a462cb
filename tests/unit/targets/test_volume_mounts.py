"""reconciler.targets.host.volume_mounts: what containers mount of volumes, images and their pod."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.targets.host import blocked, volume_mounts, volumes
from reconciler.targets.host.environment import Subject
from reconciler.targets.host.volume_mounts import Binding
from runtime.kernel.mounts import Propagation
from tests.unit.targets.volume_pods import FACTS, PATHS, SOURCES, record


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
    return volume_mounts.bindings(
        volumes.plan(pod, SOURCES, PATHS), subject, variables or {}, image, PATHS
    )


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
    assert (
        propagation.value
        in volume_mounts.mounts(found, "/lib/pods/u-1/etc", "/run/pods/u-1/shm")[0].options
    )


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

    assert (
        access in volume_mounts.mounts(found, "/lib/pods/u-1/etc", "/run/pods/u-1/shm")[0].options
    )


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

    made = volume_mounts.mounts(
        found, "/lib/pods/u-1/etc", "/run/pods/u-1/shm", read_only_root=True
    )

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
    assert source["/etc/resolv.conf"] == "/lib/pods/u-1/etc/resolv.conf"
    assert (access["/etc/resolv.conf"], access["/dev/shm"]) == ("ro", "rw")
