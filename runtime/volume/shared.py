"""Share a mount of this host with a pod both ways: for the mountPropagation Bidirectional.

    take     in the host's mount namespace: a copy of the mount, of the same peer group
    attach   in the pod's: puts it at a path there

A pod's own mounts follow the host's and tell nothing back. What is mounted below the copy, by
whoever is in its peer group, shows on both sides; the mount it is attached under is none of it, so
that nothing of the pod's set-up or removal reaches the host.
"""

from __future__ import annotations

import os
import stat

from manifests.faults import HostFault
from runtime.kernel import mounts, syscalls


def check(path: str, *, owner: str) -> None:
    """Raise HostFault where the mount that holds `path` is not shared; `owner` is for messages.

    Call it where the host's mounts are seen.
    """
    found = mounts.holding(path)
    if found is None or not found.shared:
        where = found.target if found else "/"
        raise HostFault(
            f"{owner}: {path} is on {where}, which is not a shared mount: "
            "what a container mounts there cannot reach this host",
            hint=f"mount --make-rshared {where}, or leave mountPropagation: Bidirectional out",
        )


def take(path: str, *, owner: str) -> int:
    """Return a descriptor of a detached copy of what is mounted at and below `path`."""
    check(path, owner=owner)
    try:
        return syscalls.open_tree(path, recursive=True)
    except OSError as error:
        raise HostFault(
            f"{owner}: {path} cannot be shared with the pod: {error.strerror}",
            hint="Bidirectional needs Linux 5.2 or newer",
        ) from error


def attach(tree: int, target: str) -> None:
    """Attach what `take` returned at `target`, unless something is mounted there."""
    if mounts.is_mounted(target):
        return
    try:
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        if stat.S_ISDIR(os.fstat(tree).st_mode):
            os.makedirs(target, mode=0o700, exist_ok=True)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_CLOEXEC, 0o600))
        syscalls.move_mount(tree, target)
    except OSError as error:
        raise HostFault(f"{target}: cannot be mounted: {error.strerror}") from error
