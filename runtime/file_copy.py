"""Copy a file or a tree from one directory to another when one of both is a container's.

What runs in a container changes names while they are read: each name is looked up below a
descriptor that is held, links are never followed, and what is opened is what was looked at. So
nothing leads out of the tree that is copied, nor out of the one that it is copied into, and a
device or a pipe that a container has made is never opened.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from manifests import digests
from manifests.value import Value
from runtime.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PERMISSIONS = 0o777
"""Set-user-id and its like stay behind: they meant the users of the other side."""

_BESIDE = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_MAGICLINKS | syscalls.RESOLVE_NO_SYMLINKS
_PIECE = 1 << 20


class Manner(Value):
    """Who owns what is made (`owner`: user and group; None: podpy's own), and which links come.

    `links_out`: links that lead out of the tree come along, too.
    """

    owner: tuple[int, int] | None = None
    links_out: bool = False


def copy(source: int, into: int, name: str, manner: Manner) -> tuple[str, ...]:
    """Copy what is behind the descriptor `source` to `name` in the directory behind `into`.

    A file takes another's place in one step; a directory's content joins what is there. Returns
    what was left out, each with the reason. Raises OSError.
    """
    mode = os.fstat(source).st_mode
    if stat.S_ISREG(mode):
        _copy_file(source, into, name, manner)
        return ()
    if not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "is neither a file nor a directory", name)
    return tuple(_copy_tree(source, into, name, manner))


def _copy_tree(source: int, into: int, name: str, manner: Manner) -> Iterator[str]:
    """Copy directory by directory: how deep the tree is was up to a container."""
    _make_directory(into, name, os.fstat(source).st_mode, manner)
    with _opened(into, name) as target:
        # Where the container sees the source's own directory, the copy would be copied again.
        itself = _identity(target)
        waiting = [""]
        while waiting:
            where = waiting.pop()
            with _opened(source, where or ".") as here, _opened(target, where or ".") as there:
                for entry in sorted(os.listdir(here)):
                    place = f"{where}/{entry}" if where else entry
                    with _looked_at(here, entry) as found:
                        mode = os.fstat(found).st_mode
                        if stat.S_ISDIR(mode) and _identity(found) != itself:
                            _make_directory(there, entry, mode, manner)
                            waiting.append(place)
                        elif not stat.S_ISDIR(mode):
                            left_out = _copy_entry(found, there, place, manner)
                            yield from (f"{place}: {why}" for why in left_out)


def _copy_entry(found: int, there: int, place: str, manner: Manner) -> tuple[str, ...]:
    """Copy what is no directory; return why it is left out, if it is."""
    name = os.path.basename(place)
    mode = os.fstat(found).st_mode
    if stat.S_ISREG(mode):
        _copy_file(found, there, name, manner)
        return ()
    if not stat.S_ISLNK(mode):
        return ("is neither a file, a directory nor a link",)
    target = os.readlink("", dir_fd=found)
    if not manner.links_out and leads_out(place, target):
        return (f"is a link that leads out of what is copied: {target}",)
    with _in_its_place(there, name) as fresh:
        os.symlink(target, fresh, dir_fd=there)
        if manner.owner:
            os.chown(fresh, *manner.owner, dir_fd=there, follow_symlinks=False)
    return ()


def leads_out(place: str, target: str) -> bool:
    """Tell whether a link at `place` in a tree may lead out of it. Pure.

    A ".." behind another name does: that name may be a link, and what is above it anywhere.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    up = 0
    while up < len(parts) and parts[up] == "..":
        up += 1
    return target.startswith("/") or ".." in parts[up:] or up > place.count("/")


def _copy_file(found: int, there: int, name: str, manner: Manner) -> None:
    before = os.fstat(found)
    # Reopened by its descriptor: the file that was looked at, not what has its name by now.
    source = os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with _in_its_place(there, name) as fresh:
            target = os.open(fresh, flags, 0o600, dir_fd=there)
            try:
                _pour(source, target, before.st_size)
                if manner.owner:
                    os.fchown(target, *manner.owner)
                os.fchmod(target, before.st_mode & PERMISSIONS)
                os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
            finally:
                os.close(target)
    finally:
        os.close(source)


def _pour(source: int, target: int, size: int) -> None:
    """Copy as much as there was at first: a file that grows for ever ends here, too."""
    left = size
    while left and (piece := os.sendfile(target, source, None, min(left, _PIECE))):
        left -= piece


def unfinished(name: str) -> str:
    """Return what `name` is called while it is made.

    The same each time, so that what a copy that was killed has left goes with the next.
    """
    return f".podpy-cp-{digests.of(name)[:16]}"


@contextlib.contextmanager
def _in_its_place(there: int, name: str) -> Iterator[str]:
    """Give the name to make something under; at the end of the block it becomes `name`."""
    fresh = unfinished(name)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh, dir_fd=there)
    try:
        yield fresh
        os.rename(fresh, name, src_dir_fd=there, dst_dir_fd=there)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(fresh, dir_fd=there)
        if isinstance(error, OSError):
            error.filename, error.filename2 = name, None  # The one that the caller knows.
        raise


def _make_directory(there: int, name: str, mode: int, manner: Manner) -> None:
    """Make a directory; one that is there stays as it is."""
    try:
        os.mkdir(name, 0o700, dir_fd=there)
    except FileExistsError:
        return
    with _opened(there, name) as made:
        if manner.owner:
            os.fchown(made, *manner.owner)
        os.fchmod(made, mode & PERMISSIONS)


@contextlib.contextmanager
def _opened(root: int, path: str) -> Iterator[int]:
    """Open a directory below `root`: no link on the way is followed."""
    descriptor = syscalls.openat2(root, path, os.O_RDONLY | os.O_DIRECTORY, resolve=_BESIDE)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _looked_at(directory: int, name: str) -> Iterator[int]:
    """Hold what has the name, whatever it is, without opening it."""
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino
