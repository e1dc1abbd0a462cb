"""Check that a hostPath is what its type says, or make it, as the kubelet does.

Called by reconciler.targets.host.volumes. hostPaths stay when the pod goes.
"""

from __future__ import annotations

import os
import stat

from manifests.faults import HostFault
from manifests.volumes import HostPathType

FAILED_MOUNT = "FailedMount"
"""The kubelet's word for a volume that cannot be set up."""

_DIRECTORY_MODE = 0o755
_FILE_MODE = 0o644

_CHECKS = {
    HostPathType.DIRECTORY: (stat.S_ISDIR, "a directory"),
    HostPathType.DIRECTORY_OR_CREATE: (stat.S_ISDIR, "a directory"),
    HostPathType.FILE: (stat.S_ISREG, "a file"),
    HostPathType.FILE_OR_CREATE: (stat.S_ISREG, "a file"),
    HostPathType.SOCKET: (stat.S_ISSOCK, "a socket"),
    HostPathType.CHAR_DEVICE: (stat.S_ISCHR, "a character device"),
    HostPathType.BLOCK_DEVICE: (stat.S_ISBLK, "a block device"),
}

_MADE = (HostPathType.UNCHECKED, HostPathType.DIRECTORY_OR_CREATE, HostPathType.FILE_OR_CREATE)


def ensure(path: str, kind: HostPathType, *, owner: str) -> None:
    """Make sure that `path` can be mounted as `kind`; `owner` names pod and volume in messages.

    DirectoryOrCreate makes parents as well (0755), FileOrCreate only the file (0644). Unchecked
    and missing, a directory is made, as container runtimes do. Symbolic links are followed. Raises
    HostFault.
    """
    try:
        if not check(path, kind, owner=owner):
            _make(path, kind)
    except OSError as error:
        raise HostFault(
            f"{owner}: hostPath {path} cannot be made or read: {error.strerror}",
            hint=f"make {path} on this host, or correct spec.volumes",
            reason=FAILED_MOUNT,
        ) from error


def check(path: str, kind: HostPathType, *, owner: str) -> bool:
    """Say whether `path` is there as `kind` wants it, False where `ensure` would make it.

    Changes nothing. Raises HostFault where `ensure` would, OSError where it cannot be read.
    """
    mode = _mode(path)
    if mode is None:
        if kind in _MADE:
            return False
        raise HostFault(
            f"{owner}: hostPath {path} does not exist, and its type {kind} makes none",
            hint=f"make {path} on this host, or correct spec.volumes",
            reason=FAILED_MOUNT,
        )
    if kind is HostPathType.UNCHECKED:
        return True
    fits, wanted = _CHECKS[kind]
    if not fits(mode):
        raise HostFault(
            f"{owner}: hostPath {path} is not {wanted}, which its type {kind} asks for",
            hint="correct the path or the type in spec.volumes",
            reason=FAILED_MOUNT,
        )
    return True


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _make(path: str, kind: HostPathType) -> None:
    if kind is HostPathType.FILE_OR_CREATE:
        fd = os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, _FILE_MODE)
        try:
            os.fchmod(fd, _FILE_MODE)
        finally:
            os.close(fd)
        return
    os.makedirs(path, exist_ok=True)
    os.chmod(path, _DIRECTORY_MODE)
