"""The sockets that systemd has opened for this process, as sd_listen_fds(3) has it.

They are descriptors 3 and up, and are inherited as these by conmon and the OCI runtime, which give
them to the container's first process.
"""

from __future__ import annotations

import os


def passed() -> int:
    """Return how many were passed to this process: variables may be another's, and inherited."""
    count = os.environ.get("LISTEN_FDS", "")
    mine = os.environ.get("LISTEN_PID") == str(os.getpid())
    return int(count) if mine and count.isdigit() else 0


def environment(count: int) -> dict[str, str]:
    """Return what the OCI runtime is told by: for a process that is number 1 where it runs."""
    return {"LISTEN_PID": "1", "LISTEN_FDS": str(count)} if count else {}
