"""volumeMounts of Quadlet files: which form each takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.rendered import lines, one, rendered

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from renderers.quadlet.unit import File


def made(tmp_path: Path, volume: dict[str, Any], version: str = "5.4", **mount: Any) -> File:
    text = one(
        volumeMounts=[{"name": "v", "mountPath": "/v", **mount}],
        volumes=[{"name": "v", **volume}],
    )
    files, lost = rendered(tmp_path, text, version)
    assert lost == ()
    return files["web-srv.container"]


@pytest.mark.parametrize(
    ("volume", "mount", "key", "written"),
    [
        ({"hostPath": {"path": "/h"}}, {}, "Volume", "/h:/v"),
        ({"hostPath": {"path": "/h"}}, {"subPath": "a/b"}, "Volume", "/h/a/b:/v"),
        (
            {"hostPath": {"path": "/h"}},
            {"readOnly": True, "mountPropagation": "HostToContainer"},
            "Volume",
            "/h:/v:ro,rslave",
        ),
        (
            {"hostPath": {"path": "/h"}},
            {"mountPath": "/a b"},
            "Mount",
            '"type=bind,source=/h,destination=/a b"',
        ),
        (
            {"hostPath": {"path": '/a, "b"'}},
            {"readOnly": True},
            "PodmanArgs",
            r'"--mount=type=bind,\"source=/a, \"\"b\"\"\",destination=/v,ro=true"',
        ),
        ({"emptyDir": {}}, {}, "Volume", "web-v.volume:/v"),
        (
            {"emptyDir": {}},
            {"subPath": "x"},
            "Mount",
            "type=volume,source=web-v.volume,destination=/v,subpath=x",
        ),
        (
            {"persistentVolumeClaim": {"claimName": "data", "readOnly": True}},
            {},
            "Volume",
            "data.volume:/v:ro",
        ),
        (
            {"image": {"reference": "localhost/m:1"}},
            {},
            "Mount",
            "type=image,source=localhost/m:1,destination=/v",
        ),
    ],
)
def test_a_mount_takes_the_form_that_its_paths_allow(
    tmp_path: Path, volume: dict[str, Any], mount: dict[str, Any], key: str, written: str
) -> None:
    assert lines(made(tmp_path, volume, **mount), key) == [written]


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("", """/bin/sh -c "test -e \\"$$1\\" || mkdir -p -- \\"$$1\\"" sh /h"""),
        ("DirectoryOrCreate", "/bin/mkdir -p -- /h"),
        ("FileOrCreate", """/bin/sh -c "test -f \\"$$1\\" || : >\\"$$1\\"" sh /h"""),
        ("Socket", "/usr/bin/test -S /h"),
        ("CharDevice", "/usr/bin/test -c /h"),
    ],
)
def test_a_path_of_the_host_is_made_or_checked_before_the_start(
    tmp_path: Path, kind: str, command: str
) -> None:
    unit = made(tmp_path, {"hostPath": {"path": "/h", "type": kind}})

    assert lines(unit, "ExecStartPre") == [command]


def test_the_directory_that_a_sub_path_names_is_made(tmp_path: Path) -> None:
    unit = made(tmp_path, {"emptyDir": {}}, subPath="a b")

    assert lines(unit, "ExecStartPre")[0].endswith(' sh web-v "a b"')


def test_a_part_of_a_volume_is_told_of_where_podman_cannot_mount_it(tmp_path: Path) -> None:
    mounts = [{"name": "v", "mountPath": "/v", "subPath": "x"}]
    text = one(volumeMounts=mounts, volumes=[{"name": "v", "emptyDir": {}}])
    memory = one(volumeMounts=mounts, volumes=[{"name": "v", "emptyDir": {"medium": "Memory"}}])

    _, old = rendered(tmp_path, text, "5.3")
    _, lost = rendered(tmp_path, memory)

    paths = [problem.path for problem in (*old, *lost)]
    assert paths == [".spec.containers[0].volumeMounts[0].subPath"] * 2


def test_a_sub_path_is_made_of_variables(tmp_path: Path) -> None:
    text = one(
        env=[{"name": "WHO", "value": "me"}],
        volumeMounts=[{"name": "v", "mountPath": "/v", "subPathExpr": "a/$(WHO)"}],
        volumes=[{"name": "v", "hostPath": {"path": "/h"}}],
    )
    files, lost = rendered(tmp_path, text)

    assert (lines(files["web-srv.container"], "Volume"), lost) == (["/h/a/me:/v"], ())
