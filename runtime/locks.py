"""Hold named locks while a block runs: released by the kernel when their holder ends, however.

Locks are flock(2) on files in Paths.locks. A file is never unlinked, so that no two commands can
hold locks on two files of one name. Every wait has a deadline, and names who was waited for.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time

from runtime import interrupts
from runtime.paths import fitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runtime.paths import Paths

POLL_SECONDS = 0.02
DEADLINE_SECONDS = 120.0


@contextlib.contextmanager
def held(
    paths: Paths, names: Iterable[str], *, timeout: float = DEADLINE_SECONDS
) -> Iterator[None]:
    """Hold the locks of all `names` (object or pod names; any text without NUL) in the block.

    They are taken in one order, so that two commands cannot wait for each other for ever. Raises
    TimedOut naming the lock when another command keeps one for `timeout` seconds.
    """
    os.makedirs(paths.locks, mode=0o700, exist_ok=True)
    deadline = time.monotonic() + timeout
    with contextlib.ExitStack() as stack:
        for name in sorted(set(names)):
            descriptor = _open(paths, name)
            stack.callback(os.close, descriptor)
            wait(descriptor, name, timeout=deadline - time.monotonic())
        yield


@contextlib.contextmanager
def tried(paths: Paths, name: str) -> Iterator[bool]:
    """Hold the lock of `name` in the block if nobody else does; yields whether it is held."""
    os.makedirs(paths.locks, mode=0o700, exist_ok=True)
    descriptor = _open(paths, name)
    try:
        yield _try(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def holder(paths: Paths, name: str) -> str:
    """Name who holds the lock of `name` now, "" where nobody does."""
    with tried(paths, name) as free:
        if free:
            return ""
    from runtime import holders

    descriptor = _open(paths, name)
    try:
        return holders.named(holders.holders(descriptor)) or "a process that cannot be seen"
    finally:
        os.close(descriptor)


def wait(
    descriptor: int, about: str, *, shared: bool = False, timeout: float = DEADLINE_SECONDS
) -> None:
    """Lock the open file; raise TimedOut, naming `about` and the holder, after `timeout` s."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    began = time.monotonic()
    while not _try(descriptor, kind):
        waited = time.monotonic() - began
        if waited >= timeout:
            from runtime import holders

            raise holders.timed_out(descriptor, about, waited)
        interrupts.check(about)
        time.sleep(POLL_SECONDS)


def _open(paths: Paths, name: str) -> int:
    # A slash cannot be in a file's name, and no name that podpy locks holds a percent sign.
    path = f"{paths.locks}/{fitted(name.replace('/', '%'), '.lock')}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
