from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

from tools import oci_layout

if TYPE_CHECKING:
    from pathlib import Path


def one_file(text: bytes) -> list[oci_layout.Member]:
    return [oci_layout.directory("etc"), oci_layout.file("etc/motd", text)]


def index(layout: Path) -> list[dict[str, dict[str, str]]]:
    manifests: list[dict[str, dict[str, str]]] = json.loads((layout / "index.json").read_text())[
        "manifests"
    ]
    return manifests


def test_layer_holds_the_files_given(tmp_path: Path) -> None:
    blob, _ = oci_layout.write_layer(str(tmp_path), one_file(b"hello\n"))
    packed = (tmp_path / "blobs/sha256" / blob.digest.removeprefix("sha256:")).read_bytes()

    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        held = tar.extractfile("etc/motd")
        assert held is not None
        assert held.read() == b"hello\n"


def test_same_files_give_the_same_image(tmp_path: Path) -> None:
    first = oci_layout.write_image(str(tmp_path / "a"), "x:1", [one_file(b"hello\n")], {})
    second = oci_layout.write_image(str(tmp_path / "b"), "x:1", [one_file(b"hello\n")], {})

    assert first == second


def test_name_written_twice_names_the_later_image(tmp_path: Path) -> None:
    oci_layout.write_image(str(tmp_path), "x:1", [one_file(b"old\n")], {})
    oci_layout.write_image(str(tmp_path), "y:1", [one_file(b"old\n")], {})
    oci_layout.write_image(str(tmp_path), "x:1", [one_file(b"new\n")], {})

    assert [m["annotations"][oci_layout.NAME] for m in index(tmp_path)] == ["y:1", "x:1"]
