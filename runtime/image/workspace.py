"""Directories of work under way: each is its maker's for as long as a lock on it is held.

Called by runtime.image.{archive,build}. The lock is a flock on the directory itself, which helpers
inherit: were podpy killed, nobody takes the directory for abandoned while a helper still writes
into it. What nobody holds any more is for `sweep`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from manifests.value import Value
from runtime import trees

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Workspace(Value):
    """A directory of one's own, and the descriptor that locks it, for helpers to inherit."""

    path: str
    lock: int


@contextlib.contextmanager
def made(root: str) -> Iterator[Workspace]:
    """Yield a new directory below `root`, removed afterwards."""
    os.makedirs(root, mode=0o700, exist_ok=True)
    directory, descriptor = _locked_directory(root)
    try:
        yield Workspace(path=directory, lock=descriptor)
    finally:
        try:
            trees.remove([directory])
        finally:
            os.close(descriptor)


def sweep(root: str) -> None:
    """Remove the directories below `root` that nobody holds."""
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(root):
            _remove_if_left(f"{root}/{name}")


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
        trees.remove([directory])
    except BlockingIOError:
        return  # its maker is still at work, or the helper of a killed one
    finally:
        os.close(descriptor)
