"""Open and make directories below one root without ever leaving it: names in, descriptors out.

Called by runtime.image.unpack. Every step is one openat with O_NOFOLLOW from a descriptor already
held, so no symbolic link that a layer has made is followed by the kernel. Where a layer's own
entry names a parent that is a link (`lib -> usr/lib`, then `lib/x`) the link is read and followed
here, with the layer's root as its `/`: what Docker and Podman get by chroot.
"""

from __future__ import annotations

import os
import stat

from manifests.faults import Invalid
from manifests.problems import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
KEEP = 100
"""Descriptors kept open between entries: archives list a directory's files together."""
DEEPEST = 256
"""Levels of directories: far above any real image, far below where removing it gets hard."""
LINKS = 40
"""Symbolic links in one path before it counts as a loop, as in the kernel."""
STEPS = 2048
"""Names that following one path may take, its links' included: what one longest link may hold."""


class Tree:
    """The tree below `path`, which must exist; close it by leaving the context."""

    def __init__(self, path: str) -> None:
        self.root = os.open(path, OPEN)
        self.umask = _umask()
        self.opaque = _opaque_setter(self.root)
        self._open: dict[bytes, int] = {}
        self._through: dict[bytes, bytes] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.forget()
        os.close(self.root)

    def directory(self, path: bytes) -> tuple[int, bytes]:
        """Return a descriptor of the directory `path`, and its path free of symbolic links.

        `path` is clean (see `clean`); b"" is the root. Missing directories are made, 0755. The
        descriptor stays the tree's own, valid until `trim`, `remove` or `forget`. Raises Invalid
        when something else is in the way.
        """
        found = self._open.get(path)
        if found is not None:
            return found, path
        if not path:
            return self.root, path
        real = self._through.get(path)
        if real is not None:
            return self.directory(real)
        try:
            return self._descend(path), path
        except _LinkError:
            real = self._resolve(path)
        self._through[path] = real
        return self._descend(real) if real else self.root, real

    def make(self, parent: int, name: bytes) -> None:
        """Make the directory `name`, in place of anything else that an earlier entry made.

        One that replaces a whiteout of the same layer is opaque: it hides what lies below.
        """
        hides = False
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
        except FileExistsError:
            held = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(held.st_mode):
                return
            os.unlink(name, dir_fd=parent)
            os.mkdir(name, 0o755, dir_fd=parent)
            self._through.clear()
            hides = is_whiteout(held)
        if self.umask & 0o755:
            os.chmod(name, 0o755, dir_fd=parent)  # noqa: S103  what a tar without an entry means
        if hides:
            self.hide(parent, name)

    def hide(self, parent: int, name: bytes) -> None:
        """Mark the directory `name` opaque: overlayfs shows nothing of it from lower layers."""
        opened = os.open(name, OPEN, dir_fd=parent)
        try:
            os.setxattr(opened, self.opaque, b"y")
        finally:
            os.close(opened)

    def remove(self, path: bytes) -> None:
        """Remove what an earlier entry made at `path`; descriptors given before are closed."""
        head, _, name = path.rpartition(b"/")
        parent = os.dup(self.directory(head)[0])
        self.forget()
        try:
            _remove(parent, name)
        finally:
            os.close(parent)

    def trim(self) -> None:
        """Between two entries: close descriptors when there are many."""
        if len(self._open) > KEEP:
            self.forget()

    def forget(self) -> None:
        """Close what is kept open: also needed when a directory or a link is replaced."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()
        self._through.clear()

    def _descend(self, path: bytes) -> int:
        names = path.split(b"/")
        if len(names) > DEEPEST:
            raise Invalid(f"the archive has a path of more than {DEEPEST} levels")
        at, known = self.root, 0
        for count in range(len(names) - 1, 0, -1):
            held = self._open.get(b"/".join(names[:count]))
            if held is not None:
                at, known = held, count
                break
        for count in range(known, len(names)):
            at = self._step(at, names[count], path)
            self._open[b"/".join(names[: count + 1])] = at
        return at

    def _step(self, at: int, name: bytes, path: bytes) -> int:
        try:
            return os.open(name, OPEN, dir_fd=at)
        except FileNotFoundError:
            pass
        except NotADirectoryError:
            held = os.stat(name, dir_fd=at, follow_symlinks=False)
            if stat.S_ISLNK(held.st_mode):
                raise _LinkError from None
            if not is_whiteout(held):
                raise Invalid(
                    f"the archive has {shown(path)}, but {shown(name)} in it is not a directory"
                ) from None
        self.make(at, name)
        return os.open(name, OPEN, dir_fd=at)

    def _resolve(self, path: bytes) -> bytes:
        """Follow the layer's own links in `path`, with the root as `/` and as the end of `..`."""
        todo = path.split(b"/")[::-1]
        real: list[bytes] = []
        links = steps = 0
        while todo:
            name = todo.pop()
            steps += 1
            if steps > STEPS:
                raise Invalid(f"the archive has {shown(path)}, which is a maze of links")
            if name == b"..":
                del real[-1:]
            elif name not in (b"", b"."):
                at = self._descend(b"/".join(real)) if real else self.root
                target = _link(at, name)
                if target is None:
                    real.append(name)
                    continue
                links += 1
                if links > LINKS:
                    raise Invalid(f"the archive has {shown(path)}, which is a loop of links")
                if target.startswith(b"/"):
                    real.clear()
                todo.extend(reversed(target.split(b"/")))
        return b"/".join(real)


class _LinkError(Exception):
    """A component of the path is a symbolic link."""


def clean(name: bytes) -> bytes:
    """Return `name` relative to the layer's root: no leading `/`, no `.`, `..` folded.

    Raises Invalid for a name that climbs out of the root.
    """
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    if b".." in parts:
        folded: list[bytes] = []
        for part in parts:
            if part != b"..":
                folded.append(part)
            elif folded:
                folded.pop()
            else:
                raise Invalid(f"the archive has {shown(name)}, which is outside of its layer")
        parts = folded
    return b"/".join(parts)


def is_whiteout(held: os.stat_result) -> bool:
    """Whether overlayfs reads this as "the lower layers have no such name"."""
    return stat.S_ISCHR(held.st_mode) and held.st_rdev == 0


def shown(name: bytes) -> str:
    """Return `name` for a message: printable whatever its bytes, and short."""
    text = printable(name.decode(errors="backslashreplace"))
    return f'"{text[:120]}..."' if len(text) > 120 else f'"{text}"'


def _remove(parent: int, name: bytes) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=parent)
        return
    inner = os.open(name, OPEN, dir_fd=parent)
    try:
        for child in os.listdir(inner):
            _remove(inner, os.fsencode(child))
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=parent)


def _link(directory: int, name: bytes) -> bytes | None:
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError:
        return None  # not there, or not a link: the descent that follows says what is wrong


def _opaque_setter(root: int) -> str:
    """The xattr that makes a directory opaque: rootless, overlayfs reads the `user.` one.

    overlayfs documents both names; `trusted.` needs CAP_SYS_ADMIN in the first user namespace.
    """
    try:
        os.setxattr(root, "trusted.overlay.podpy", b"")
        os.removexattr(root, "trusted.overlay.podpy")
    except OSError:
        return "user.overlay.opaque"
    return "trusted.overlay.opaque"


def _umask() -> int:
    """This process's umask, read without changing it: os.umask would, for all threads."""
    with open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"Umask:"):
                return int(line.split()[1], 8)
    return 0o777
