"""Make emptyDir volumes: a directory on disk, or memory that all containers of the pod share.

    disk     Paths.empty_dir(uid, VOLUME)           seen by the host; removed with the pod
    memory   Paths.pod(uid)/volumes/VOLUME          a tmpfs in the pod's mount namespace alone

Called by reconciler.targets.host.volumes. Both keep what is there: a second call changes nothing.
"""

from __future__ import annotations

import os

from manifests.faults import HostFault
from runtime.kernel import mounts
from runtime.volume import ownership

MODE = 0o777
"""The kubelet's: any user of the pod's containers may write."""

SHARED_MODE = 0o1777
"""A shared memory directory's: anyone may write, only the owner may remove."""


def disk(path: str, *, group: int | None = None) -> None:
    """Make the directory `path`, and what is above it; `group` is the pod's fsGroup.

    It appears under its name only when it is complete, so a pass that was killed leaves nothing
    that the next one would take for the user's own doing. Raises HostFault.
    """
    if os.path.isdir(path):
        return
    fresh = f"{path}.new"  # No volume's name holds a dot.
    try:
        os.makedirs(fresh, exist_ok=True)
        os.chmod(fresh, MODE)
        if group is not None:
            ownership.grant(fresh, group)
        os.rename(fresh, path)
    except OSError as error:
        raise HostFault(f"{path}: cannot make the emptyDir: {error.strerror}") from error


def memory(
    path: str, *, size: int | None = None, mode: int = MODE, group: int | None = None
) -> None:
    """Mount a tmpfs at `path`; `size` in bytes. Run inside the pod's mount namespace.

    Its pages count to the container that touched them first, as everywhere on Linux.
    """
    if mounts.is_mounted(path):
        return
    os.makedirs(path, exist_ok=True)
    granted = mode if group is None else ownership.directory_mode(mode)
    mounts.tmpfs(path, size=size, mode=granted, owner=(0, group or 0))
