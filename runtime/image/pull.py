"""Bring an image into the store: from a registry layer by layer, from an archive as a whole.

    name or source -> Image, every layer unpacked and verified

What the store has already is neither fetched nor unpacked again: see runtime.image.layers. A
registry's layers are unpacked while they come (runtime.image.fetch); from everything else, and
where this host asks for signatures, skopeo copies first (runtime.image.archive). The record is
written last, when all is on the disk.
"""

from __future__ import annotations

import contextlib
import os

from manifests.container import PullPolicy
from manifests.faults import Fault, Invalid, Retry
from runtime import files, space
from runtime.image import (
    archive,
    durable,
    fetch,
    layers,
    manifest,
    reference,
    registries,
    skopeo,
    workspace,
)
from runtime.image.meter import Meter, Progress, Stage, silent
from runtime.image.skopeo import Options as Options
from runtime.image.store import Image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.store import Store

DEFAULTS = Options()
LAYERS = 500
"""Lower layers of one overlay: OVL_MAX_STACK of the kernel."""

_OTHERS = (
    "the image is here; imagePullPolicy IfNotPresent, or Newer, takes it where Always does not"
)


def ensure(
    store: Store,
    name: str,
    policy: PullPolicy = PullPolicy.IF_NOT_PRESENT,
    options: Options = DEFAULTS,
    progress: Callable[[Progress], None] = silent,
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
                reason="ErrImageNeverPull",
            )
        return there
    if there is not None and policy in (PullPolicy.IF_NOT_PRESENT, PullPolicy.MISSING):
        return there
    if there is not None and _is_local(name):
        # Built or imported here: no registry has another one.
        return there
    if there is None:
        return _brought(store, name, options, progress)
    newer = policy is PullPolicy.NEWER
    try:
        return pull(store, name, options.replace(pauses=()) if newer else options, progress)
    except Fault as fault:
        if not newer:
            raise type(fault)(fault.message, hint=_OTHERS) from fault
        progress(Progress(stage=Stage.KEPT, image=name))
        return there


def _brought(
    store: Store, name: str, options: Options, progress: Callable[[Progress], None]
) -> Image:
    """Pull an image that the store has not; tell what a name below localhost/ usually means."""
    try:
        return pull(store, name, options, progress)
    except Retry as fault:
        if not _is_local(name):
            raise
        raise Invalid(
            f'image "{name}" is not in the store, and no registry answers on localhost',
            hint=f"build it: podpy image build -t {name} DIR; or podpy image pull oci:DIR:{name}",
        ) from fault


def _is_local(name: str) -> bool:
    return reference.source(name) is None and reference.parse(name).registry == "localhost"


def pull(
    store: Store,
    name: str,
    options: Options = DEFAULTS,
    progress: Callable[[Progress], None] = silent,
) -> Image:
    """Fetch the image, whatever the store has, and return it; see `ensure`."""
    source = reference.source(name)
    with store.locked(exclusive=False, timeout=options.patience):
        layers.sweep(store)
        workspace.sweep(archive.staging(store))
        files.sweep(store.paths.images)
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
    progress: Callable[[Progress], None],
) -> Image:
    """Fetch from a registry, unless what it has is what the store has.

    The manifest comes first and everything after it by its digest: a tag that moves meanwhile
    cannot mix two images.
    """
    about = str(place)
    source = f"docker://{place}"
    with (
        Meter(about, options.platform, progress) as meter,
        skopeo.proxy(source, options) as command,
        fetch.Line(fetch.Registry(command=command, about=about), meter.come) as line,
        _about(about),
    ):
        if store.find(about) is None:
            line.connect()
        raw = skopeo.manifest(source, options, about)
        digest = manifest.digest_of(raw)
        if place.digest and digest != place.digest:
            raise Invalid(f"its registry sent another manifest, {digest}")
        there = store.of_manifest(digest, options.platform.architecture)
        if there is not None:
            store.name(there, names)
            meter.stage(Stage.UNCHANGED)
            return there
        front = f"docker://{place.registry}/{place.repository}@"
        chosen = manifest.choose(raw, options.platform)
        if chosen is not None:
            raw = skopeo.manifest(front + chosen, options, about)
            if manifest.digest_of(raw) != chosen:
                raise Invalid(f"its registry sent another manifest than {chosen}")
        wanted = archive.Wanted(
            source=front + (chosen or digest), about=about, digest=digest, manifest=raw
        )
        if skopeo.trusts_every_image():
            return _streamed(store, wanted, names, line, meter)
        return _copied(store, wanted, names, options, meter)


