"""Read what this host is: its name, addresses, memory, disk; for fieldRefs and for doctor."""

from __future__ import annotations

import os

_KIB = 1024


def node_name() -> str:
    """Return the host's name, in lower case as Kubernetes names nodes."""
    return os.uname().nodename.lower()


def memory_bytes() -> int:
    """Return the host's memory in bytes."""
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * _KIB
    return 0


def storage_bytes(path: str) -> int:
    """Return the size of the file system that holds `path`, in bytes."""
    status = os.statvfs(path)
    return status.f_blocks * status.f_frsize


def addresses() -> tuple[str, ...]:
    """Return the host's own address first: the one that its default route would send from.

    A host without a default route has the address of its first link that is up, or 127.0.0.1.
    """
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket sends nothing: it only looks up the route.
            probe.connect(("192.0.2.1", 9))
            return (str(probe.getsockname()[0]),)
        except OSError:
            return ("127.0.0.1",)
