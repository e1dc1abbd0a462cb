"""Make room in a running container's log: its file becomes LOG.1, and conmon starts a new one.

Called by every pass, by the exit hook and by `podpy logs`; reading the parts is runtime.oci.logs.
conmon has a limit of its own, at which it throws the file away: rotate at half of that or less.
"""

from __future__ import annotations

import fcntl
import os
import time

from runtime.oci import conmon, logs

LIMIT = 5 * 1024 * 1024
KEPT = 9
"""Parts of LIMIT bytes beside the live file: 50 MiB, what the kubelet keeps of a container."""

_REOPEN_SECONDS = 5.0


def rotate(log: str, bundle: str, *, limit: int = LIMIT, keep: int = KEPT) -> bool:
    """Give the log a fresh file when it is over `limit` bytes; say whether that happened.

    What was LOG.1 becomes LOG.2, and so on; `keep` parts stay. The file is linked before conmon is
    asked to let go of it, so no line is lost and LOG is never missing; killed half-way, the next
    call goes on from there. With conmon gone the log is left alone: nothing is added any more; and
    while another process rotates it, this one does not.
    """
    try:
        found = os.stat(log)
    except FileNotFoundError:
        return False
    # A second name is the part of a rotation that was cut off.
    if (found.st_size <= limit and found.st_nlink == 1) or not conmon.reachable(bundle):
        return False
    directory = os.open(os.path.dirname(log), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _rotate(log, bundle, limit, keep)
    except BlockingIOError:
        return False
    finally:
        os.close(directory)


def _rotate(log: str, bundle: str, limit: int, keep: int) -> bool:
    linked = _same(log, f"{log}.1")
    if os.stat(log).st_size <= limit and not linked:
        return False
    if not linked:
        _shift(log, keep)
        os.link(log, f"{log}.1")
    if not conmon.reopen_log(bundle):
        os.unlink(f"{log}.1")
        return False
    # conmon closes the old file before it renames the new one: then the part is complete.
    deadline = time.monotonic() + _REOPEN_SECONDS
    while _same(log, f"{log}.1") and time.monotonic() < deadline:
        time.sleep(0.001)
    return True


def _shift(log: str, keep: int) -> None:
    for part in logs.parts(log):  # oldest, that is highest number, first
        number = int(part.rpartition(".")[2])
        if number >= keep:
            os.unlink(part)
        else:
            os.rename(part, f"{log}.{number + 1}")


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except FileNotFoundError:
        return False
