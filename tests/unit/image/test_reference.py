"""Image names as Docker and Podman read them, and where short ones are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.faults import HostFault, Invalid
from runtime.image import reference, registries

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("docker://docker.io/a/b:1", "docker.io/a/b:1"),
        ("localhost/web", "localhost/web:latest"),
        ("127.0.0.1:5000/a/b_c:1", "127.0.0.1:5000/a/b_c:1"),
        (f"q.example/a:1@{DIGEST}", f"q.example/a@{DIGEST}"),
        ("nginx", "nginx:latest"),
    ],
)
def test_names(text: str, whole: str) -> None:
    assert str(reference.parse(text)) == whole


@pytest.mark.parametrize(
    "text",
    ["", "Nginx", "a//b", "-a", "a:", "a:b:c", "a@sha256:12", "a@md5:" + "a" * 32, "a b", "../a",
     "q.example/", "a\n", "a:" + "t" * 129],
)  # fmt: skip
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="image"):
        reference.parse(text)


def test_a_transport_comes_first() -> None:
    found = reference.source("oci:/some/dir:name:1")

    assert found is not None
    assert (found.transport, found.location) == ("oci", "/some/dir:name:1")
    assert reference.source("docker://a/b") is None
    assert reference.source("ocitool:1") is None


def test_short_names(tmp_path: Path) -> None:
    (tmp_path / "registries.conf").write_text(
        'unqualified-search-registries = ["q.example", "docker.io"]\n[aliases]\na = "x.example/a"\n'
    )
    known = registries.read((str(tmp_path),))

    def places(name: str) -> list[str]:
        return [str(place) for place in registries.places(reference.parse(name), known)]

    assert places("a:2") == ["x.example/a:2"]
    assert places("b") == ["q.example/b:latest", "docker.io/library/b:latest"]
    assert places("z.example/a") == ["z.example/a:latest"]
    nothing = registries.read((str(tmp_path / "none"),))
    there = registries.places(reference.parse("b"), nothing)
    assert [str(place) for place in there] == ["docker.io/library/b:latest"]


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "registries.conf").write_text("= [")

    with pytest.raises(HostFault, match=r"registries\.conf"):
        registries.read((str(tmp_path),))
