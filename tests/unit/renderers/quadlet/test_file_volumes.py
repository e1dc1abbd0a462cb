"""configMap, secret, downwardAPI and projected volumes of Quadlet files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures.rendered import configmap, lines, one, rendered, secret

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from manifests.problems import Problem
    from renderers.quadlet.unit import File

HELD = configmap("cm", level="debug", check="#!/bin/sh\n") + secret("key", word="hush")


def made(
    tmp_path: Path, volume: dict[str, Any], **mount: Any
) -> tuple[dict[str, File], tuple[Problem, ...]]:
    mounts = [{"name": "v", "mountPath": "/v", **mount}]
    return rendered(tmp_path, HELD + one(volumeMounts=mounts, volumes=[{"name": "v", **volume}]))


def held(files: dict[str, File], front: str) -> dict[str, tuple[str, int]]:
    return {
        name.removeprefix(front): (file.content.decode(), file.mode)
        for name, file in files.items()
        if name.startswith(front) and not name.endswith("/")
    }


def test_a_configmap_is_a_directory_that_nobody_writes_to(tmp_path: Path) -> None:
    items = [{"key": "level", "path": "level"}, {"key": "check", "path": "bin/c", "mode": 0o555}]
    files, lost = made(tmp_path, {"configMap": {"name": "cm", "items": items}})

    assert lost == ()
    assert held(files, "web-v.files/") == {
        "level": ("debug", 0o644),
        "bin/c": ("#!/bin/sh\n", 0o555),
    }
    assert lines(files["web-srv.container"], "Volume") == ["./web-v.files:/v:ro"]


def test_a_secret_is_in_a_directory_for_its_owner_alone(tmp_path: Path) -> None:
    files, lost = made(tmp_path, {"secret": {"secretName": "key", "defaultMode": 0o440}})

    assert lost == ()
    assert held(files, "web-v.secret/files/") == {"word": ("hush", 0o440)}
    assert files["web-v.secret/files/word"].private
    assert files["web-v.secret/files/"].private
    assert lines(files["web-srv.container"], "Volume") == ["./web-v.secret/files:/v:ro"]
    assert all(b"hush" not in file.content for file in files.values() if not file.private)


def test_parts_of_a_projected_volume_stand_in_one_directory(tmp_path: Path) -> None:
    fields = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "ip", "fieldRef": {"fieldPath": "metadata.uid"}},
    ]
    sources = [
        {"configMap": {"name": "cm", "items": [{"key": "level", "path": "level"}]}},
        {"secret": {"name": "key", "optional": True}},
        {"downwardAPI": {"items": fields}},
    ]
    files, lost = made(tmp_path, {"projected": {"sources": sources}})

    assert sorted(held(files, "web-v.secret/files/")) == ["labels", "level", "word"]
    assert [(problem.path, "metadata.uid" in problem.message) for problem in lost] == [
        (".spec.volumes[0]", True)
    ]


def test_a_key_that_quadlet_would_take_for_a_unit_is_left_out(tmp_path: Path) -> None:
    items = [
        {"key": "level", "path": path}
        for path in ("evil.container", "a/web-srv.container.d/x.conf", "pod.d/y", "pod", "a.conf")
    ]
    files, lost = made(tmp_path, {"configMap": {"name": "cm", "items": items}})

    assert sorted(held(files, "web-v.files/")) == ["a.conf", "pod"]
    assert len(lost) == 3


def test_one_file_of_it_is_mounted_by_its_path(tmp_path: Path) -> None:
    files, lost = made(tmp_path, {"configMap": {"name": "cm"}}, subPath="level")
    _, missing = made(tmp_path, {"configMap": {"name": "cm"}}, subPath="other")

    assert lost == ()
    assert lines(files["web-srv.container"], "Volume") == ["./web-v.files/level:/v:ro"]
    assert [problem.path for problem in missing] == [".spec.containers[0].volumeMounts[0].subPath"]


def test_what_is_not_there_is_told_unless_it_is_optional(tmp_path: Path) -> None:
    files, lost = made(tmp_path, {"configMap": {"name": "none", "optional": True}})
    _, told = made(tmp_path, {"configMap": {"name": "none"}})

    assert (held(files, "web-v.files/"), lost) == ({}, ())
    assert "web-v.files/" in files
    assert [problem.path for problem in told] == [".spec.volumes[0]"]
