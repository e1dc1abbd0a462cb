"""Images built with buildah from a Containerfile, and removed with what only they need."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from manifests.faults import Invalid
from runtime.image import build, pull
from runtime.image.store import Store
from tests.unit.image import layouts

if TYPE_CHECKING:
    from pathlib import Path

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

    image = build.build(store, str(tmp_path), "built:1")

    top = store.layer_directories(image)
    assert store.find("localhost/built:1") == image
    assert store.find("built:1") == image
    assert (image.config.entrypoint, image.config.user) == (("/bin/busybox",), "7")
    for made in ("bin/busybox", "made"):
        assert any(os.path.exists(f"{layer}/{made}") for layer in top)
    assert [name for name in os.listdir(store.paths.images) if name.startswith("build-")] == []


def test_a_context_without_a_containerfile_is_invalid(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="neither a Containerfile nor a Dockerfile"):
        build.build(store, str(tmp_path), "x")


def test_removal_takes_only_what_nothing_else_needs(store: Store, tmp_path: Path) -> None:
    low, high = layouts.tar({"low": b"1"}), layouts.tar({"high": b"2"})
    one = pull.pull(store, layouts.write(tmp_path / "1", "localhost/one:1", [low]))
    two = pull.pull(store, layouts.write(tmp_path / "2", "localhost/two:1", [low, high]))
    with pytest.raises(Invalid, match="in use"):
        store.remove("localhost/two:1", in_use=frozenset((two.id,)))

    store.remove("localhost/two:1")

    assert store.find("localhost/two:1") is None
    assert os.listdir(store.paths.layers) == list(one.layers)
    assert store.is_whole(one)
    gone, _ = store.prune(frozenset((one.id,)), everything=True)
    assert gone == ()
    gone, freed = store.prune(frozenset(), everything=True)
    assert (gone, freed > 0, os.listdir(store.paths.layers)) == ((one.id,), True, [])


def test_a_removed_layer_is_fetched_again(store: Store, tmp_path: Path) -> None:
    source = layouts.write(tmp_path / "1", "localhost/one:1", [layouts.tar({"low": b"1"})])
    pull.pull(store, source)
    store.remove("localhost/one:1")

    image = pull.pull(store, source)

    assert store.is_whole(image)
