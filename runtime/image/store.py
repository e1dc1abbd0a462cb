"""Keep images: one small record each, and layers that all images share.

    images/ID.json          an image's record; ID is the digest of its configuration (64 hex)
    images/names.json       name -> ID
    images/staging/N/       an image on its way in: an OCI layout; its puller holds a flock on it
    layers/DIFF_ID/         one unpacked layer (64 hex)
    layers/DIFF_ID.tmp/     a layer being unpacked; renamed when it is whole
    images/blobs/DIGEST     which layer a blob of that digest holds: a known one is not fetched
    images/lock             shared by pulls, exclusive for removals: nothing a pull is about to
                            use is taken away

Whatever podpy is killed over, records and layers are whole or not there; the next pull, removal or
prune takes the rest away. Finding an image reads two small files. Removing them is
runtime.image.removal.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from manifests import codec
from manifests.faults import Invalid
from manifests.value import EMPTY, Value
from runtime import files, locks
from runtime.image import reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.paths import Paths


class ImageConfig(Value):
    """How an image wants to be run (OCI image-spec, config)."""

    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""
    volumes: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    stop_signal: str = ""
    labels: Mapping[str, str] = EMPTY


class Image(Value):
    """An image in the store. `layers` are diff ids (hex), the lowest first; sizes in bytes.

    `digest` is that of the manifest it was pulled by: what a registry answers for its tag.
    """

    id: str
    digest: str
    config: ImageConfig
    layers: tuple[str, ...]
    size: int = 0
    created: str = ""
    architecture: str = ""


class Store:
    """The images of one instance of podpy."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    def names(self) -> dict[str, str]:
        """Return name -> id of every name that an image has."""
        found: dict[str, str] = files.read_json(f"{self.paths.images}/names.json") or {}
        return found

    def image(self, image_id: str) -> Image:
        """Return the image with that id. Raises Invalid when it is not in the store."""
        found = self.record(image_id)
        if found is None:
            raise Invalid(
                f"image {image_id[:12]} is no longer in the store", hint="apply again to pull it"
            )
        return found

    def find(self, name: str) -> Image | None:
        """Return the image of that name, digest, id or unambiguous beginning of an id (12+)."""
        known = self.names()
        for candidate in (name,) if name in known else spellings(name):
            if candidate in known:
                return self.record(known[candidate])
        wanted = name.removeprefix("sha256:")
        if len(wanted) >= 12 and all(letter in "0123456789abcdef" for letter in wanted):
            matches = [image_id for image_id in self._ids() if image_id.startswith(wanted)]
            return self.record(matches[0]) if len(matches) == 1 else None
        return None

    def of_manifest(self, digest: str, architecture: str) -> Image | None:
        """Return the whole image of that manifest or index, and of that architecture."""
        for image in self.images():
            if image.digest == digest and image.architecture in ("", architecture):
                return image if self.is_whole(image) else None
        return None

    def images(self) -> tuple[Image, ...]:
        """Return every image."""
        found = (self.record(image_id) for image_id in self._ids())
        return tuple(image for image in found if image is not None)

    def layer_directories(self, image: Image) -> tuple[str, ...]:
        """Return the image's layers as overlayfs wants them: the topmost first."""
        return tuple(f"{self.paths.layers}/{layer}" for layer in reversed(image.layers))

    def is_whole(self, image: Image) -> bool:
        """Say whether every layer of the image is unpacked."""
        return all(os.path.isdir(f"{self.paths.layers}/{layer}") for layer in image.layers)

    def add(self, image: Image, names: tuple[str, ...]) -> None:
        """Save the record of an image whose layers are there, and give it these names."""
        files.write_json(f"{self.paths.images}/{image.id}.json", codec.encode(image), durable=True)
        self.rename(dict.fromkeys(names, image.id))

    def name(self, image: Image, names: tuple[str, ...]) -> None:
        """Give the image these names, too; nothing is written where it has them."""
        known = self.names()
        if any(known.get(name) != image.id for name in names):
            self.rename(dict.fromkeys(names, image.id))

    @contextlib.contextmanager
    def locked(self, *, exclusive: bool, timeout: float = locks.DEADLINE_SECONDS) -> Iterator[None]:
        """Keep removals away from pulls: a pull holds the lock shared, a removal exclusively.

        Raises TimedOut, naming who has it, after `timeout` seconds.
        """
        os.makedirs(self.paths.images, mode=0o700, exist_ok=True)
        os.makedirs(self.paths.layers, mode=0o700, exist_ok=True)
        path = f"{self.paths.images}/lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            locks.wait(descriptor, "the image store", shared=not exclusive, timeout=timeout)
            yield
        finally:
            os.close(descriptor)

    def _ids(self) -> tuple[str, ...]:
        try:
            found = sorted(os.listdir(self.paths.images))
        except FileNotFoundError:
            return ()
        return tuple(name[:64] for name in found if len(name) == 69 and name.endswith(".json"))

    def record(self, image_id: str) -> Image | None:
        """Return the image with exactly that id; None where there is none."""
        raw = files.read_json(f"{self.paths.images}/{image_id}.json")
        try:
            return None if raw is None else codec.restore(Image, raw)
        except ValueError:
            return None

    def forget(self, image_id: str) -> None:
        """Remove the record; its layers are for runtime.image.removal to sweep."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.paths.images}/{image_id}.json")

    def rename(self, changes: Mapping[str, str]) -> None:
        """Change names.json: name -> id, or "" to take the name away."""
        with self._names_lock():
            names = {**self.names(), **changes}
            kept = {key: image_id for key, image_id in names.items() if image_id}
            files.write_json(f"{self.paths.images}/names.json", kept, durable=True)

    @contextlib.contextmanager
    def _names_lock(self) -> Iterator[None]:
        path = f"{self.paths.images}/names.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            locks.wait(descriptor, "the names of images")
            yield
        finally:
            os.close(descriptor)


def spellings(name: str) -> tuple[str, ...]:
    """The full names under which an image that the user calls `name` may be kept."""
    try:
        wanted = reference.parse(name)
    except Invalid:
        return (name,)
    if wanted.registry:
        return (str(wanted),)
    full = (
        str(reference.parse(f"{registry}/{wanted}"))
        for registry in ("localhost", reference.DEFAULT_REGISTRY)
    )
    # A pull that found a short name elsewhere has kept the short name as well.
    return (str(wanted), *full)
