"""Call the Linux system calls that Python has no function for: thin, one function each.

The one door to ctypes in the kernel room. Every function takes and returns plain numbers, text and
file descriptors and raises OSError, whose file name says what the call was about. What a sequence
of calls means is for runtime.kernel.{mounts,namespaces,processes}.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import sys

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000

TMPFS = 0x01021994  # TMPFS_MAGIC of statfs(2)
EXT = 0xEF53  # EXT4_SUPER_MAGIC, ext2's and ext3's too

# FS_IOC_GETFLAGS and FS_IOC_SETFLAGS of linux/fs.h; the few architectures that number them
# otherwise answer ENOTTY.
_GET_FLAGS = 0x80086601
_SET_FLAGS = 0x40086602
_TOP_DIRECTORY = 0x00020000  # FS_TOPDIR_FL

CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_SLAVE = 0x80000
MS_SHARED = 0x100000

MNT_DETACH = 0x2
UMOUNT_NOFOLLOW = 0x8

MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8

IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_ONLYDIR = 0x01000000

RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
_RESOLVE_IN_ROOT = 0x10

# From Linux 5.1 on a new system call has the same number on every architecture that podpy can
# meet, so these need no table; everything older goes through libc's own wrapper.
_OPEN_TREE = 428
_MOVE_MOUNT = 429
_OPENAT2 = 437
_MOUNT_SETATTR = 442

_OPEN_TREE_CLONE = 1
_MOVE_MOUNT_F_EMPTY_PATH = 0x4
_STATX_ATTR_MOUNT_ROOT = 0x2000
_AT_NO_AUTOMOUNT = 0x800
_AT_SYMLINK_NOFOLLOW = 0x100
_STATFS_BYTES = 256  # struct statfs has 120 on x86-64; f_type is its first long
_STATX_BYTES = 256
_RACES = 64
"""How often a lookup that raced with a rename somewhere on the host is tried again."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.mount.argtypes = [
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
]
_libc.umount2.argtypes = [ctypes.c_char_p, ctypes.c_int]
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
_libc.statx.argtypes = [
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_int,
    ctypes.c_uint,
    ctypes.c_char_p,
]


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def _checked(result: int, about: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), about)
    return result


def _numbered(number: int, about: str, *arguments: object) -> int:
    words = (ctypes.c_long(word) if isinstance(word, int) else word for word in arguments)
    return _checked(int(_libc.syscall(ctypes.c_long(number), *words)), about)


def unshare(flags: int) -> None:
    """Give the calling thread new namespaces (CLONE_NEW*), or a root and cwd of its own (FS)."""
    _checked(_libc.unshare(flags), "unshare")


def setns(fd: int, kind: int = 0) -> None:
    """Move the calling thread into the namespace behind `fd`; `kind` (CLONE_NEW*) guards it.

    A thread joins a mount namespace only after unshare(CLONE_FS).
    """
    _checked(_libc.setns(fd, kind), f"setns {fd}")


