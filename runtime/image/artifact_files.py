"""Read the files of an artifact from its blobs: archives and single files in, names and bytes out.

Nothing of it is written: what is no file stays a name here (a symbolic link's target is kept, and
never followed), modes and owners count for nothing. Later blobs lie over earlier ones, as the
layers of an image do.
"""

from __future__ import annotations

import hashlib

from manifests.faults import Invalid
from manifests.value import Value
from runtime.image.blob import Limits, Stream
from runtime.image.tar import Reader
from runtime.image.tar_header import Kind
from runtime.image.tree import clean, shown
from runtime.image.unpack import WHITEOUT, WHITEOUT_META, WHITEOUT_OPAQUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.image.artifact import Part
    from runtime.image.blob import Source
    from runtime.image.tar_header import Entry

_GIT = b".git"
_READ = 1 << 20


class Bounds(Value):
    """What an artifact may hold: bytes in all, packed or not, and entries of one archive."""

    size: int = 32 << 20
    entries: int = 20_000


BOUNDS = Bounds()


class Files:
    """What has been read so far: `files` are contents, `links` the targets of symbolic links."""

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self.files: dict[bytes, bytes] = {}
        self.links: dict[bytes, bytes] = {}
        self._bounds = bounds
        self._left = bounds.size

    def add(self, part: Part, blob: Source) -> None:
        """Read one blob. Raises Invalid where it is damaged, hostile or too much."""
        if part.title:
            self._single(part, blob)
        else:
            self._archive(part, blob)

    def check(self) -> None:
        """Raise Invalid where a name is a file and a directory at once."""
        for path in (*self.files, *self.links):
            parts = path.split(b"/")
            above = (b"/".join(parts[:depth]) for depth in range(1, len(parts)))
            for one in above:
                if one in self.files or one in self.links:
                    raise Invalid(f"{shown(one)} is a file, and a directory with files in it")

    def _single(self, part: Part, blob: Source) -> None:
        data = b""
        while piece := blob.read(_READ):
            data += piece
            self._check_size(len(data))
        _verify(part, f"sha256:{hashlib.sha256(data).hexdigest()}")
        self._put(part.title.encode(errors="replace"), data)

    def _archive(self, part: Part, blob: Source) -> None:
        # The headers of entries, and what pads them, come on top of what they hold.
        most = Limits(size=2 * self._bounds.size, entries=self._bounds.entries)
        with Stream(blob, most) as stream:
            reader = Reader(iter(stream))
            below = (set(self.files), set(self.links))
            for count, entry in enumerate(reader):
                if count >= self._bounds.entries:
                    raise Invalid(f"it has more than {self._bounds.entries} entries, the limit")
                self._entry(entry, reader, below)
            reader.drain()
        _verify(part, stream.digest)

    def _entry(self, entry: Entry, reader: Reader, below: tuple[set[bytes], set[bytes]]) -> None:
        path = clean(entry.name)
        name = path.rpartition(b"/")[2]
        if name.startswith(WHITEOUT):
            self._white_out(path, below)
            return
        match entry.kind:
            case Kind.DIRECTORY:
                return
            case Kind.FILE:
                if entry.sparse is not None:
                    raise Invalid(f"{shown(entry.name)} is a sparse file")
                self._check_size(entry.size)
                self._put(path, b"".join(reader.data()))
            case Kind.SYMLINK:
                self._link(path, entry.link)
            case Kind.LINK:
                target = clean(entry.link)
                if target not in self.files:
                    raise Invalid(f"{shown(entry.name)} is a link to {shown(entry.link)}, no file")
                self._put(path, self.files[target])
            case _:
                raise Invalid(f"{shown(entry.name)} is a {entry.kind}, not a file")

    def _put(self, name: bytes, data: bytes) -> None:
        path = clean(name)
        if not path or b"\0" in path:
            raise Invalid(f"{shown(name)} is no name of a file")
        if _hidden_from_git(path):
            return
        self._check_size(len(data))
        self._left -= len(data)
        self.links.pop(path, None)
        self.files[path] = data

    def _link(self, path: bytes, target: bytes) -> None:
        if path and not _hidden_from_git(path):
            self.files.pop(path, None)
            self.links[path] = target

    def _check_size(self, size: int) -> None:
        if size > self._left:
            raise Invalid(f"it holds more than {self._bounds.size >> 20} MiB, the limit")

    def _white_out(self, path: bytes, below: tuple[set[bytes], set[bytes]]) -> None:
        """Forget what an image's layer says is not there any more of the layers `below` it."""
        head, _, name = path.rpartition(b"/")
        lead = head + b"/" if head else b""
        if name == WHITEOUT_OPAQUE:
            gone = lead
        elif name.startswith(WHITEOUT_META):
            return
        else:
            gone = lead + name.removeprefix(WHITEOUT)
        for held, known in zip((self.files, self.links), below, strict=True):
            for one in known & held.keys():
                if one == gone or one.startswith(gone if name == WHITEOUT_OPAQUE else gone + b"/"):
                    del held[one]


def _hidden_from_git(path: bytes) -> bool:
    """Whether a part of the path is one that git would take for its own: no manifest is there."""
    return _GIT in path.lower().split(b"/")


def _verify(part: Part, found: str) -> None:
    if found != part.digest:
        raise Invalid(f"blob {part.digest} came as {found}: corrupted or forged")
