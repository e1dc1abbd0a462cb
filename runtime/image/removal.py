"""Remove images: names first, then records, then the layers that no other image needs.

Called by the command line. Callers say which images are used, as a function: it is asked once no
pull can begin any more, so that an image which a pod has been given meanwhile stays.
"""

from __future__ import annotations

import os

from manifests.faults import Invalid
from manifests.value import Value
from runtime import files, locks
from runtime.image import archive, build, layers, workspace
from runtime.image.store import spellings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.image.store import Image, Store


class Removed(Value):
    """What went: names, ids of images, bytes on the disk."""

    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    freed: int = 0


def nothing() -> frozenset[str]:
    """No image is used."""
    return frozenset()


def remove(
    store: Store,
    name: str,
    in_use: Callable[[], frozenset[str]] = nothing,
    *,
    force: bool = False,
    timeout: float = locks.DEADLINE_SECONDS,
) -> Removed:
    """Take the name off its image, and remove an image that has no other.

    An id removes all names. Raises Invalid for an image that is used, and, without `force`, for an
    id that has several names; TimedOut behind a pull that takes longer than `timeout` seconds.
    """
    with store.locked(exclusive=True, timeout=timeout):
        image = store.find(name)
        if image is None:
            raise Invalid(f'image "{name}" is not in the store', hint="podpy image ls")
        own = [known for known, owner in store.names().items() if owner == image.id]
        going = [spelling for spelling in spellings(name) if spelling in own] or own
        if len(going) > 1 and not force:
            raise Invalid(
                f"image {image.id[:12]} has several names: {', '.join(going)}",
                hint="name one of them, or use --force",
            )
        used = in_use()
        last = len(going) == len(own)
        if last and image.id in used:
            raise Invalid(
                f'image "{name}" is in use by a pod, or by an object that was applied',
                hint="delete it first: podpy get pods --all-namespaces",
            )
        store.rename(dict.fromkeys(going, ""))
        if not last:
            return Removed(names=tuple(going))
        store.forget(image.id)
        return Removed(names=tuple(going), ids=(image.id,), freed=_sweep(store, used))


def prune(
    store: Store,
    in_use: Callable[[], frozenset[str]] = nothing,
    *,
    everything: bool = False,
    timeout: float = locks.DEADLINE_SECONDS,
) -> Removed:
    """Remove images without a name, or with `everything` all that are not used.

    Layers that nothing needs and what killed commands left go, too.
    """
    with store.locked(exclusive=True, timeout=timeout):
        known, used = store.names(), in_use()
        named = set(known.values())
        going: list[Image] = [
            image
            for image in store.images()
            if image.id not in used and (everything or image.id not in named)
        ]
        ids = {image.id for image in going}
        names = sorted(name for name, owner in known.items() if owner in ids)
        store.rename(dict.fromkeys(names, ""))
        for image in going:
            store.forget(image.id)
        freed = _sweep(store, used)
    return Removed(names=tuple(names), ids=tuple(sorted(ids)), freed=freed)


def _sweep(store: Store, used: frozenset[str]) -> int:
    """Remove the layers that no record names, and what killed commands have left over.

    The caller holds the store's lock exclusively, so nothing is being pulled. A used image whose
    record is gone cannot be asked for its layers: then nothing is removed.
    """
    if any(store.record(image_id) is None for image_id in used):
        return 0
    needed = {layer for image in store.images() for layer in image.layers}
    freed = layers.discard(
        store, [name for name in os.listdir(store.paths.layers) if name not in needed]
    )
    workspace.sweep(archive.staging(store))
    workspace.sweep(build.workspaces(store))
    files.sweep(store.paths.images)
    return freed
