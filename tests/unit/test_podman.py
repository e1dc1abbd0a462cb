"""manifests.podman: Podman's notations and annotations as Kubernetes has them, with a note each."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest

from manifests import podman, podman_limits
from manifests.problems import path_text

PODMAN = "io.podman.annotations."


def pod(
    volumes: list[Any] | None = None,
    mounts: list[Any] | None = None,
    annotations: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "annotations": annotations or {}},
        "spec": {
            "containers": [
                {"name": "c", "image": "i", "volumeMounts": mounts or []},
                {"name": "d", "image": "i"},
            ],
            "volumes": volumes or [],
        },
    }


def translated(raw: dict[str, Any], file: str = "/srv/app/web.yaml") -> tuple[Any, list[str]]:
    before = copy.deepcopy(raw)
    made, notes = podman.translate(raw["kind"], raw, file)
    assert raw == before  # parts may be shared
    return made, [f"{path_text(note.path)}: {note.message}" for note in notes]


def fatal(raw: dict[str, Any], file: str = "/srv/app/web.yaml") -> list[str]:
    return [note.message for note in podman.translate(raw["kind"], raw, file)[1] if note.fatal]


def test_what_is_kubernetes_already_stays_the_same_object() -> None:
    raw = pod([{"name": "v", "hostPath": {"path": "/srv"}}], [{"name": "v", "mountPath": "/v"}])

    assert podman.translate("Pod", raw, "web.yaml") == (raw, ())
    assert podman.translate("Pod", raw, "web.yaml")[0] is raw


@pytest.mark.parametrize(
    ("given", "file", "path"),
    [
        ("./data", "/srv/app/web.yaml", "/srv/app/data"),
        ("../data/x", "/srv/app/web.yaml", "/srv/data/x"),
        (".", "/srv/app/web.yaml", "/srv/app"),
        ("some/data", "app/web.yaml", f"{os.getcwd()}/app/some/data"),
        ("./data", "stdin", f"{os.getcwd()}/data"),
    ],
)
def test_a_relative_path_starts_beside_the_manifest(given: str, file: str, path: str) -> None:
    made, notes = translated(pod([{"name": "v", "hostPath": {"path": given}}]), file)

    assert made["spec"]["volumes"] == [{"name": "v", "hostPath": {"path": path}}]
    assert len(notes) == 1
    assert f"is relative to the {'current' if file == 'stdin' else 'manifest'}" in notes[0]


def test_a_relative_path_in_a_manifest_from_elsewhere_is_refused() -> None:
    raw = pod([{"name": "v", "hostPath": {"path": "./x"}}])

    assert fatal(raw, "https://example.org/web.yaml")


def test_a_path_without_a_slash_is_a_claim() -> None:
    made, notes = translated(pod([{"name": "v", "hostPath": {"path": "data"}}]))

    assert made["spec"]["volumes"] == [
        {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
    ]
    assert notes == [
        '.spec.volumes[0].hostPath.path: "data" has no slash, so it names a volume: the claim data'
    ]


@pytest.mark.parametrize(
    ("path", "mount", "words"),
    [
        ("/x:z", {}, []),
        ("/x:Z,ro", {"readOnly": True}, []),
        ("/x:rw", {"readOnly": False}, []),
        ("/x:rshared", {"mountPropagation": "Bidirectional"}, []),
        ("/x:rslave", {"mountPropagation": "HostToContainer"}, []),
        ("/x:U", {}, ["the owner of the files stays"]),
        ("/x:noexec,nodev", {}, ["noexec is not supported", "nodev is not supported"]),
        ("/x:O", {}, ["an overlay (O) is not supported"]),
    ],
)
def test_options_behind_a_mount_path_are_read(
    path: str, mount: dict[str, Any], words: list[str]
) -> None:
    made, notes = translated(pod(mounts=[{"name": "v", "mountPath": path}]))

    assert made["spec"]["containers"][0]["volumeMounts"] == [
        {"name": "v", "mountPath": "/x", **mount}
    ]
    assert [word in note for word, note in zip(words, notes, strict=True)] == [True] * len(words)


def test_an_overlay_is_fatal_since_writes_would_reach_the_volume() -> None:
    assert fatal(pod(mounts=[{"name": "v", "mountPath": "/x:O"}]))


def test_devices_among_the_resources_are_told() -> None:
    raw = pod()
    limits = {"podman.io/device=/dev/kvm": 1, "nvidia.com/gpu=all": 1, "cpu": "1"}
    raw["spec"]["containers"][0]["resources"] = {"limits": limits}

    made, notes = translated(raw)

    assert made["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}}
    assert "device /dev/kvm" in notes[0]
    assert "device nvidia.com/gpu=all" in notes[1]


def test_a_claim_needs_its_name_only() -> None:
    made, notes = translated({"kind": "PersistentVolumeClaim", "metadata": {"name": "data"}})

    assert made["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert made["spec"]["resources"] == {"requests": {"storage": "1Gi"}}
    assert len(notes) == 2


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("driver", "local", ""),
        ("uid", "7", ""),
        ("uid", "me", "must be a number"),
        ("driver", "nfs", "directory of this host"),
        ("device", "srv:/x", "nothing is mounted"),
        ("import-source", "x.tar", "begins empty"),
        ("new", "x", "does not know it"),
    ],
)
def test_annotations_of_claims(key: str, value: str, word: str) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {}}
    metadata = {"name": "data", "annotations": {f"volume.podman.io/{key}": value}}
    _, notes = translated({"kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})

    assert len(notes) == (1 if word else 0)
    assert all(word in note for note in notes)


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        (f"{PODMAN}pids-limit/c", "64", ""),
        (f"{PODMAN}ulimit", "nofile=10:20,nproc=-1", ""),
        (f"{PODMAN}cpuset/c", "0-1,3", ""),
        (f"{PODMAN}init.container.type", "always", ""),
        (f"{PODMAN}kube.health.check/c", "none", ""),
        ("bind-mount-options", "/x:z", ""),
        ("kubernetes.io/description", "anything", ""),
        (f"{PODMAN}pids-limit/c", "many", "must be a number"),
        (f"{PODMAN}ulimit", "files=10", "no list of limits"),
        (f"{PODMAN}cpuset/c", "all", "no list of numbers"),
        (f"{PODMAN}userns", "auto", "host's user namespace"),
        (f"{PODMAN}infra.name", "x", "no infra container"),
        (f"{PODMAN}kube.image.automount/c", "i", "not mounted"),
        (f"{PODMAN}kube.image.volumes.mount/c", "i", "not mounted"),
        (f"{PODMAN}privileged/c", "TRUE", "securityContext.privileged"),
        (f"{PODMAN}new.thing", "x", "does not know it"),
        ("io.containers.autoupdate/c", "registry", "images change when the manifest does"),
        ("io.containers.autoupdate.authfile", "/x", "images change when the manifest does"),
        ("io.containers.sdnotify", "healthy", "counts as started"),
        ("bind-mount-options", "/x:U", "not supported"),
        ("container.seccomp.security.alpha.kubernetes.io/none", "unconfined", "no container"),
        ("container.seccomp.security.alpha.kubernetes.io/c", "open", "no profile"),
        (f"{PODMAN}volumes-from/none", "c", "no container"),
        (f"{PODMAN}volumes-from/d", "none", "no container"),
    ],
)
def test_every_annotation_of_podman_is_honoured_or_told(key: str, value: str, word: str) -> None:
    _, notes = translated(pod(annotations={key: value}))

    assert len(notes) == (1 if word else 0)
    assert all(word in note for note in notes)


@pytest.mark.parametrize(
    ("key", "value", "where", "profile"),
    [
        ("seccomp.security.alpha.kubernetes.io/pod", "unconfined", None, {"type": "Unconfined"}),
        (
            "container.seccomp.security.alpha.kubernetes.io/c",
            "localhost/x.json",
            0,
            {"type": "Localhost", "localhostProfile": "x.json"},
        ),
        (
            "container.apparmor.security.beta.kubernetes.io/d",
            "runtime/default",
            1,
            {"type": "RuntimeDefault"},
        ),
    ],
)
def test_profiles_in_annotations_become_fields(
    key: str, value: str, where: int | None, profile: dict[str, str]
) -> None:
    made, notes = translated(pod(annotations={key: value}))

    part = made["spec"] if where is None else made["spec"]["containers"][where]
    field = "appArmorProfile" if "apparmor" in key else "seccompProfile"
    assert part["securityContext"] == {field: profile}
    assert notes == []


def test_a_field_wins_over_its_annotation() -> None:
    raw = pod(annotations={"seccomp.security.alpha.kubernetes.io/pod": "unconfined"})
    raw["spec"]["securityContext"] = {"seccompProfile": {"type": "RuntimeDefault"}}

    assert translated(raw) == (raw, [])


def test_the_annotations_of_a_template_win_over_those_of_its_workload() -> None:
    key = "seccomp.security.alpha.kubernetes.io/pod"
    template = {"metadata": {"annotations": {key: "runtime/default"}}, "spec": pod()["spec"]}
    workload = {
        "kind": "Deployment",
        "metadata": {"name": "web", "annotations": {key: "unconfined", f"{PODMAN}userns": "auto"}},
        "spec": {"template": template},
    }

    made, notes = translated(workload)

    profile = made["spec"]["template"]["spec"]["securityContext"]["seccompProfile"]
    assert profile == {"type": "RuntimeDefault"}
    assert [note.partition(": ")[0] for note in notes] == [
        '.metadata.annotations["io.podman.annotations.userns"]'
    ]


def test_volumes_of_another_container_are_mounted() -> None:
    raw = pod(
        mounts=[{"name": "v", "mountPath": "/v"}], annotations={f"{PODMAN}volumes-from/d": "c:ro"}
    )

    made, notes = translated(raw)

    assert made["spec"]["containers"][1]["volumeMounts"] == [
        {"name": "v", "mountPath": "/v", "readOnly": True}
    ]
    assert notes == []


def test_limits_of_a_container_are_read_from_annotations() -> None:
    annotations = {
        f"{PODMAN}ulimit": "nofile=10:20,core=-1",
        f"{PODMAN}pids-limit/c": "64",
        f"{PODMAN}cpuset/c": "0-1",
        f"{PODMAN}memory-nodes/c": "0",
        f"{PODMAN}pids-limit/d": "0",
    }
    unlimited = podman_limits.UNLIMITED

    assert podman_limits.of_container(annotations, "c") == podman_limits.Limits(
        ulimits=(
            podman_limits.Ulimit(name="nofile", soft=10, hard=20),
            podman_limits.Ulimit(name="core", soft=unlimited, hard=unlimited),
        ),
        pids=64,
        cpus="0-1",
        nodes="0",
    )
    assert podman_limits.of_container(annotations, "d").pids is None
    assert podman_limits.of_container({"team": "web"}, "c") is podman_limits.NOTHING
