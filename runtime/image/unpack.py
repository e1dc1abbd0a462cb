"""Unpack one layer: a tar, gzip or zstd blob in, a directory that overlayfs can mount out.

Called by runtime.image.layers. Reading the blob is runtime.image.blob, the archive's format
runtime.image.tar, never leaving the directory runtime.image.tree; here is what each entry becomes.

    .wh.NAME        -> NAME, a character device 0:0      (overlayfs: not in the layers below)
    .wh..wh..opq    -> the xattr `trusted.overlay.opaque=y` on its directory
    .wh..wh.*       -> nothing (AUFS's own book-keeping)
    xattrs          -> `security.capability` and `user.*`; no `*.overlay.*`, which could make
                       overlayfs show what the layer does not hold

Owners, modes, times and xattrs of directories are set last: until then files are made in them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat

from manifests.faults import Fault, HostFault, Invalid
from manifests.value import Value
from runtime.image.blob import Limits, Stream
from runtime.image.directories import Directories
from runtime.image.tar import Reader
from runtime.image.tar_header import Entry, Kind
from runtime.image.tree import Tree, clean, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.image.blob import Source

WHITEOUT = b".wh."
WHITEOUT_META = b".wh..wh."
WHITEOUT_OPAQUE = b".wh..wh..opq"
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
DEFAULT_LIMITS = Limits()


def _unheard(_count: int) -> None:
    return


class Unpacked(Value):
    """What a layer turned out to be: both digests, bytes in its files, number of entries."""

    digest: str
    diff_id: str
    size: int
    entries: int


def unpack(
    blob: Source,
    directory: str,
    *,
    digest: str = "",
    diff_id: str = "",
    limits: Limits = DEFAULT_LIMITS,
    wrote: Callable[[int], None] = _unheard,
) -> Unpacked:
    """Unpack `blob` into `directory`, which must not exist yet.

    `digest` is what the manifest says of the blob, `diff_id` what the image's configuration says
    of the archive in it; both are verified when given. `wrote` hears of each file's size.
    Raises Invalid when the blob is corrupt, hostile, above a limit or another one than asked for;
    HostFault when this host cannot write it. After an error `directory` is gone.
    """
    os.mkdir(directory, 0o700)
    try:
        with Stream(blob, limits) as stream:
            size, entries = _write(stream, directory, limits, wrote)
        _verify("digest", digest, stream.digest)
        _verify("diff id", diff_id, stream.diff_id)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return Unpacked(digest=stream.digest, diff_id=stream.diff_id, size=size, entries=entries)


def identify(blob: Source, *, digest: str, diff_id: str, limits: Limits = DEFAULT_LIMITS) -> None:
    """Verify both digests of `blob` without writing anything; raises as `unpack`."""
    with Stream(blob, limits) as stream:
        for _chunk in stream:
            pass
    _verify("digest", digest, stream.digest)
    _verify("diff id", diff_id, stream.diff_id)


def _verify(what: str, wanted: str, found: str) -> None:
    if wanted and wanted != found:
        raise Invalid(f"the layer's {what} is {found}, not {wanted}: corrupted or forged")


def _write(
    stream: Stream, directory: str, limits: Limits, wrote: Callable[[int], None]
) -> tuple[int, int]:
    reader = Reader(iter(stream))
    name = b""
    count = 0
    with Tree(directory) as tree:
        layer = _Layer(tree, reader)
        try:
            for entry in reader:
                name = entry.name
                count += 1
                if count > limits.entries:
                    raise Invalid(f"the layer has more than {limits.entries} entries, the limit")
                before = layer.size
                layer.add(entry)
                wrote(layer.size - before)
                if layer.size > limits.size:
                    raise Invalid(f"the layer is larger than the limit of {limits.size >> 20} MiB")
            reader.drain()
            layer.finish()
        except (OSError, ValueError, OverflowError) as error:
            raise _worded(error, name) from error
    return layer.size, count


def _worded(error: Exception, name: bytes) -> Fault:
    where = f"cannot unpack {shown(name)}"
    if not isinstance(error, OSError):
        return Invalid(f"{where}: {error}")
    reason = f"{where}: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return HostFault(reason, hint="free disk space: podpy image prune --all")
    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOENT, errno.EFBIG, errno.ENOTDIR):
        return Invalid(reason)
    if error.errno == errno.EINVAL:
        return HostFault(reason, hint="rootless: its owner may lie outside of /etc/subuid's range")
    return HostFault(reason)


class _Layer:
    """The layer being written."""

    def __init__(self, tree: Tree, reader: Reader) -> None:
        self.size = 0
        self._tree = tree
        self._reader = reader
        self._directories = Directories()
        self._owner = (os.geteuid(), os.getegid())
        self._root = self._owner[0] == 0
        self._exact = 0o777 & ~tree.umask  # modes that open() itself sets rightly

    def add(self, entry: Entry) -> None:
        path = clean(entry.name)
        if not path:
            if entry.kind is not Kind.DIRECTORY:
                raise Invalid(f"the archive's root is a {entry.kind}")
            self._directories.add(b"", entry)
            return
        head, _, name = path.rpartition(b"/")
        self._tree.trim()
        parent, head = self._tree.directory(head)
        if name.startswith(WHITEOUT):
            self._whiteout(parent, name)
        elif entry.kind is Kind.FILE:
            self._file(parent, head, name, entry)
        elif entry.kind is Kind.DIRECTORY:
            self._directory(parent, head, name, entry)
        else:
            self._other(parent, head, name, entry)

    def finish(self) -> None:
        """Give directories what could not be set before they were full; children first."""
        os.chmod(self._tree.root, 0o755)  # noqa: S103  what a container sees as /
        for path, entry in self._directories.children_first():
            self._tree.trim()
            descriptor, _ = self._tree.directory(path)
            self._own(descriptor, entry)
            os.chmod(descriptor, entry.mode)
            self._dress(descriptor, entry)

    def _file(self, parent: int, head: bytes, name: bytes, entry: Entry) -> None:
        mode = entry.mode
        try:
            made = os.open(name, CREATE, mode & 0o777, dir_fd=parent)
        except FileExistsError:
            parent = self._clear(head, name)
            made = os.open(name, CREATE, mode & 0o777, dir_fd=parent)
        try:
            if entry.sparse is None:
                for piece in self._reader.data():
                    _write_all(made, piece)
            else:
                _write_sparse(made, entry, self._reader)
            self.size += entry.real_size
            owned = self._own(made, entry)
            if owned or mode & ~self._exact:
                os.chmod(made, mode)  # after chown, which takes the setuid bit away
            self._dress(made, entry)
        finally:
            os.close(made)

    def _directory(self, parent: int, head: bytes, name: bytes, entry: Entry) -> None:
        self._tree.make(parent, name)
        self._directories.add(_joined(head, name), entry)

    def _other(self, parent: int, head: bytes, name: bytes, entry: Entry) -> None:
        """A link, a device or a fifo; what an earlier entry made under the name goes."""
        if entry.kind is Kind.LINK:
            self._link(parent, head, name, entry)
            return
        try:
            made = self._make(parent, name, entry)
        except FileExistsError:
            parent = self._clear(head, name)
            made = self._make(parent, name, entry)
        if not made:
            return
        if (entry.uid, entry.gid) != self._owner and self._root:
            os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        if entry.kind is not Kind.SYMLINK:
            os.chmod(name, entry.mode, dir_fd=parent)
        times = (entry.mtime, entry.mtime)
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)

    def _make(self, parent: int, name: bytes, entry: Entry) -> bool:
        if entry.kind is Kind.SYMLINK:
            if not entry.link:
                raise Invalid(f"the archive has {shown(name)}, a symbolic link to nothing")
            os.symlink(entry.link, name, dir_fd=parent)
            return True
        if entry.kind is Kind.FIFO:
            os.mkfifo(name, entry.mode & 0o777, dir_fd=parent)
            return True
        kind = stat.S_IFCHR if entry.kind is Kind.CHARACTER else stat.S_IFBLK
        device = os.makedev(entry.major, entry.minor)
        try:
            os.mknod(name, kind | entry.mode & 0o777, device, dir_fd=parent)
        except PermissionError:
            return False  # in a user namespace; the container gets its /dev from podpy anyway
        return True

    def _link(self, parent: int, head: bytes, name: bytes, entry: Entry) -> None:
        target = clean(entry.link)
        if not target:
            raise Invalid(f"the archive has {shown(name)}, a hard link to its root")
        folder, _, file = target.rpartition(b"/")
        source, folder = self._tree.directory(folder)
        if (folder, file) == (head, name):
            return
        try:
            _hard_link(source, file, parent, name)
        except FileExistsError:
            parent = self._clear(head, name)
            source, _ = self._tree.directory(folder)
            _hard_link(source, file, parent, name)

    def _whiteout(self, parent: int, name: bytes) -> None:
        if name == WHITEOUT_OPAQUE:
            os.setxattr(parent, self._tree.opaque, b"y")
            return
        if name.startswith(WHITEOUT_META):
            return
        hidden = name[len(WHITEOUT) :]
        if hidden in (b"", b".", b".."):
            raise Invalid(f"the archive has {shown(name)}, a whiteout of no name")
        try:
            os.mknod(hidden, stat.S_IFCHR, 0, dir_fd=parent)
        except FileExistsError:
            # A whiteout hides lower layers only: a file of this layer does so too by being there,
            # a directory must say so, or overlayfs would merge it.
            held = os.stat(hidden, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(held.st_mode):
                self._tree.hide(parent, hidden)

    def _clear(self, head: bytes, name: bytes) -> int:
        """Remove what is under `name`; return the descriptor of its parent, opened anew."""
        path = _joined(head, name)
        self._directories.drop(path)
        self._tree.remove(path)
        return self._tree.directory(head)[0]

    def _own(self, descriptor: int, entry: Entry) -> bool:
        if (entry.uid, entry.gid) == self._owner or not self._root:
            return False
        os.chown(descriptor, entry.uid, entry.gid)
        return True

    def _dress(self, descriptor: int, entry: Entry) -> None:
        """Set xattrs (after chown, which drops capabilities) and the time (after all writes)."""
        for name, value in entry.xattrs.items():
            if name == b"security.capability":
                self._capability(descriptor, value)
            elif name.startswith(b"user.") and not name.startswith(b"user.overlay."):
                with contextlib.suppress(OSError):  # not every file system takes them
                    os.setxattr(descriptor, name, value)
        os.utime(descriptor, ns=(entry.mtime, entry.mtime))

    def _capability(self, descriptor: int, value: bytes) -> None:
        try:
            os.setxattr(descriptor, b"security.capability", value)
        except PermissionError:
            if self._root:
                raise
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise Invalid("the archive gives a file capabilities that are none") from None
            raise


def _joined(head: bytes, name: bytes) -> bytes:
    return head + b"/" + name if head else name


def _hard_link(source: int, file: bytes, parent: int, name: bytes) -> None:
    try:
        os.link(file, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        raise Invalid(
            f"the archive has {shown(name)}, a hard link to {shown(file)}, which is not in it"
        ) from None
    except PermissionError:
        raise Invalid(
            f"the archive has {shown(name)}, a hard link to the directory {shown(file)}"
        ) from None


def _write_all(descriptor: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]


def _write_sparse(descriptor: int, entry: Entry, reader: Reader) -> None:
    regions = iter(entry.sparse or ())
    left = 0
    for piece in reader.data():
        while piece:
            while not left:
                offset, left = next(regions)
                os.lseek(descriptor, offset, os.SEEK_SET)
            part = piece[:left]
            _write_all(descriptor, part)
            left -= len(part)
            piece = piece[len(part) :]
    os.ftruncate(descriptor, entry.real_size)
