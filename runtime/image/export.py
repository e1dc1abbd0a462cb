"""Write an image of the store as an OCI layout: what runtime.image.unpack does, backwards.

Called by runtime.image.build, to hand an image to buildah. The layers are packed anew, so their
digests, and the image's, are others than they were in a registry.

    a character device 0:0        -> .wh.NAME
    trusted.overlay.opaque=y      -> .wh..wh..opq
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tarfile

from runtime.image.tree import is_whiteout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Any

    from runtime.image.store import Image, ImageConfig, Store

OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")
KEPT_XATTRS = ("security.capability", "user.")
_OCI = "application/vnd.oci.image"
MANIFEST = f"{_OCI}.manifest.v1+json"


def write(store: Store, image: Image, name: str, layout: str) -> None:
    """Write the image into the directory `layout`, which must not exist, under `name`."""
    os.makedirs(f"{layout}/blobs/sha256", mode=0o700)
    layers = [
        _put_layer(layout, directory) for directory in reversed(store.layer_directories(image))
    ]
    config = {
        "architecture": image.architecture,
        "os": "linux",
        **({"created": image.created} if image.created else {}),
        "config": _config(image.config),
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": put_json(layout, config, f"{_OCI}.config.v1+json"),
        "layers": layers,
    }
    finish(layout, manifest, name)


def finish(layout: str, manifest: dict[str, Any], name: str) -> str:
    """Write what makes a layout of a directory with blobs in it; return the manifest's digest."""
    entry = put_json(layout, manifest, MANIFEST)
    digest: str = entry["digest"]
    entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    _write(f"{layout}/index.json", {"schemaVersion": 2, "manifests": [entry]})
    _write(f"{layout}/oci-layout", {"imageLayoutVersion": "1.0.0"})
    return digest


def _config(config: ImageConfig) -> dict[str, Any]:
    known = {
        "Entrypoint": list(config.entrypoint),
        "Cmd": list(config.cmd),
        "Env": list(config.env),
        "User": config.user,
        "WorkingDir": config.working_dir,
        "Volumes": {path: {} for path in config.volumes},
        "ExposedPorts": {port: {} for port in config.exposed_ports},
        "StopSignal": config.stop_signal,
        "Labels": dict(config.labels),
    }
    return {key: value for key, value in known.items() if value}


def _put_layer(layout: str, directory: str) -> dict[str, Any]:
    temporary = f"{layout}/layer"
    with open(temporary, "wb") as file:
        hashed: Any = _Hashed(file)  # tarfile's stubs want all of a file, it only writes
        with tarfile.open(fileobj=hashed, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            for entry in _entries(directory, archive):
                _add(archive, entry, directory)
    return _named(layout, temporary, hashed.digest(), hashed.size, f"{_OCI}.layer.v1.tar")


def _entries(directory: str, archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The root, and each directory before what is in it."""
    waiting = [""]
    while waiting:
        name = waiting.pop()
        path = f"{directory}/{name}" if name else directory
        held = os.lstat(path)
        if is_whiteout(held):
            yield _marker(name, ".wh." + os.path.basename(name))
            continue
        if os.path.islink(path) or not os.path.isdir(path):
            if not stat.S_ISSOCK(held.st_mode):
                yield archive.gettarinfo(path, name)
            continue
        info = archive.gettarinfo(path, name or ".")
        yield info
        marks = os.listxattr(path, follow_symlinks=False)
        if any(mark in OPAQUE for mark in marks):
            yield _marker(f"{name}/x", ".wh..wh..opq")
        children = sorted(os.listdir(path), reverse=True)
        waiting.extend(f"{name}/{child}" if name else child for child in children)


def _marker(beside: str, name: str) -> tarfile.TarInfo:
    folder = os.path.dirname(beside)
    return tarfile.TarInfo(f"{folder}/{name}" if folder else name)


def _add(archive: tarfile.TarFile, info: tarfile.TarInfo, directory: str) -> None:
    info.uname = info.gname = ""
    path = f"{directory}/{info.name}"
    if (info.isfile() or info.isdir()) and os.path.lexists(path):
        info.pax_headers = dict(_xattrs(path))
    if info.isfile() and info.size:
        with open(path, "rb") as content:
            archive.addfile(info, content)
    else:
        archive.addfile(info)


def _xattrs(path: str) -> Iterator[tuple[str, str]]:
    for mark in os.listxattr(path, follow_symlinks=False):
        if mark.startswith(KEPT_XATTRS) and not mark.startswith("user.overlay."):
            value = os.getxattr(path, mark, follow_symlinks=False)
            # tarfile writes records as UTF-8: what is no text goes through surrogates.
            yield f"SCHILY.xattr.{mark}", value.decode("utf-8", "surrogateescape")


class _Hashed:
    """A file that is only written, and hashed on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        self.size = 0
        self._file = file
        self._sum = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._sum.update(data)
        self.size += len(data)
        return self._file.write(data)

    def digest(self) -> str:
        return f"sha256:{self._sum.hexdigest()}"


def put_json(layout: str, value: object, kind: str) -> dict[str, Any]:
    """Write a value as a blob; return its descriptor."""
    return put(layout, json.dumps(value).encode(), kind)


def put(layout: str, raw: bytes, kind: str) -> dict[str, Any]:
    """Write bytes as a blob; return their descriptor."""
    temporary = f"{layout}/blob"
    with open(temporary, "wb") as file:
        file.write(raw)
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return _named(layout, temporary, digest, len(raw), kind)


def _named(layout: str, temporary: str, digest: str, size: int, kind: str) -> dict[str, Any]:
    os.replace(temporary, f"{layout}/blobs/sha256/{digest.removeprefix('sha256:')}")
    return {"mediaType": kind, "digest": digest, "size": size}


def _write(path: str, value: object) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)
