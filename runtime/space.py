"""How much room a file system has: a directory in, free bytes and inodes out, or what is short.

Asked before pods are made and images are fetched, and by `podpy doctor`.
"""

from __future__ import annotations

import errno
import os

from manifests.faults import HostFault
from manifests.value import Value

KIB, MIB = 1 << 10, 1 << 20
_FULL = os.strerror(errno.ENOSPC).lower()
_READ_ONLY = os.strerror(errno.EROFS).lower()


class Room(Value):
    """What processes of root may still take; of it, `for_all` is what others may, as df tells.

    `inodes` is None where the file system makes them as they are needed, or has no number to tell.
    """

    bytes: int
    for_all: int
    inodes: int | None
    read_only: bool


def room(directory: str) -> Room:
    """Return what is free on the file system of `directory`, or of what will hold it."""
    held = os.statvfs(existing(directory))
    return Room(
        bytes=held.f_bfree * held.f_frsize,
        for_all=held.f_bavail * held.f_frsize,
        inodes=held.f_ffree if held.f_files else None,
        read_only=bool(held.f_flag & os.ST_RDONLY),
    )


def shortage(directory: str, size: int, inodes: int = 0) -> HostFault | None:
    """Return why `size` bytes in so many files cannot be put there; None where they can.

    The words stay the same while the room shrinks: who is told again and again knows them again.
    """
    found = room(directory)
    if found.read_only:
        return HostFault(
            f"{directory}: {_READ_ONLY}",
            hint="mount it writable: see dmesg for why it is not",
        )
    if found.bytes < size:
        return HostFault(
            f"{directory}: {_FULL}: less than {shown(size)} is free",
            hint=f"see what fills it: df -h {directory}; podpy image prune --all removes images",
        )
    if found.inodes is not None and found.inodes < inodes:
        return HostFault(
            f"{directory}: {_FULL}: fewer than {inodes} inodes are free",
            hint=f"see how many files it has: df -i {directory}; podpy image prune --all",
        )
    return None


def existing(path: str) -> str:
    """Return `path`, or the innermost directory above it that is there."""
    while not os.path.isdir(path):
        path = os.path.dirname(path) or "."
    return path


def shown(size: int) -> str:
    """Return a size in whole KiB or MiB, rounded up."""
    unit, name = (MIB, "MiB") if size >= MIB else (KIB, "KiB")
    return f"{-(-size // unit)} {name}"
