"""Make, undo and read mounts of the calling thread's mount namespace.

Pods' mounts are made inside the pod's own namespace: pass these functions to
runtime.kernel.inside.Inside.call. Everything raises HostFault, which names the target.
"""

from __future__ import annotations

import errno
import os

from manifests.faults import HostFault
from manifests.strenum import StrEnum
from manifests.value import Value
from runtime.kernel import syscalls
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOUNTINFO = "/proc/thread-self/mountinfo"
"""/proc/self would show the namespace of the process's first thread, not of this one."""

_PAGE = os.sysconf("SC_PAGE_SIZE")
_OLD_KERNEL = (errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP)
"""What the calls after mount(2) fail with on an old kernel, or under another's seccomp filter."""


class Propagation(StrEnum):
    """Kubernetes' mountPropagation, in the kernel's words."""

    PRIVATE = "rprivate"
    SLAVE = "rslave"
    SHARED = "rshared"


class Access(Value):
    """What may be done through a mount."""

    read_only: bool = False
    nosuid: bool = False
    nodev: bool = False
    noexec: bool = False


EVERYTHING = Access()
READ_ONLY = Access(read_only=True)
DATA = Access(nosuid=True, nodev=True, noexec=True)

_PROPAGATION_FLAG = {
    Propagation.PRIVATE: syscalls.MS_PRIVATE,
    Propagation.SLAVE: syscalls.MS_SLAVE,
    Propagation.SHARED: syscalls.MS_SHARED,
}


class Mount(Value):
    """One line of mountinfo (proc_pid_mountinfo(5)); `shared` and `master` are peer groups or 0."""

    id: int
    parent: int
    root: str
    target: str
    options: tuple[str, ...]
    kind: str
    source: str
    super_options: tuple[str, ...]
    shared: int = 0
    master: int = 0


def bind(
    source: str | int,
    target: str,
    *,
    recursive: bool = True,
    access: Access = EVERYTHING,
    propagation: Propagation = Propagation.PRIVATE,
) -> None:
    """Show `source`, a path or a descriptor (O_PATH) of this namespace, at `target` as well.

    `target` exists and is a directory exactly when `source` is. With `recursive`, what is mounted
    below the source comes along and gets the same access, read-only included. The mount is not
    visible before its access is set.
    """
    with _worded(f"{target}: cannot bind {_shown(source)}"):
        try:
            _bind_by_tree(source, target, recursive, access, propagation)
        except OSError as error:
            if error.errno not in _OLD_KERNEL:
                raise
            bind_by_remount(source, target, recursive, access, propagation)


def _bind_by_tree(
    source: str | int, target: str, recursive: bool, access: Access, propagation: Propagation
) -> None:
    tree = syscalls.open_tree(source, recursive=recursive)
    try:
        syscalls.mount_setattr(tree, recursive=recursive, attributes=_attributes(access))
        syscalls.move_mount(tree, target)
        # Afterwards: what is attached below a shared mount becomes shared in that moment.
        flag = _PROPAGATION_FLAG[propagation]
        syscalls.mount_setattr(tree, recursive=recursive, propagation=flag)
    finally:
        os.close(tree)


def bind_by_remount(
    source: str | int, target: str, recursive: bool, access: Access, propagation: Propagation
) -> None:
    """Bind with mount(2) alone, for kernels before 5.12 and hosts that forbid the newer calls.

    For an instant the mount is visible with the source's own access.
    """
    path = f"/proc/self/fd/{source}" if isinstance(source, int) else source
    deep = syscalls.MS_REC if recursive else 0
    syscalls.mount(path, target, flags=syscalls.MS_BIND | deep)
    try:
        syscalls.mount("", target, flags=_PROPAGATION_FLAG[propagation] | deep)
        if access != EVERYTHING:
            for mount in list(below(target)) if recursive else [find(target)]:
                if mount is not None:
                    _remount(mount, access)
    except OSError:
        syscalls.umount(target, syscalls.MNT_DETACH)
        raise


def _remount(mount: Mount, access: Access) -> None:
    # A bind remount replaces all flags, so those that are there are asked for again.
    wanted = Access(
        read_only=access.read_only or "ro" in mount.options,
        nosuid=access.nosuid or "nosuid" in mount.options,
        nodev=access.nodev or "nodev" in mount.options,
        noexec=access.noexec or "noexec" in mount.options,
    )
    flags = syscalls.MS_REMOUNT | syscalls.MS_BIND | _flags(wanted)
    syscalls.mount("", mount.target, flags=flags)


def propagate(target: str, propagation: Propagation) -> None:
    """Change how mounts at and below `target` reach other namespaces, and theirs reach this."""
    with _worded(f"{target}: cannot be made {propagation}"):
        syscalls.mount("", target, flags=_PROPAGATION_FLAG[propagation] | syscalls.MS_REC)


def tmpfs(
    target: str,
    *,
    size: int | None = None,
    mode: int = 0o1777,
    owner: tuple[int, int] = (0, 0),
    access: Access = EVERYTHING,
) -> None:
    """Mount an empty file system in memory; `size` in bytes, None for half of the memory."""
    options = [f"mode={mode:o}", f"uid={owner[0]}", f"gid={owner[1]}"]
    if size is not None:
        # Zero would mean no limit at all; a page is the least that limits.
        options.append(f"size={max(size, _PAGE)}")
    with _worded(f"{target}: cannot mount a tmpfs"):
        syscalls.mount("tmpfs", target, "tmpfs", _flags(access), ",".join(options))


