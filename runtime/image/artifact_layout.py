"""Write files as an artifact in an OCI layout, as Flux does: names and bytes in, a digest out.

The same files give the same digest: nothing of when, where and by whom is in it. What reads it is
runtime.image.artifact_files.
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile

from runtime.image import artifact, export

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.sources import File

_CONFIG = "application/vnd.cncf.flux.config.v1+json"


def write(files: Iterable[File], layout: str) -> str:
    """Write the layout into a directory that is not there yet; return the manifest's digest."""
    os.makedirs(f"{layout}/blobs/sha256", mode=0o700)
    manifest = {
        "schemaVersion": 2,
        "mediaType": export.MANIFEST,
        "config": export.put_json(layout, {}, _CONFIG),
        "layers": [export.put(layout, _packed(files), artifact.FLUX)],
    }
    return export.finish(layout, manifest, "artifact")


def _packed(files: Iterable[File]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in sorted(files, key=lambda one: one.name):
            info = tarfile.TarInfo(file.name)
            info.size = len(file.data)
            archive.addfile(info, io.BytesIO(file.data))
    return gzip.compress(out.getvalue(), mtime=0)
