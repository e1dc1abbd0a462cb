"""runtime.image.artifact and artifact_files: what is taken for manifests, and read how."""

from __future__ import annotations

import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from manifests.faults import Invalid
from runtime.image import artifact
from runtime.image.artifact import Part
from runtime.image.artifact_files import Bounds, Files
from runtime.image.blob import Source
from tests.fixtures import artifacts
from tests.fixtures.artifacts import Artifact, Blob
from tests.unit.image import archives

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGES = {"a.yaml": "a: 1\n", "deep/b.yaml": "b: 2\n"}


class Bytes(Source):
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, most: int) -> bytes:
        piece, self._content = self._content[:most], self._content[most:]
        return piece


def read(held: Artifact, bounds: Bounds | None = None) -> Files:
    files = Files(bounds) if bounds else Files()
    for part, blob in zip(artifact.parts(artifacts.manifest(held)), held.blobs, strict=True):
        files.add(part, Bytes(blob.content))
    files.check()
    return files


def archived(*entries: tuple[tarfile.TarInfo, bytes]) -> Artifact:
    return Artifact(artifacts.FLUX_CONFIG, [Blob(f"{artifacts.LAYER}", archives.archive(*entries))])


def texts(files: Files) -> dict[str, str]:
    return {os.fsdecode(name): data.decode() for name, data in files.files.items()}


@pytest.mark.parametrize(
    "held",
    [
        artifacts.flux(PAGES),
        artifacts.oras_files(PAGES),
        artifacts.image(artifacts.packed(PAGES)),
        artifacts.image(artifacts.archive(PAGES), kind=artifacts.LAYER),
        Artifact(
            artifacts.ORAS_CONFIG,
            [Blob("any/thing", artifacts.packed(PAGES), {artifact.TITLE: "pages.tar.gz"})],
        ),
    ],
    ids=["flux", "files of oras", "image", "plain layer", "an archive with a name"],
)
def test_what_the_tools_of_the_field_write_is_read(held: Artifact) -> None:
    assert texts(read(held)) == PAGES


def test_a_directory_of_oras_keeps_its_name() -> None:
    found = read(artifacts.oras_directory("deploy", PAGES))

    assert texts(found) == {f"deploy/{name}": text for name, text in PAGES.items()}


def test_later_layers_lie_over_earlier_ones() -> None:
    lower = artifacts.packed({"a": "1", "b": "1", "d/x": "1", "e/x": "1"})
    upper = artifacts.packed({"b": "2", ".wh.a": "", "d/.wh..wh..opq": "", "d/y": "2", ".wh.e": ""})

    assert texts(read(artifacts.image(lower, upper))) == {"b": "2", "d/y": "2"}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (
            Artifact("application/vnd.cncf.helm.config.v1+json", [Blob("x", b"")]),
            "it is a Helm chart",
        ),
        (
            Artifact(artifacts.ORAS_CONFIG, [Blob("application/wasm", b""), Blob("text/x", b"")]),
            "not read as manifests: application/wasm, text/x",
        ),
        (Artifact(artifacts.ORAS_CONFIG, []), "it holds nothing"),
    ],
)
def test_what_holds_no_manifests_is_named(held: Artifact, said: str) -> None:
    with pytest.raises(Invalid, match=said.replace("+", r"\+")):
        artifact.parts(artifacts.manifest(held))


HOSTILE: Mapping[str, tuple[Artifact, str]] = {
    "climbs out": (archived(archives.plain("../x")), "outside of its layer"),
    "titled to climb out": (artifacts.oras_files({"../x": "1"}), "outside of its layer"),
    "no name": (artifacts.oras_files({"./": "1"}), "no name of a file"),
    "a device": (archived((archives.entry("null", tarfile.CHRTYPE), b"")), "character device"),
    "a pipe": (archived((archives.entry("pipe", tarfile.FIFOTYPE), b"")), "is a fifo"),
    "a hard link out": (archived(archives.hard_link("x", "/etc/shadow")), "no file"),
    "a file below a link": (
        archived(archives.symlink("d", "/etc"), archives.plain("d/passwd")),
        "is a file, and a directory",
    ),
    "no archive": (Artifact("c", [Blob(artifacts.LAYER, b"x" * 1024)]), "corrupt"),
    "cut off": (Artifact("c", [Blob(artifact.FLUX, artifacts.packed(PAGES)[:-9])]), "truncated"),
}


@pytest.mark.parametrize(("held", "said"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused(held: Artifact, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(held)


def test_links_are_names_only_and_what_git_would_take_for_its_own_is_left_out() -> None:
    links = (archives.symlink("x.yaml", "/etc/shadow"), archives.hard_link("c.yaml", "a.yaml"))
    entries = (archives.plain("a.yaml", b"1"), *links, archives.plain("d/.GIT/config"))
    found = read(archived(*entries))

    assert texts(found) == {"a.yaml": "1", "c.yaml": "1"}
    assert found.links == {b"x.yaml": b"/etc/shadow"}


BIG = {"a": "x" * (1 << 20), "b": "x"}


@pytest.mark.parametrize(
    ("held", "bounds", "said"),
    [
        (artifacts.flux(BIG), Bounds(size=1 << 20), "more than 1 MiB, the limit"),
        (artifacts.oras_files(BIG), Bounds(size=1 << 20), "more than 1 MiB, the limit"),
        (artifacts.flux(BIG), Bounds(entries=1), "more than 1 entries, the limit"),
    ],
    ids=["bytes of an archive", "bytes of files", "entries"],
)
def test_there_are_limits(held: Artifact, bounds: Bounds, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read(held, bounds)


@pytest.mark.parametrize("title", ["", "a.yaml"])
def test_a_blob_that_is_another_one_is_refused(title: str) -> None:
    part = Part(digest=artifacts.digest(b"other"), size=1, title=title)

    with pytest.raises(Invalid, match="corrupted or forged"):
        Files().add(part, Bytes(artifacts.archive({"a.yaml": "1"})))


def test_titles_may_be_anything() -> None:
    notes: Any = {artifact.TITLE: "\ud800.yaml"}
    part = artifact.parts(artifacts.manifest(Artifact("c", [Blob("text/yaml", b"1", notes)])))[0]
    files = Files()
    files.add(part, Bytes(b"1"))

    assert list(files.files) == [b"?.yaml"]
