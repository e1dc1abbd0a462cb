"""Bind a path inside a volume so that nothing the volume holds can lead outside of it.

Containers write into volumes while podpy, as root, looks names up in them: a symbolic link to
/etc, or one put in place between a check and a mount, would hand the host to a container. Here the
kernel resolves the name below the volume's root (openat2), and what is mounted is the descriptor
that came out, never a name. Run inside the pod's mount namespace, where the bind is made.
"""

from __future__ import annotations

import errno
import os
import stat

from manifests.faults import Fault, HostFault, Invalid
from manifests.value import Value
from runtime.kernel import mounts, syscalls

_DIRECTORY = os.O_PATH | os.O_DIRECTORY
_ESCAPES = (errno.EXDEV, errno.ELOOP)


class SubPath(Value):
    """`path` below `volume` shows at `target`; `owner` names pod, container and volume in faults.

    The bind has `propagation` to and from the volume; access is limited by the container's mount.
    """

    volume: str
    path: str
    target: str
    owner: str
    propagation: mounts.Propagation = mounts.Propagation.PRIVATE


def bind(sub: SubPath) -> None:
    """Bind the sub path at its target, making what is missing of it as directories.

    A bind that is there is replaced: a restarted container sees the file that a projected key names
    now, while a running one keeps the file that it was given. Raises Invalid for an escape,
    HostFault for anything else that the host refuses.
    """
    _check(sub)
    try:
        root = os.open(sub.volume, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise HostFault(f"{sub.owner}: the volume cannot be opened: {error.strerror}") from error
    try:
        found = _open(root, sub)
        try:
            _clear(sub.target, directory=stat.S_ISDIR(os.fstat(found).st_mode))
            mounts.bind(found, sub.target, propagation=sub.propagation)
        finally:
            os.close(found)
    finally:
        os.close(root)


def _check(sub: SubPath) -> None:
    if sub.path.startswith("/") or ".." in sub.path.split("/"):
        raise Invalid(
            f'{sub.owner}: subPath "{sub.path}" leads out of the volume',
            hint='a subPath is relative to the volume and has no ".."',
        )


def _open(root: int, sub: SubPath) -> int:
    """Return an O_PATH descriptor of the sub path, made if missing."""
    parts = [part for part in sub.path.split("/") if part not in ("", ".")] or ["."]
    try:
        try:
            return syscalls.open_beneath(root, "/".join(parts), os.O_PATH)
        except FileNotFoundError:
            _make(root, parts)
            return syscalls.open_beneath(root, "/".join(parts), os.O_PATH)
    except OSError as error:
        raise _refused(sub, error) from error


def _make(root: int, parts: list[str]) -> None:
    """Make the missing directories, with the mode of the volume's own root, as the kubelet does."""
    mode = stat.S_IMODE(os.fstat(root).st_mode)
    parent = os.dup(root)
    try:
        for depth, name in enumerate(parts, start=1):
            try:
                below = syscalls.open_beneath(root, "/".join(parts[:depth]), _DIRECTORY)
            except FileNotFoundError:
                below = _make_one(parent, name, mode)
            os.close(parent)
            parent = below
    finally:
        os.close(parent)


def _make_one(parent: int, name: str, mode: int) -> int:
    """Make one directory and return it opened; what another put there meanwhile is not followed."""
    os.mkdir(name, 0o700, dir_fd=parent)
    made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    os.fchmod(made, mode)
    return made


def _refused(sub: SubPath, error: OSError) -> Fault:
    if error.errno in _ESCAPES:
        return Invalid(
            f'{sub.owner}: subPath "{sub.path}" leads out of the volume by a symbolic link',
            hint="remove the link from the volume; links inside it must be relative",
        )
    return HostFault(f'{sub.owner}: subPath "{sub.path}" cannot be opened: {error.strerror}')


def _clear(target: str, *, directory: bool) -> None:
    """Make an empty mount point of the right sort at `target`."""
    try:
        while mounts.is_mounted(target):
            mounts.umount(target)
        os.makedirs(os.path.dirname(target), mode=0o711, exist_ok=True)
        if os.path.isdir(target):
            if directory:
                return
            os.rmdir(target)
        elif os.path.lexists(target):
            os.unlink(target)
        if directory:
            os.mkdir(target, 0o700)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise HostFault(f"{target}: no mount point can be made: {error.strerror}") from error
