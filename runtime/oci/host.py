"""Read what this host can give a container: capabilities, resource limits, device nodes.

The reconciler cuts a pod's wishes to it. Read anew each time: podpy may run with less than all
(in a container, under a unit's CapabilityBoundingSet) and then can pass on only what it has.
"""

from __future__ import annotations

import os
import stat

from manifests.value import Value
from runtime.rootless import mode

_CAP_SYS_RESOURCE = 24
_OOM_SCORE_ADJ_MIN = -1000


class Node(Value):
    """A device node below /dev; `kind` is c or b."""

    path: str
    kind: str
    major: int
    minor: int
    mode: int
    uid: int
    gid: int


def capabilities() -> int:
    """Return the mask of the capabilities that podpy can pass on."""
    permitted = bounding = 0
    with open("/proc/thread-self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name == "CapPrm":
                permitted = int(value, 16)
            elif name == "CapBnd":
                bounding = int(value, 16)
    return permitted & bounding


def lowest_oom_score_adj() -> int:
    """Return the least oom_score_adj that podpy may give a process.

    Without CAP_SYS_RESOURCE the kernel lets nobody go below what they have themselves.
    """
    # The kernel asks for it in the host's own user namespace.
    if capabilities() >> _CAP_SYS_RESOURCE & 1 and not mode.active():
        return _OOM_SCORE_ADJ_MIN
    with open("/proc/thread-self/oom_score_adj", encoding="ascii") as file:
        return int(file.read())


def hard_limit(kind: str) -> int | None:
    """Return the hard limit of `kind` (RLIMIT_NOFILE); None without one.

    Without CAP_SYS_RESOURCE no container gets more than that.
    """
    import resource

    _soft, hard = resource.getrlimit(getattr(resource, kind))
    return None if hard == resource.RLIM_INFINITY else hard


def devices(directory: str = "/dev") -> tuple[Node, ...]:
    """Return the host's device nodes, for a privileged container, as containerd chooses them.

    Left out are those that every container has for itself: terminals, and what is mounted.
    """
    own = {"pts", "shm", "fd", "mqueue", "console", "ptmx", "tty", ".lxc", ".udev"}
    found: list[Node] = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name in own or entry.is_symlink():
                continue
            if entry.is_dir():
                found.extend(devices(entry.path))
                continue
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
                found.append(_node(entry.path, status))
    return tuple(sorted(found, key=lambda node: node.path))


def _node(path: str, status: os.stat_result) -> Node:
    return Node(
        path=path,
        kind="c" if stat.S_ISCHR(status.st_mode) else "b",
        major=os.major(status.st_rdev),
        minor=os.minor(status.st_rdev),
        mode=stat.S_IMODE(status.st_mode),
        uid=status.st_uid,
        gid=status.st_gid,
    )
