"""Images built with buildah from a Containerfile, and from images that only podpy has."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manifests.faults import Invalid
from runtime.image import build, removal
from runtime.image.store import Store

if TYPE_CHECKING:
    from runtime.paths import Paths

pytestmark = pytest.mark.host


@pytest.fixture
def store(instance: Paths) -> Store:
    return Store(instance)


@pytest.mark.skipif(shutil.which("buildah") is None, reason="needs buildah")
def test_a_containerfile_is_built_and_imported(store: Store, tmp_path: Path) -> None:
    shutil.copy("/bin/busybox", tmp_path / "busybox")
    (tmp_path / "Containerfile").write_text(
        "FROM scratch\nCOPY busybox /bin/busybox\nENV A=b\n"
        'RUN ["/bin/busybox", "touch", "/made"]\nUSER 7\nENTRYPOINT ["/bin/busybox"]\n'
    )

    image = build.build(store, str(tmp_path), ("built:1",))

    top = store.layer_directories(image)
    assert store.find("localhost/built:1") == image
    assert store.find("built:1") == image
    assert (image.config.entrypoint, image.config.user) == (("/bin/busybox",), "7")
    for made in ("bin/busybox", "made"):
        assert any(os.path.exists(f"{layer}/{made}") for layer in top)
    assert os.listdir(build.workspaces(store)) == []


def test_a_context_without_a_containerfile_is_invalid(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="neither a Containerfile nor a Dockerfile"):
        build.build(store, str(tmp_path), ("x",))


@pytest.mark.skipif(shutil.which("buildah") is None, reason="needs buildah")
def test_a_build_begins_with_an_image_that_only_podpy_has(store: Store, tmp_path: Path) -> None:
    low, high = tmp_path / "low", tmp_path / "high"
    low.mkdir()
    high.mkdir()
    shutil.copy("/bin/busybox", low / "busybox")
    (low / "Base").write_text(
        "FROM scratch\nCOPY busybox /bin/busybox\nENV A=b\n"
        'RUN ["/bin/busybox", "sh", "-c", "mkdir /d && echo 1 > /d/gone && echo 2 > /d/kept"]\n'
        'RUN ["/bin/busybox", "ln", "/d/kept", "/d/linked"]\n'
    )
    build.build(store, str(low), ("base:1",), containerfile=str(low / "Base"))
    (high / "Containerfile").write_text(
        "ARG BASE=nothing\nFROM ${BASE} AS first\nARG WORD\n"
        'RUN ["/bin/busybox", "rm", "/d/gone"]\n'
        'RUN ["/bin/busybox", "sh", "-c", "echo $A$WORD > /said"]\n'
        "FROM scratch\nCOPY --from=first / /\n"
        "COPY --from=localhost/base:1 /d/gone /back\n"
    )

    image = build.build(
        store,
        str(high),
        ("top:1", "localhost/other:2"),
        arguments={"BASE": "localhost/base:1", "WORD": "w"},
    )

    assert store.find("localhost/top:1") == store.find("localhost/other:2") == image
    seen = {
        str(path.relative_to(layer)): path
        for layer in map(Path, reversed(store.layer_directories(image)))
        for path in layer.rglob("*")
        if path.is_file()
    }
    assert {"bin/busybox", "d/kept", "d/linked", "said", "back"} <= set(seen)
    assert "d/gone" not in seen
    assert seen["said"].read_text() == "bw\n"
    assert seen["back"].read_text() == "1\n"


def test_what_a_killed_build_has_left_is_swept(store: Store, tmp_path: Path) -> None:
    left = f"{build.workspaces(store)}/1-dead"
    os.makedirs(f"{left}/root/vfs")

    removal.prune(store)

    assert os.listdir(build.workspaces(store)) == []
