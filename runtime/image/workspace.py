"""Directories of work under way: each is its maker's for as long as a lock on it is held.

Called by runtime.image.{archive,build} and what pushes artifacts. The lock is a flock on the
directory itself, which helpers inherit: were podpy killed, nobody takes the directory for abandoned
while a helper still writes into it. What nobody holds any more is for `sweep`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from manifests.value import Value
from runtime import trees

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Workspace(Value):
    """A directory of one's own, and the descriptor that locks it, for helpers to inherit."""

    path: str
    lock: int


@contextlib.contextmanager
def made(root: str, prefix: str = "") -> Iterator[Workspace]:
    """Yield a new directory below `root`, removed afterwards. Its name begins with `prefix`."""
    os.makedirs(root, mode=0o700, exist_ok=True)
    directory, descriptor = _locked_directory(f"{root}/{prefix}")
    try:
        yield Workspace(path=directory, lock=descriptor)
    finally:
        try:
            trees.remove([directory])
        finally:
            os.close(descriptor)


def sweep(
    root: str, prefix: str = "", release: Callable[[str], object] = lambda _directory: None
) -> None:
    """Remove this user's directories below `root` that begin with `prefix` and nobody holds.

    `release` is called for each before, to let go of what is mounted there.
    """
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(root):
            if name.startswith(prefix):
                _remove_if_left(f"{root}/{name}", release)


def _locked_directory(beginning: str) -> tuple[str, int]:
    """Make a directory and lock it; another one where a sweep came between the two."""
    while True:
        directory = f"{beginning}{os.getpid()}-{os.urandom(4).hex()}"
        os.mkdir(directory, 0o700)
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.isdir(directory):
                return directory, descriptor
            os.close(descriptor)


def _remove_if_left(directory: str, release: Callable[[str], object]) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(directory, flags)
    except OSError:
        return  # gone, or in a directory that others use, too, one of theirs
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        release(directory)
        trees.remove([directory])
    except BlockingIOError:
        return  # its maker is still at work, or the helper of a killed one
    finally:
        os.close(descriptor)
