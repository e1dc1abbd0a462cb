"""Keep run_dir in memory: its path in, a tmpfs there where the host's /run is none.

Called before each pass. The first ones of a boot may come at once: a second tmpfs over the first
would hide what is there by then.
"""

from __future__ import annotations

import os

from runtime import locks
from runtime.kernel import mounts, syscalls

_SECONDS = 30.0


def ensure(run_dir: str) -> None:
    """Make the directory, and mount a tmpfs over it unless it is on one. Raises HostFault.

    Whoever comes first mounts; the others wait, and find another directory at the path.
    """
    os.makedirs(run_dir, mode=0o711, exist_ok=True)
    if syscalls.file_system(run_dir) == syscalls.TMPFS:
        return
    below = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        locks.wait(below, f"the tmpfs at {run_dir}", timeout=_SECONDS)
        if os.path.samestat(os.fstat(below), os.stat(run_dir)):
            mounts.tmpfs(run_dir, mode=0o711)
    finally:
        os.close(below)
