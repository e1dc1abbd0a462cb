"""Read what an artifact is made of: its manifest in, its blobs and how to read each out. Pure.

What the tools of the field write is taken:

    flux push artifact       application/vnd.cncf.flux.content.v1.tar+gzip
    oras push REF DIR FILE   org.opencontainers.image.title names the file, or with
                             io.deis.oras.content.unpack the directory that is packed in the blob
    images                   their layers: tar, plain or packed with gzip or zstd

Formats: the OCI image specification 1.1, and what these tools write.
"""

from __future__ import annotations

import json

from manifests.faults import Invalid
from manifests.value import Value
from runtime.image import manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TITLE = "org.opencontainers.image.title"
UNPACK = "io.deis.oras.content.unpack"
FLUX = "application/vnd.cncf.flux.content.v1.tar+gzip"
_ARCHIVES = frozenset(
    {
        FLUX,
        *(f"application/vnd.oci.image.layer.v1.tar{packed}" for packed in ("", "+gzip", "+zstd")),
        *(f"application/vnd.docker.image.rootfs.diff.tar{end}" for end in ("", ".gzip", ".zstd")),
    }
)
_PACKED_NAMES = (".tar", ".tar.gz", ".tgz", ".tar.zst")
_HELM = "application/vnd.cncf.helm."


class Part(Value):
    """A blob: an archive, or with a `title` the one file of that name."""

    digest: str
    size: int
    title: str = ""


def parts(raw: bytes) -> tuple[Part, ...]:
    """Return the blobs of an artifact, the lowest first.

    Raises Invalid where the manifest is none, and where it has something that holds no manifests
    of Kubernetes, which is named.
    """
    listed = manifest.manifest(raw).layers
    told = json.loads(raw)
    kinds = [_kind(told["config"]), *(_kind(item) for item in told.get("layers") or ())]
    if any(kind.startswith(_HELM) for kind in kinds):
        raise Invalid(
            "it is a Helm chart, which is no manifest before it is rendered",
            hint="push what helm template makes of it",
        )
    if not listed:
        raise Invalid("it holds nothing")
    found, strange = [], []
    for blob, item in zip(listed, told["layers"], strict=True):
        notes = item.get("annotations")
        notes = notes if isinstance(notes, dict) else {}
        title = str(notes.get(TITLE) or "")
        if not title and _kind(item) not in _ARCHIVES:
            strange.append(_kind(item) or "no media type")
        packed = notes.get(UNPACK) == "true" or title.endswith(_PACKED_NAMES)
        found.append(Part(digest=blob.digest, size=blob.size, title="" if packed else title))
    if strange:
        raise Invalid(
            f"what it holds is not read as manifests: {', '.join(dict.fromkeys(strange))}",
            hint="push a directory of manifests: flux push artifact, or oras push",
        )
    return tuple(found)


def _kind(item: Any) -> str:
    found = item.get("mediaType") if isinstance(item, dict) else None
    return found if isinstance(found, str) else ""
