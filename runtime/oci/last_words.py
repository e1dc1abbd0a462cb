"""Give a container a file for its last words, and read it when the container has ended.

The file is Paths.message; the container has it at terminationMessagePath. It lies on a tmpfs of
the pod's mount namespace, which bounds it: nothing that is written there fills a disk, or the
memory that podpy's own records lie in. All of this runs inside that namespace (Inside.call).
Called by reconciler.targets.host: last_words reads, bundle prepares.
"""

from __future__ import annotations

import os

from runtime import files
from runtime.kernel import mounts

MOST_BYTES = 4096
"""How much of the file's end is read, as by the kubelet."""

_SIZE = 1 << 20
_ANYONE = 0o666


def prepare(path: str) -> None:
    """Make the file, empty, for a container that is about to start; any user may write to it."""
    directory = os.path.dirname(path)
    if not mounts.is_mounted(directory):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        mounts.tmpfs(directory, size=_SIZE, mode=0o700, access=mounts.DATA)
    files.unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _ANYONE)
    try:
        os.fchmod(descriptor, _ANYONE)
    finally:
        os.close(descriptor)


def read(path: str) -> bytes:
    """Return the end of what the container wrote; b"" where there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, MOST_BYTES, max(0, size - MOST_BYTES))
    finally:
        os.close(descriptor)
