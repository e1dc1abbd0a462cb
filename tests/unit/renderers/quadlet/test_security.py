"""securityContexts, limits and the owners of volumes of Quadlet files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.rendered import lines, objects, rendered

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from renderers.quadlet.unit import File


def made(
    tmp_path: Path,
    own: dict[str, Any],
    pods: dict[str, Any] | None = None,
    version: str = "5.4",
    **spec: Any,
) -> tuple[dict[str, File], list[str]]:
    container = {"name": "srv", "image": "localhost/a:1", "securityContext": own}
    text = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "web"},
            "spec": {"containers": [container], "securityContext": pods or {}, **spec},
        }
    )
    claim = {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    files, lost = rendered(tmp_path, objects(claim) + text, version)
    return files, [problem.path for problem in lost]


@pytest.mark.parametrize(
    ("own", "written"),
    [
        ({"runAsUser": 5, "runAsGroup": 6, "runAsNonRoot": True}, ["User=5", "Group=6"]),
        ({"privileged": True}, ["PodmanArgs=--privileged"]),
        ({"procMount": "Unmasked"}, ["Unmask=ALL"]),
        ({"readOnlyRootFilesystem": True}, ["ReadOnly=true", "ReadOnlyTmpfs=false"]),
        ({"allowPrivilegeEscalation": False}, ["NoNewPrivileges=true"]),
        ({"seccompProfile": {"type": "Unconfined"}}, ["SeccompProfile=unconfined"]),
        (
            {"seccompProfile": {"type": "Localhost", "localhostProfile": "a/b.json"}},
            ["SeccompProfile=/var/lib/kubelet/seccomp/a/b.json"],
        ),
        (
            {"appArmorProfile": {"type": "Localhost", "localhostProfile": "mine"}},
            ["PodmanArgs=--security-opt=apparmor=mine"],
        ),
        (
            {"seLinuxOptions": {"type": "t", "level": "s0:c1", "user": "u"}},
            [
                "SecurityLabelType=t",
                "SecurityLabelLevel=s0:c1",
                "PodmanArgs=--security-opt=label=user:u",
            ],
        ),
    ],
)
def test_a_security_context_is_written(
    tmp_path: Path, own: dict[str, Any], written: list[str]
) -> None:
    files, lost = made(tmp_path, own)
    text = files["web-srv.container"].content.decode().splitlines()

    assert lost == []
    assert [line for line in text if line in written] == written


def test_apparmor_has_a_key_of_its_own_where_podman_reads_it(tmp_path: Path) -> None:
    files, _ = made(tmp_path, {"appArmorProfile": {"type": "Unconfined"}}, version="5.8")

    assert lines(files["web-srv.container"], "AppArmor") == ["unconfined"]


def test_what_of_it_is_not_kept_is_told_where_it_is_written(tmp_path: Path) -> None:
    _, own = made(tmp_path, {"runAsNonRoot": True, "runAsGroup": 5})
    _, pods = made(tmp_path, {}, {"runAsNonRoot": True, "supplementalGroupsPolicy": "Strict"})

    front = ".spec.containers[0].securityContext"
    assert own == [f"{front}.runAsGroup", f"{front}.runAsNonRoot"]
    assert pods == [
        ".spec.securityContext.runAsNonRoot",
        ".spec.securityContext.supplementalGroupsPolicy",
    ]


def test_the_pods_group_owns_its_volumes(tmp_path: Path) -> None:
    volumes = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "mem", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
    ]
    files, lost = made(tmp_path, {}, {"fsGroup": 2000}, volumes=volumes)

    assert lost == []
    assert lines(files["web-srv.container"], "GroupAdd") == ["2000"]
    for name in ("web-scratch", "web-mem", "data"):
        assert lines(files[f"{name}.volume"], "User") == ["0"]
        assert lines(files[f"{name}.volume"], "Group") == ["2000"]
    assert lines(files["web-scratch.volume"], "ExecStartPost")[0].endswith(" sh web-scratch 2777")
    assert lines(files["web-mem.volume"], "Options") == ["mode=2777,size=1048576"]
    assert lines(files["data.volume"], "ExecStartPost")[0].endswith(" sh data g+rwxs")


def test_everybody_may_write_to_an_empty_dir(tmp_path: Path) -> None:
    files, _ = made(tmp_path, {}, volumes=[{"name": "scratch", "emptyDir": {}}])
    unit = files["web-scratch.volume"]

    assert lines(unit, "Copy") == ["false"]
    assert lines(unit, "Group") == ["0"]
    assert lines(unit, "ExecStartPost")[0].endswith(" sh web-scratch 0777")


def test_files_that_the_group_would_have_to_read_are_told(tmp_path: Path) -> None:
    item = {"path": "n", "mode": 0o400, "fieldRef": {"fieldPath": "metadata.name"}}
    volumes = [{"name": "v", "downwardAPI": {"items": [item]}}]
    _, lost = made(tmp_path, {}, {"fsGroup": 2000}, volumes=volumes)

    assert lost == [".spec.volumes[0]"]


def test_limits_of_podmans_annotations_are_limits(tmp_path: Path) -> None:
    front = "io.podman.annotations."
    raw = {
        "kind": "Pod",
        "metadata": {
            "name": "web",
            "annotations": {
                f"{front}ulimit": "nofile=1024:2048",
                f"{front}pids-limit/srv": "33",
                f"{front}cpuset/srv": "0-1",
            },
        },
        "spec": {"containers": [{"name": "srv", "image": "localhost/a:1"}]},
    }
    files, lost = rendered(tmp_path, objects(raw))
    unit = files["web-srv.container"]

    assert lost == ()
    assert lines(unit, "Ulimit") == ["nofile=1024:2048"]
    assert lines(unit, "PidsLimit") == ["33"]
    assert lines(unit, "PodmanArgs") == ["--cpuset-cpus=0-1"]
    assert lines(unit, "Annotation") == []