def filesystem(
    kind: str, target: str, *, source: str = "", options: str = "", access: Access = DATA
) -> None:
    """Mount a file system of the kernel's own making, such as mqueue or proc."""
    with _worded(f"{target}: cannot mount {kind}"):
        syscalls.mount(source or kind, target, kind, _flags(access), options)


def overlay(
    target: str,
    lowers: Sequence[str],
    *,
    upper: str = "",
    work: str = "",
    volatile: bool = True,
) -> None:
    """Mount `lowers` (topmost first) as one tree, written to `upper` if given, else read-only.

    `volatile` leaves out all syncing (unmounting takes 0.3 ms, not 40): after a crash such an upper
    is lost and the kernel refuses it. A user's namespaces need `userxattr` (5.11). mount(2) takes
    one page of options; when the paths do not fit, or hold overlayfs' own separators, they are
    named through descriptors, which lets 200 layers in on every kernel.
    """
    paths = [*lowers, *((upper, work) if upper else ())]
    extra = [
        *(("volatile",) if volatile and upper else ()),
        *(("userxattr",) if mode.active() else ()),
    ]
    with _worded(f"{target}: cannot mount an overlay of {len(lowers)} layers"):
        plain = _overlay_options(lowers, upper, work, extra)
        special = any(sign in path for path in paths for sign in ",:\\")
        if len(os.fsencode(plain)) < _PAGE and not special:
            syscalls.mount("overlay", target, "overlay", data=plain)
            return
        opened: list[int] = []
        try:
            for path in paths:
                opened.append(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
            named = [f"/proc/self/fd/{fd}" for fd in opened]
            ends = named[len(lowers) :] or ["", ""]
            short = _overlay_options(named[: len(lowers)], ends[0], ends[1], extra)
            syscalls.mount("overlay", target, "overlay", data=short)
        finally:
            for fd in opened:
                os.close(fd)


def _overlay_options(lowers: Sequence[str], upper: str, work: str, extra: Sequence[str]) -> str:
    options = [f"lowerdir={':'.join(lowers)}"]
    if upper:
        options += [f"upperdir={upper}", f"workdir={work}"]
    return ",".join([*options, *extra])


def umount(target: str, *, lazy: bool = True) -> bool:
    """Unmount what is topmost at `target`; gone already is success: False says so.

    `lazy` takes it out of the tree at once and frees it when its last user is gone.
    """
    flags = syscalls.UMOUNT_NOFOLLOW | (syscalls.MNT_DETACH if lazy else 0)
    try:
        syscalls.umount(target, flags)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return False
        raise HostFault(f"{target}: cannot be unmounted: {error.strerror}") from error
    return True


def is_mounted(path: str) -> bool:
    """Say whether something is mounted exactly at `path`, bind mounts of files included."""
    try:
        return syscalls.is_mount_root(path)
    except (FileNotFoundError, NotADirectoryError):
        return False


def table(path: str = MOUNTINFO) -> Iterator[Mount]:
    """Read the mounts of the calling thread's namespace, oldest first."""
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        yield from parse(file)


def find(target: str) -> Mount | None:
    """Return the topmost mount at `target`."""
    found = None
    for mount in table():
        if mount.target == target:
            found = mount
    return found


def holding(path: str) -> Mount | None:
    """Return the mount that `path`, which exists, is on: the topmost of the innermost."""
    path = os.path.realpath(path)
    best = None
    for mount in table():
        target = mount.target.rstrip("/")
        inside = path == target or path.startswith(f"{target}/")
        if inside and (best is None or len(mount.target) >= len(best.target)):
            best = mount
    return best


def below(target: str) -> Iterator[Mount]:
    """Return the mounts at and below `target`."""
    inside = target.rstrip("/") + "/"
    return (m for m in table() if m.target == target or m.target.startswith(inside))


def parse(lines: Iterable[str]) -> Iterator[Mount]:
    """Turn the lines of a mountinfo file into Mounts."""
    for line in lines:
        front, _, back = line.rstrip("\n").partition(" - ")
        words = front.split(" ")
        kind, source, super_options = ([*back.split(" "), "", ""])[:3]
        peers = dict(tag.partition(":")[::2] for tag in words[6:])
        yield Mount(
            id=int(words[0]),
            parent=int(words[1]),
            root=_unescaped(words[3]),
            target=_unescaped(words[4]),
            options=tuple(words[5].split(",")),
            kind=kind,
            source=_unescaped(source),
            super_options=tuple(super_options.split(",")),
            shared=int(peers.get("shared", 0)),
            master=int(peers.get("master", 0)),
        )


def _unescaped(word: str) -> str:
    """Undo the kernel's \\040 writing of space, tab, newline and backslash."""
    if "\\" not in word:
        return word
    first, *rest = word.split("\\")
    return first + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def _attributes(access: Access) -> int:
    return (
        syscalls.MOUNT_ATTR_RDONLY * access.read_only
        | syscalls.MOUNT_ATTR_NOSUID * access.nosuid
        | syscalls.MOUNT_ATTR_NODEV * access.nodev
        | syscalls.MOUNT_ATTR_NOEXEC * access.noexec
    )


def _flags(access: Access) -> int:
    return (
        syscalls.MS_RDONLY * access.read_only
        | syscalls.MS_NOSUID * access.nosuid
        | syscalls.MS_NODEV * access.nodev
        | syscalls.MS_NOEXEC * access.noexec
    )


def _shown(source: str | int) -> str:
    if isinstance(source, str):
        return source
    try:
        return os.readlink(f"/proc/self/fd/{source}")
    except OSError:
        return f"descriptor {source}"


class _worded:  # noqa: N801 - a context manager, read as a verb
    """Turn an OSError into a HostFault that begins with `what`."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError):
            raise HostFault(f"{self.what}: {error.strerror}") from error