def _streamed(
    store: Store,
    wanted: archive.Wanted,
    names: tuple[str, ...],
    line: fetch.Line,
    meter: Meter,
) -> Image:
    """Unpack the image's layers while they come."""
    found = manifest.manifest(wanted.manifest)
    missing = [layer for layer in found.layers if not layers.is_known(store, layer)]
    size = sum(layer.size for layer in missing)
    # Unpacked they are larger still: this is told before they come.
    short = space.shortage(store.paths.layers, size)
    if short is not None:
        raise short
    meter.expect(size)
    meter.stage(Stage.FETCHING)
    raw = line.configuration(wanted.source, found)
    config = manifest.configuration(raw)
    image = _described(found, config, wanted.digest)
    meter.check_platform(image.architecture)
    todo = tuple(
        fetch.Wanted(source=wanted.source, layer=layer, diff_id=diff_id)
        for layer, diff_id in zip(found.layers, config.diff_ids, strict=True)
    )
    with durable.Flusher(store.paths.layers) as disk:
        fetch.fetch(store, line, todo, disk.wrote)
        disk.finish()
    store.add(image, names)
    meter.stage(Stage.READY)
    return image


def _from_source(
    store: Store,
    source: reference.Source,
    options: Options,
    progress: Callable[[Progress], None],
) -> Image:
    names = _names_of(source, options)
    about = names[0] if names else str(source)
    wanted = archive.Wanted(source=str(source), about=about)
    with Meter(about, options.platform, progress) as meter, _about(about):
        return _copied(store, wanted, names, options, meter)


def _names_of(source: reference.Source, options: Options) -> tuple[str, ...]:
    """The names that a local source gives its image: what it says, else its file's name.

    None to an image of containers-storage that is asked for by its id.
    """
    if source.transport == "containers-storage":
        name = source.location.rpartition("]")[2].removeprefix("@")
        return () if reference.is_digest(f"sha256:{name}") else (str(reference.parse(name)),)
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


def _copied(
    store: Store,
    wanted: archive.Wanted,
    names: tuple[str, ...],
    options: Options,
    meter: Meter,
) -> Image:
    """Have skopeo copy the image into a layout, and unpack that."""
    with (
        archive.layout(store, wanted, options, meter) as held,
        durable.Flusher(store.paths.layers) as disk,
    ):
        config = manifest.configuration(held.config)
        image = _described(held.manifest, config, held.digest)
        meter.check_platform(image.architecture)
        meter.stage(Stage.UNPACKING)
        for layer, diff_id in zip(held.manifest.layers, config.diff_ids, strict=True):
            layers.ensure(store, held.opener(layer), layer.digest, diff_id, disk.wrote)
        disk.finish()
    store.add(image, names)
    meter.stage(Stage.READY)
    return image


def _described(found: manifest.Manifest, config: manifest.Configuration, digest: str) -> Image:
    """The record of the image."""
    if len(found.layers) > LAYERS:
        raise Invalid(f"it has {len(found.layers)} layers, overlayfs takes {LAYERS} at most")
    if len(config.diff_ids) != len(found.layers):
        raise Invalid(
            f"its configuration names {len(config.diff_ids)} layers, its manifest "
            f"{len(found.layers)}"
        )
    return Image(
        id=found.config.removeprefix("sha256:"),
        digest=digest,
        config=config.run,
        layers=tuple(diff_id.removeprefix("sha256:") for diff_id in config.diff_ids),
        size=sum(layer.size for layer in found.layers),
        created=config.created,
        architecture=config.architecture,
    )


@contextlib.contextmanager
def _about(name: str) -> Iterator[None]:
    """Have every fault name the image."""
    try:
        yield
    except Fault as fault:
        about = f'image "{name}": '
        message = about + fault.message.removeprefix(about)
        raise type(fault)(message, hint=fault.hint) from fault
