"""Hold named locks while a block runs: released by the kernel when their holder ends, however.

All names are bytes of one file, Paths.locks, each at the place that its hash says, locked with
fcntl(2)'s open file description locks: one open file for any number of names, and nothing stays of
a name that is no more. The file lies on the disk, where no mount comes to cover it. Every wait has
a deadline, and names who was waited for.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import time

from manifests import digests
from runtime import interrupts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from runtime.paths import Paths

POLL_SECONDS = 0.02
DEADLINE_SECONDS = 120.0
_FLOCK = struct.Struct("hhqqi4x")
"""struct flock: l_type, l_whence, l_start, l_len, l_pid, which has to be 0."""


@contextlib.contextmanager
def held(
    paths: Paths, names: Iterable[str], *, timeout: float = DEADLINE_SECONDS
) -> Iterator[None]:
    """Hold the locks of all `names` (object or pod names; any text) in the block.

    They are taken in one order, so that two commands cannot wait for each other for ever. Raises
    TimedOut naming the lock when another command keeps one for `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    with _opened(paths) as descriptor:
        for name in sorted(set(names)):
            _wait_at(descriptor, place(name), name, deadline - time.monotonic())
        yield


@contextlib.contextmanager
def tried(paths: Paths, name: str) -> Iterator[bool]:
    """Hold the lock of `name` in the block if nobody else does; yields whether it is held."""
    with _opened(paths) as descriptor:
        yield _try_at(descriptor, place(name))


def holder(paths: Paths, name: str) -> str:
    """Name who holds the lock of `name` now, "" where nobody does."""
    with tried(paths, name) as free:
        if free:
            return ""
    from runtime import holders

    with _opened(paths) as descriptor:
        found = holders.holders(descriptor, place(name))
    return holders.named(found) or "a process that cannot be seen"


def wait(
    descriptor: int, about: str, *, shared: bool = False, timeout: float = DEADLINE_SECONDS
) -> None:
    """Lock the open file with flock(2); raise TimedOut, naming `about` and the holder, after
    `timeout` s."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    _until(lambda: _try(descriptor, kind), about, timeout, descriptor)


def _wait_at(descriptor: int, at: int, name: str, timeout: float) -> None:
    _until(lambda: _try_at(descriptor, at), name, timeout, descriptor, at)


def _until(
    attempt: Callable[[], bool],
    about: str,
    timeout: float,
    descriptor: int,
    at: int | None = None,
) -> None:
    began = time.monotonic()
    while not attempt():
        waited = time.monotonic() - began
        if waited >= timeout:
            from runtime import holders

            raise holders.timed_out(descriptor, about, waited, at)
        interrupts.check(about)
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def _opened(paths: Paths) -> Iterator[int]:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    try:
        descriptor = os.open(paths.locks, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(paths.state_dir, mode=0o700, exist_ok=True)
        descriptor = os.open(paths.locks, flags, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def place(name: str) -> int:
    """Return which byte of the file stands for the name: 60 bits, so that none is another's."""
    return int(digests.of(name)[:15], 16)


def _try_at(descriptor: int, at: int) -> bool:
    wanted = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, at, 1, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, wanted)
    except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, as POSIX leaves it open.
        return False
    return True


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