def sethostname(name: str) -> None:
    """Give the calling thread's UTS namespace its host name. (sysctl asks for the host's root.)"""
    encoded = os.fsencode(name)
    _checked(_libc.sethostname(encoded, ctypes.c_size_t(len(encoded))), f"host name {name}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2), as it always was. `data` holds at most a page, less one byte."""
    _checked(
        _libc.mount(
            os.fsencode(source),
            os.fsencode(target),
            kind.encode() or None,
            flags,
            os.fsencode(data) or None,
        ),
        target,
    )


def umount(target: str, flags: int = 0) -> None:
    """umount2(2): flags are MNT_DETACH and UMOUNT_NOFOLLOW."""
    _checked(_libc.umount2(os.fsencode(target), flags), target)


def syncfs(fd: int) -> None:
    """Write the whole file system behind `fd` to its disk, without the interpreter's lock.

    Raises EIO where that has failed since `fd` was opened (Linux 5.8).
    """
    _checked(_libc.syncfs(fd), f"syncfs {fd}")


def has_top_directory(fd: int) -> bool:
    """Tell whether the directory `fd` is marked as `mark_top_directory` does."""
    return bool(_flags(fd) & _TOP_DIRECTORY)


def mark_top_directory(fd: int) -> None:
    """Tell the file system that what lies in the directory `fd` is unrelated, as `chattr +T` does.

    Raises OSError (ENOTTY, EOPNOTSUPP) on others than ext2, ext3 and ext4.
    """
    if not has_top_directory(fd):
        fcntl.ioctl(fd, _SET_FLAGS, (_flags(fd) | _TOP_DIRECTORY).to_bytes(4, sys.byteorder))


def _flags(fd: int) -> int:
    return int.from_bytes(fcntl.ioctl(fd, _GET_FLAGS, bytes(4)), sys.byteorder)


def open_tree(source: str | int, *, recursive: bool) -> int:
    """Return a descriptor of a detached copy (a bind) of the mount at `source`: path or fd.

    The source must be in the calling thread's mount namespace. Linux 5.2.
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | (AT_RECURSIVE if recursive else 0)
    if isinstance(source, int):
        return _numbered(_OPEN_TREE, f"fd {source}", source, b"", flags | AT_EMPTY_PATH)
    return _numbered(_OPEN_TREE, source, AT_FDCWD, os.fsencode(source), flags)


def mount_setattr(tree: int, *, recursive: bool, attributes: int = 0, propagation: int = 0) -> None:
    """Set MOUNT_ATTR_* and one of MS_{PRIVATE,SLAVE,SHARED} on the mount behind `tree`. 5.12."""
    attr = _MountAttr(attributes, 0, propagation, 0)
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    size = ctypes.sizeof(attr)
    _numbered(_MOUNT_SETATTR, f"mount {tree}", tree, b"", flags, ctypes.byref(attr), size)


def move_mount(tree: int, target: str) -> None:
    """Attach the detached mount behind `tree` at `target`. Linux 5.2."""
    path = os.fsencode(target)
    _numbered(_MOVE_MOUNT, target, tree, b"", AT_FDCWD, path, _MOVE_MOUNT_F_EMPTY_PATH)


def openat2(root: int, path: str, flags: int, *, resolve: int, mode: int = 0) -> int:
    """Open `path` below the directory behind `root` under the RESOLVE_* rules. Linux 5.6."""
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    size = ctypes.sizeof(how)
    return _numbered(_OPENAT2, path, root, os.fsencode(path), ctypes.byref(how), size)


def open_beneath(root: int, path: str, flags: int, mode: int = 0) -> int:
    """Open `path` below `root` so that no link, `..` or /proc link can lead out of it.

    Symbolic links that stay inside are followed. Raises OSError: EXDEV for an escape, ELOOP for a
    /proc link. Mount points inside `root` are crossed.
    """
    return _raced(root, path, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS, mode)


def _raced(root: int, path: str, flags: int, resolve: int, mode: int = 0) -> int:
    """Open as openat2 does, again where a ".." was looked up while names changed."""
    for _race in range(_RACES):
        try:
            return openat2(root, path, flags, resolve=resolve, mode=mode)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                raise
    raise OSError(errno.EAGAIN, "names on this host change faster than they can be read", path)


def open_in_root(root: int, path: str, flags: int) -> int:
    """Open `path` as a process would whose root is the directory behind `root`.

    Links may be absolute, as images have them (/var/run -> /run); /proc's are not followed.
    """
    return _raced(root, path, flags, _RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)


def is_mount_root(path: str | int) -> bool:
    """Say whether something is mounted at `path`, or behind a descriptor. Linux 5.8.

    A path that is a link is not followed. Raises FileNotFoundError where nothing is there at all.
    """
    answer = ctypes.create_string_buffer(_STATX_BYTES)
    if isinstance(path, int):
        at, name, flags = path, b"", AT_EMPTY_PATH
    else:
        at, name, flags = AT_FDCWD, os.fsencode(path), _AT_SYMLINK_NOFOLLOW
    _checked(_libc.statx(at, name, flags | _AT_NO_AUTOMOUNT, 0, answer), str(path))
    attributes = int.from_bytes(answer.raw[8:16], "little")
    return bool(attributes & _STATX_ATTR_MOUNT_ROOT)


def file_system(path: str) -> int:
    """Return the type of the file system that holds `path`, such as TMPFS (statfs(2)'s f_type)."""
    answer = ctypes.create_string_buffer(_STATFS_BYTES)
    _checked(_libc.statfs(os.fsencode(path), answer), path)
    return int.from_bytes(answer.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder)


def inotify_init() -> int:
    """Return a descriptor of inotify(7) that does not block."""
    return _checked(_libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK), "inotify")


def inotify_add_watch(fd: int, path: str, mask: int) -> int:
    """Have `fd` tell of the IN_* events of `mask` at `path`; return the watch's number."""
    return _checked(_libc.inotify_add_watch(fd, os.fsencode(path), mask), path)


def prctl(option: int, *arguments: int) -> int:
    """prctl(2) with PR_* `option` and up to four numbers."""
    padded = (*arguments, 0, 0, 0, 0)[:4]
    return _checked(_libc.prctl(option, *padded), f"prctl {option}")
