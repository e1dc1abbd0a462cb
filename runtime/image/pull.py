"""Bring an image into the store: skopeo fetches it as an OCI layout, podpy unpacks its layers.

    name or source -> Image, every layer unpacked and verified

What the store has already is neither fetched nor unpacked again: see runtime.image.layers, and for
what goes over the wire runtime.image.skopeo. The record is written last.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from enum import StrEnum

from manifests.container import PullPolicy
from manifests.faults import Fault, Invalid, Retry
from manifests.value import Value
from runtime.image import layers, manifest, reference, registries, skopeo
from runtime.image.skopeo import Options as Options
from runtime.image.store import Image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.store import Store


class Stage(StrEnum):
    """What a pull is doing; `progress` hears of each."""

    FETCHING = "fetching"
    UNPACKING = "unpacking"
    READY = "ready"
    KEPT = "cannot be pulled; the image at hand is used"


DEFAULTS = Options()


def _silent(_stage: Stage, _what: str) -> None:
    return


def ensure(
    store: Store,
    name: str,
    policy: PullPolicy = PullPolicy.IF_NOT_PRESENT,
    options: Options = DEFAULTS,
    progress: Callable[[Stage, str], None] = _silent,
) -> Image:
    """Return the image `name`, pulled as the policy asks.

    Raises Invalid when the policy forbids a pull that is needed, or the image does not exist;
    Retry when a registry cannot be reached, HostFault when skopeo is missing. With Newer none of
    it matters while the store has the image, which is then asked for only once.
    """
    there = store.find(name)
    if there is not None and not store.is_whole(there):
        there = None
    if policy is PullPolicy.NEVER:
        if there is None:
            raise Invalid(
                f'image "{name}" is not in the store and imagePullPolicy is Never',
                hint=f"podpy image pull {name}, or set imagePullPolicy: IfNotPresent",
            )
        return there
    if there is not None and policy in (PullPolicy.IF_NOT_PRESENT, PullPolicy.MISSING):
        return there
    if there is not None and _is_local(name):
        # Built or imported here: no registry has another one.
        return there
    if there is None or policy is not PullPolicy.NEWER:
        return pull(store, name, options, progress)
    try:
        return pull(store, name, options.replace(pauses=()), progress)
    except Fault:
        progress(Stage.KEPT, name)
        return there


def _is_local(name: str) -> bool:
    return reference.source(name) is None and reference.parse(name).registry == "localhost"


def pull(
    store: Store,
    name: str,
    options: Options = DEFAULTS,
    progress: Callable[[Stage, str], None] = _silent,
) -> Image:
    """Fetch the image, whatever the store has, and return it; see `ensure`."""
    source = reference.source(name)
    with store.locked(exclusive=False):
        if source is not None:
            return _from_source(store, source, options, progress)
        wanted = reference.parse(name)
        faults: list[Fault] = []
        for place in registries.places(wanted, registries.read()):
            try:
                names = tuple(dict.fromkeys((str(place), str(wanted))))
                return _from_registry(store, place, names, options, progress)
            except (Invalid, Retry) as fault:
                faults.append(fault)
        if len(faults) == 1:
            raise faults[0]
        tried = "; ".join(fault.message for fault in faults)
        raise type(faults[-1])(f'image "{name}": found in no registry: {tried}')


def _from_registry(
    store: Store,
    place: reference.Reference,
    names: tuple[str, ...],
    options: Options,
    progress: Callable[[Stage, str], None],
) -> Image:
    """Fetch from a registry, unless what it has is what the store has.

    The manifest comes first and everything after it by its digest: a tag that moves meanwhile
    cannot mix two images.
    """
    about = str(place)
    raw = skopeo.manifest(f"docker://{place}", options, about)
    digest = manifest.digest_of(raw)
    if place.digest and digest != place.digest:
        raise Invalid(f'image "{about}": its registry sent another manifest, {digest}')
    there = store.find(about)
    if there is not None and there.digest == digest and store.is_whole(there):
        progress(Stage.READY, about)
        return there
    front = f"docker://{place.registry}/{place.repository}@"
    chosen = manifest.choose(raw, options.platform)
    if chosen is not None:
        raw = skopeo.manifest(front + chosen, options, about)
        if manifest.digest_of(raw) != chosen:
            raise Invalid(f'image "{about}": its registry sent another manifest than {chosen}')
    wanted = _Wanted(
        source=front + (chosen or digest), about=about, names=names, digest=digest, manifest=raw
    )
    return _fetch(store, wanted, options, progress)


class _Wanted(Value):
    """What to fetch; of a registry's image the `manifest` is known, of an archive's it is not."""

    source: str
    about: str
    names: tuple[str, ...]
    digest: str = ""
    manifest: bytes = b""


def _from_source(
    store: Store,
    source: reference.Source,
    options: Options,
    progress: Callable[[Stage, str], None],
) -> Image:
    names = _names_of(source, options)
    wanted = _Wanted(source=str(source), about=names[0] if names else str(source), names=names)
    return _fetch(store, wanted, options, progress)


def _names_of(source: reference.Source, options: Options) -> tuple[str, ...]:
    """The names that a local source gives its image: what it says, else its file's name."""
    if source.transport == "containers-storage":
        return (str(reference.parse(source.location.rpartition("]")[2])),)
    path, colon, name = source.location.partition(":")
    if colon and name:
        return (str(reference.parse(name)),)
    if source.transport == "docker-archive":
        found = skopeo.tags(str(source), options, str(source))
        return tuple(str(reference.parse(tag)) for tag in found)
    stem = os.path.basename(os.path.abspath(path)).partition(".")[0].lower()
    with contextlib.suppress(Invalid):
        return (str(reference.parse(f"localhost/{stem}")),)
    return ()


def _fetch(
    store: Store, wanted: _Wanted, options: Options, progress: Callable[[Stage, str], None]
) -> Image:
    progress(Stage.FETCHING, wanted.about)
    have: tuple[manifest.Layer, ...] = ()
    if wanted.manifest:
        listed = manifest.manifest(wanted.manifest).layers
        have = tuple(layer for layer in listed if layers.is_known(store, layer))
    with _staging(store) as layout:
        skopeo.copy(wanted.source, layout, options, wanted.about, have)
        progress(Stage.UNPACKING, wanted.about)
        try:
            image = _import(store, layout.path, wanted, options)
        except Fault as fault:
            about = f'image "{wanted.about}": '
            message = about + fault.message.removeprefix(about)
            raise type(fault)(message, hint=fault.hint) from fault
    layers.make_durable(store)
    store.add(image, wanted.names)
    progress(Stage.READY, wanted.about)
    return image


def _import(store: Store, layout: str, wanted: _Wanted, options: Options) -> Image:
    """Unpack the layers of the one image in an OCI layout."""
    index = json.loads(_read(f"{layout}/index.json"))
    digest = index["manifests"][0]["digest"]
    held = manifest.manifest(_read(_blob(layout, digest)))
    # skopeo makes OCI manifests of Docker's, with a configuration of another digest: the image's
    # id must be the one that everybody else knows it by, so that one is asked for as it is.
    original = wanted.manifest if wanted.manifest and manifest.is_docker(wanted.manifest) else b""
    if original:
        raw = skopeo.configuration(wanted.source, options, wanted.about)
        known = manifest.manifest(original).config
    else:
        raw, known = _read(_blob(layout, held.config)), held.config
    if manifest.digest_of(raw) != known:
        raise Invalid(f"its configuration is not {known}: corrupted or forged")
    config = manifest.configuration(raw)
    if len(config.diff_ids) != len(held.layers):
        raise Invalid(
            f"its configuration names {len(config.diff_ids)} layers, its manifest "
            f"{len(held.layers)}"
        )
    for layer, diff_id in zip(held.layers, config.diff_ids, strict=True):
        layers.ensure(store, _blob(layout, layer.digest), layer.digest, diff_id)
    return Image(
        id=known.removeprefix("sha256:"),
        digest=wanted.digest or digest,
        config=config.run,
        layers=tuple(diff_id.removeprefix("sha256:") for diff_id in config.diff_ids),
        size=sum(layer.size for layer in held.layers),
        created=config.created,
        architecture=config.architecture,
    )


@contextlib.contextmanager
def _staging(store: Store) -> Iterator[skopeo.Layout]:
    """A directory of this pull's own; what killed pulls left behind is removed on the way."""
    root = f"{store.paths.images}/staging"
    os.makedirs(root, mode=0o700, exist_ok=True)
    for name in os.listdir(root):
        _remove_if_left(f"{root}/{name}")
    directory, descriptor = _locked_directory(root)
    try:
        yield skopeo.Layout(path=f"{directory}/oci", lock=descriptor)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(descriptor)


def _locked_directory(root: str) -> tuple[str, int]:
    """Make a directory and lock it; another one where a sweep came between the two."""
    while True:
        directory = f"{root}/{os.getpid()}-{os.urandom(4).hex()}"
        os.mkdir(directory, 0o700)
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.isdir(directory):
                return directory, descriptor
            os.close(descriptor)


def _remove_if_left(directory: str) -> None:
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(directory, ignore_errors=True)
    except BlockingIOError:
        return  # its pull is still at work, or the skopeo of a killed one
    finally:
        os.close(descriptor)


def _blob(layout: str, digest: str) -> str:
    return f"{layout}/blobs/sha256/{digest.removeprefix('sha256:')}"


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
