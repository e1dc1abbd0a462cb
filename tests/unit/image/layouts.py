"""OCI layouts for tests of the image store: honest ones, and ones that no builder would write."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OCI = "application/vnd.oci.image"


def tar(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def write(
    folder: Path,
    name: str,
    layers: Sequence[bytes],
    *,
    diff_ids: Sequence[object] | None = None,
    squeezed: bool = False,
    config: Mapping[str, object] | None = None,
    about: Mapping[str, object] | None = None,
) -> str:
    """Write an image of these layers under `name`; return its source. `diff_ids` may lie.

    `config` says how to run it, `about` what else its configuration holds.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def put(content: bytes, kind: str) -> dict[str, object]:
        (blobs / digest(content)[7:]).write_bytes(content)
        return {"mediaType": kind, "digest": digest(content), "size": len(content)}

    packed = [gzip.compress(layer, mtime=0) if squeezed else layer for layer in layers]
    suffix = ".layer.v1.tar+gzip" if squeezed else ".layer.v1.tar"
    claimed = [digest(layer) for layer in layers] if diff_ids is None else list(diff_ids)
    whole = {
        "architecture": "amd64",
        "os": "linux",
        "config": config or {"Cmd": ["/bin/sh"]},
        "rootfs": {"type": "layers", "diff_ids": claimed},
        **(about or {}),
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": put(json.dumps(whole).encode(), f"{OCI}.config.v1+json"),
        "layers": [put(layer, OCI + suffix) for layer in packed],
    }
    entry = put(json.dumps(manifest).encode(), f"{OCI}.manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": name}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return f"oci:{folder}:{name}"
