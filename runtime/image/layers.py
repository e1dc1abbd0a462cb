"""Have an image's layer unpacked once: a blob and the diff id that the image claims for it in.

    layers/DIFF_ID/         one unpacked layer (64 hex)
    layers/DIFF_ID.tmp/     a layer being unpacked; renamed when it is whole
    images/blobs/DIGEST     the diff id that this blob was found to hold (64 hex each)

Called by runtime.image.fetch and runtime.image.pull. A claim is never believed: a diff id is a
path below layers/ and may be another image's secret, so a layer that is there already serves only
images that come with a blob which, as podpy itself has seen, holds it. That memory also tells which
layers a registry need not send again. Two processes that want the same layer wait for each other at
its lock.
"""

from __future__ import annotations

import contextlib
import os
import shutil

from manifests.faults import HostFault, Invalid
from runtime import locks, trees
from runtime.image import reference
from runtime.image.unpack import identify, unpack
from runtime.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from runtime.image.blob import Source
    from runtime.image.manifest import Layer
    from runtime.image.store import Store

UNPACK_SECONDS = 3600.0
UNFINISHED = ".tmp"


def is_known(store: Store, layer: Layer) -> bool:
    """Whether the blob has been unpacked before, and what was in it is still there."""
    diff_id = _remembered(store, layer.digest)
    return bool(diff_id) and os.path.isdir(f"{store.paths.layers}/{diff_id}")


def ensure(
    store: Store,
    opened: Callable[[], AbstractContextManager[Source]],
    digest: str,
    diff_id: str,
    wrote: Callable[[int], None],
) -> None:
    """Have the layer `diff_id` unpacked from the blob `digest`, which is opened if it is needed.

    Both digests are verified; `wrote` hears of the bytes that went to the disk. Raises Invalid for
    a blob that is corrupt, hostile or another one than was claimed, HostFault when this host cannot
    write it; nothing is left behind then.
    """
    name, blob_name = _hex(diff_id), _hex(digest)
    target = f"{store.paths.layers}/{name}"
    with locks.held(store.paths, (lock_name(name),), timeout=UNPACK_SECONDS):
        if not os.path.isdir(target):
            temporary = f"{target}{UNFINISHED}"
            shutil.rmtree(temporary, ignore_errors=True)
            _spread(store.paths.layers)
            with opened() as blob:
                unpack(blob, temporary, digest=digest, diff_id=diff_id, wrote=wrote)
            os.replace(temporary, target)
        elif _remembered(store, digest) != name:
            with opened() as blob:
                identify(blob, digest=digest, diff_id=diff_id)
        _remember(store, blob_name, name)


def discard(store: Store, names: Iterable[str]) -> int:
    """Remove these layers and return how many bytes they held. The store is locked exclusively.

    A layer leaves its name before anything in it goes: half a layer is never taken for one.
    """
    freed = 0
    for name in names:
        path = f"{store.paths.layers}/{name}"
        going = f"{path.removesuffix(UNFINISHED)}{UNFINISHED}"
        if path != going:
            trees.remove([going])
            os.rename(path, going)
        freed += _size(going)
        trees.remove([going])
    _forget_missing(store)
    return freed


def sweep(store: Store) -> None:
    """Remove what killed pulls have left half unpacked; what is being unpacked now stays."""
    names = os.listdir(store.paths.layers)
    for name in (name.removesuffix(UNFINISHED) for name in names if name.endswith(UNFINISHED)):
        with locks.tried(store.paths, lock_name(name)) as ours:
            if ours:
                trees.remove([f"{store.paths.layers}/{name}{UNFINISHED}"])


def lock_name(name: str) -> str:
    return f"layer-{name}"


def _spread(directory: str) -> None:
    """Have each layer's files laid in a part of the disk that has room, not beside other layers'.

    ext4 keeps what is below one directory together. There it has to look past all that has been
    removed before, without a journal even at every name of the last minutes: fifteen times as long
    for each new file, right after a removal.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # other file systems lay files out in their own way
            syscalls.mark_top_directory(descriptor)
    finally:
        os.close(descriptor)


def _forget_missing(store: Store) -> None:
    """Forget blobs whose layers have been removed."""
    root = f"{store.paths.images}/blobs"
    names = os.listdir(root) if os.path.isdir(root) else []
    for name in names:
        if not os.path.isdir(f"{store.paths.layers}/{_remembered(store, f'sha256:{name}')}"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{root}/{name}")


def _size(path: str) -> int:
    """The bytes on the disk below `path`: a file of several names counts once, a hole never."""
    total = 0
    seen: set[int] = set()
    for directory, _, names in os.walk(path):
        for file in names:
            about = os.lstat(f"{directory}/{file}")
            if about.st_nlink == 1 or about.st_ino not in seen:
                seen.add(about.st_ino)
                total += about.st_blocks * 512
    return total


def _hex(digest: str) -> str:
    if not reference.is_digest(digest):
        raise Invalid(f'"{digest}" is not a sha256 digest')
    return digest.removeprefix("sha256:")


def _remembered(store: Store, digest: str) -> str:
    try:
        with open(f"{store.paths.images}/blobs/{_hex(digest)}", encoding="ascii") as file:
            found = file.read()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
    return found if reference.is_digest(f"sha256:{found}") else ""


def _remember(store: Store, blob: str, diff_id: str) -> None:
    root = f"{store.paths.images}/blobs"
    if _remembered(store, f"sha256:{blob}") == diff_id:
        return
    try:
        os.makedirs(root, mode=0o700, exist_ok=True)
        # A name of 64 digits only ever holds a whole diff id: `_remembered` discards a torn one.
        with open(f"{root}/{blob}", "w", encoding="ascii") as file:
            file.write(diff_id)
    except OSError as error:
        raise HostFault(f"{root}: cannot be written: {error.strerror}") from error
