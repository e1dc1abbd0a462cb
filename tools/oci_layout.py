"""Write images as an OCI layout: a name, a stream of files and a config in, blobs on disk out.

    DIR/oci-layout, DIR/index.json, DIR/blobs/sha256/...

Used by tools.demo_images and by the tests' images. One layer an image, gzipped; the same files give
the same digests. The format is the OCI image specification's (image-layout.md, config.md).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import platform
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NAME = "org.opencontainers.image.ref.name"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


class Blob(NamedTuple):
    """A file of the layout, as a manifest speaks of it."""

    digest: str
    size: int


class Member(NamedTuple):
    """One entry of a layer: its tar header, and its content where it is a file."""

    header: tarfile.TarInfo
    content: IO[bytes] | None = None


def directory(path: str, *, mode: int = 0o755, uid: int = 0) -> Member:
    return Member(_header(path, tarfile.DIRTYPE, mode, uid))


def symlink(path: str, target: str) -> Member:
    header = _header(path, tarfile.SYMTYPE, 0o777, 0)
    header.linkname = target
    return Member(header)


def file(path: str, content: bytes, *, mode: int = 0o644) -> Member:
    header = _header(path, tarfile.REGTYPE, mode, 0)
    header.size = len(content)
    return Member(header, io.BytesIO(content))


def _header(path: str, kind: bytes, mode: int, uid: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(path)
    header.type, header.mode, header.uid, header.gid = kind, mode, uid, uid
    return header


class _Gzip:
    """A file to write to that compresses into `sink` and hashes both sides."""

    def __init__(self, sink: IO[bytes]) -> None:
        self.sink, self.size = sink, 0
        self.raw, self.packed = hashlib.sha256(), hashlib.sha256()
        self.engine = zlib.compressobj(1, wbits=31)  # wbits 31: a gzip header, with no time in it

    def write(self, data: bytes) -> int:
        self.raw.update(data)
        self._emit(self.engine.compress(data))
        return len(data)

    def finish(self) -> None:
        self._emit(self.engine.flush())

    def _emit(self, data: bytes) -> None:
        self.packed.update(data)
        self.size += len(data)
        self.sink.write(data)


def write_layer(layout: str, members: Iterable[Member]) -> tuple[Blob, str]:
    """Store `members` as one layer; return the blob and the digest of the tar inside it."""
    blobs = os.path.join(layout, "blobs", "sha256")
    os.makedirs(blobs, exist_ok=True)
    fresh = os.path.join(blobs, f"new-{os.getpid()}-{id(members)}")
    with open(fresh, "wb") as sink:
        gzip = _Gzip(sink)
        with tarfile.open(fileobj=gzip, mode="w|", format=tarfile.GNU_FORMAT) as tar:  # type: ignore[call-overload]
            for member in members:
                tar.addfile(member.header, member.content)
        gzip.finish()
    os.replace(fresh, os.path.join(blobs, gzip.packed.hexdigest()))
    return Blob(f"sha256:{gzip.packed.hexdigest()}", gzip.size), f"sha256:{gzip.raw.hexdigest()}"


def write_image(
    layout: str, name: str, layers: Iterable[Iterable[Member]], config: Mapping[str, Any]
) -> Blob:
    """Add the image `name` to the layout at `layout`, replacing the one it names now.

    `config` is the `config` object of the image configuration: Entrypoint, Env, User and so on.
    """
    stored = [write_layer(layout, members) for members in layers]
    image = {
        "architecture": ARCHITECTURE,
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in stored]},
        "history": [{"created_by": "tools.oci_layout"} for _ in stored],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _descriptor(CONFIG, _write_json(layout, image)),
        "layers": [_descriptor(LAYER, blob) for blob, _ in stored],
    }
    blob = _write_json(layout, manifest)
    with _index(layout) as manifests:
        manifests[:] = [m for m in manifests if m.get("annotations", {}).get(NAME) != name]
        manifests.append({**_descriptor(MANIFEST, blob), "annotations": {NAME: name}})
    return blob


def _descriptor(media_type: str, blob: Blob) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": blob.digest, "size": blob.size}


def _write_json(layout: str, value: object) -> Blob:
    data = json.dumps(value, sort_keys=True).encode()
    digest = hashlib.sha256(data).hexdigest()
    _replace(os.path.join(layout, "blobs", "sha256", digest), data)
    return Blob(f"sha256:{digest}", len(data))


@contextlib.contextmanager
def _index(layout: str) -> Iterator[list[dict[str, Any]]]:
    path = os.path.join(layout, "index.json")
    manifests: list[dict[str, Any]] = []
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as known:
        manifests = json.load(known)["manifests"]
    yield manifests
    _replace(os.path.join(layout, "oci-layout"), b'{"imageLayoutVersion": "1.0.0"}')
    _replace(path, json.dumps({"schemaVersion": 2, "manifests": manifests}).encode())


def _replace(path: str, data: bytes) -> None:
    with open(f"{path}.new", "wb") as fresh:
        fresh.write(data)
    os.replace(f"{path}.new", path)
