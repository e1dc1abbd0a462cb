"""Have skopeo copy an image into an OCI layout: a source in, its manifest and blobs' files out.

Called by runtime.image.pull for archives, for other programs' stores, and for registries where
this host asks for signatures, which `skopeo copy` verifies.
"""

from __future__ import annotations

import contextlib
import functools
import json

from manifests.faults import Invalid
from manifests.value import Value
from runtime.image import layers, manifest, skopeo, workspace
from runtime.image.blob import File
from runtime.image.meter import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.manifest import Layer
    from runtime.image.meter import Meter
    from runtime.image.store import Store


class Wanted(Value):
    """What to copy; of a registry's image the manifest, and the digest it is asked for by, are
    known."""

    source: str
    about: str
    digest: str = ""
    manifest: bytes = b""


class Layout(Value):
    """An image in an OCI layout; `digest` is the one that it is known by."""

    path: str
    manifest: manifest.Manifest
    config: bytes
    digest: str

    def opener(self, layer: Layer) -> Callable[[], File]:
        return functools.partial(File, _blob(self.path, layer.digest))


def staging(store: Store) -> str:
    """Where layouts lie; what killed pulls left there is for whoever comes next to sweep."""
    return f"{store.paths.images}/staging"


@contextlib.contextmanager
def layout(store: Store, wanted: Wanted, options: skopeo.Options, meter: Meter) -> Iterator[Layout]:
    """Yield the image in a layout that is gone afterwards.

    Blobs whose layers the store has are holes in it.
    """
    have: tuple[manifest.Layer, ...] = ()
    if wanted.manifest:
        listed = manifest.manifest(wanted.manifest).layers
        have = tuple(layer for layer in listed if layers.is_known(store, layer))
    meter.stage(Stage.FETCHING)
    with workspace.made(staging(store)) as space:
        target = workspace.Workspace(path=f"{space.path}/oci", lock=space.lock)
        skopeo.copy(wanted.source, target, options, wanted.about, have)
        yield _read_layout(target.path, wanted, options)


def _read_layout(path: str, wanted: Wanted, options: skopeo.Options) -> Layout:
    index = json.loads(_read(f"{path}/index.json"))
    digest = index["manifests"][0]["digest"]
    held = manifest.manifest(_read(_blob(path, digest)))
    # skopeo makes OCI manifests of Docker's, with a configuration of another digest: the image's
    # id must be the one that everybody else knows it by, so that one is asked for as it is.
    original = wanted.manifest if wanted.manifest and manifest.is_docker(wanted.manifest) else b""
    if original:
        raw = skopeo.configuration(wanted.source, options, wanted.about)
        held = held.replace(config=manifest.manifest(original).config)
    else:
        raw = _read(_blob(path, held.config))
    if manifest.digest_of(raw) != held.config:
        raise Invalid(f"its configuration is not {held.config}: corrupted or forged")
    return Layout(path=path, manifest=held, config=raw, digest=wanted.digest or digest)


def _blob(path: str, digest: str) -> str:
    return f"{path}/blobs/sha256/{digest.removeprefix('sha256:')}"


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
