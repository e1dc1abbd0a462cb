"""Give a volume to the pod's fsGroup: its group, group access, and setgid directories.

What the kubelet does with fsGroup under the policy OnRootMismatch. Other pods may have the volume
open and swap names while this runs as root, so nothing is reached twice by its name and no
symbolic link is followed.
"""

from __future__ import annotations

import os
import stat

from manifests.faults import HostFault

READ_WRITE = 0o660
READ_ONLY = 0o440
_DIRECTORY = 0o2110
"""Directories can be entered by the group, and what is made in them belongs to the group."""


def grant(path: str, group: int, *, read_only: bool = False) -> bool:
    """Hand the tree at `path` over to `group`; False when its root shows that it already is.

    The root is changed last: a walk that was killed is walked again. Raises HostFault, naming the
    path, where a file system refuses ownership.
    """
    access = READ_ONLY if read_only else READ_WRITE
    try:
        root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            held = os.fstat(root)
            wanted = directory_mode(held.st_mode, access)
            if held.st_gid == group and stat.S_IMODE(held.st_mode) == wanted:
                return False
            _walk(root, group, access)
            os.fchown(root, -1, group)
            os.fchmod(root, wanted)
        finally:
            os.close(root)
    except OSError as error:
        raise HostFault(
            f"{path}: cannot be given to fsGroup {group}: {error.strerror}",
            hint="the file system must keep Unix owners; else leave fsGroup out",
        ) from error
    return True


def directory_mode(mode: int, access: int = READ_WRITE) -> int:
    """Return the permission bits of a directory that a group owns, from what it has."""
    return stat.S_IMODE(mode) | access | _DIRECTORY


def _walk(root: int, group: int, access: int) -> None:
    """Change everything below the directory `root`, its deepest entries first.

    The stack is a list and not recursion: how deep the tree is, is up to its user.
    """
    waiting: list[tuple[int, list[str]]] = [(root, os.listdir(root))]
    try:
        while waiting:
            directory, names = waiting[-1]
            if not names:
                waiting.pop()
                if directory != root:
                    _change_directory(directory, group, access)
                    os.close(directory)
                continue
            below = _enter_or_change(directory, names.pop(), group, access)
            if below is not None:
                waiting.append((below, os.listdir(below)))
    finally:
        for directory, _names in waiting:
            if directory != root:
                os.close(directory)


def _enter_or_change(directory: int, name: str, group: int, access: int) -> int | None:
    """Return a descriptor where `name` is a directory; change it where it is anything else."""
    flags = os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | flags, dir_fd=directory)
    except NotADirectoryError:
        pass
    except FileNotFoundError:
        return None
    try:
        entry = os.open(name, os.O_PATH | flags, dir_fd=directory)
    except FileNotFoundError:
        return None
    try:
        mode = os.fstat(entry).st_mode
        if stat.S_ISLNK(mode):
            os.chown(name, -1, group, dir_fd=directory, follow_symlinks=False)
            return None
        # An O_PATH descriptor takes no fchmod, but its name in /proc leads to the very same file.
        path = f"/proc/self/fd/{entry}"
        os.chown(path, -1, group)
        os.chmod(path, stat.S_IMODE(mode) | access)
    finally:
        os.close(entry)
    return None


def _change_directory(directory: int, group: int, access: int) -> None:
    os.fchown(directory, -1, group)
    os.fchmod(directory, directory_mode(os.fstat(directory).st_mode, access))
