"""Read a tar stream: chunks of bytes in, entries and their data out, in one pass.

    512-byte header | data, padded to 512 | header | ... | two zero blocks

Called by runtime.image.unpack, which decides what an entry may do. Reads ustar, pax and GNU
archives (long names, base-256 numbers, sparse files of all four formats). tarfile takes twice as
long, most of it for what image layers do not need. Names stay bytes: a layer has no encoding.
Global pax headers are ignored, as Docker and Podman do.
"""

from __future__ import annotations

import enum

from manifests.faults import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 512
EXTENSION_LIMIT = 1 << 20
"""Bytes that the long names and the pax records of one entry may take together."""
SPARSE_LIMIT = 1 << 16
"""Regions that one sparse file may have."""

_ZERO = bytes(BLOCK)


class Kind(enum.StrEnum):
    """What an entry makes."""

    FILE = "file"
    LINK = "hard link"
    SYMLINK = "symbolic link"
    CHARACTER = "character device"
    BLOCK_DEVICE = "block device"
    DIRECTORY = "directory"
    FIFO = "fifo"


_KINDS = {
    0x00: Kind.FILE,
    0x30: Kind.FILE,
    0x31: Kind.LINK,
    0x32: Kind.SYMLINK,
    0x33: Kind.CHARACTER,
    0x34: Kind.BLOCK_DEVICE,
    0x35: Kind.DIRECTORY,
    0x36: Kind.FIFO,
    0x37: Kind.FILE,
    0x53: Kind.FILE,  # 'S': GNU sparse
}
_LONG_NAME, _LONG_LINK, _PAX, _PAX_SOLARIS, _PAX_GLOBAL, _VOLUME = map(ord, "LKxXgV")
_GNU_SPARSE = ord("S")


class Entry:
    """One entry. `size` is the stored data, `real_size` what the file measures once written.

    `mtime` is in nanoseconds; `sparse` holds (offset, length) of the stored regions, or None.
    """

    __slots__ = (
        "gid",
        "kind",
        "link",
        "major",
        "minor",
        "mode",
        "mtime",
        "name",
        "real_size",
        "size",
        "sparse",
        "uid",
        "xattrs",
    )
    name: bytes
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int
    real_size: int
    mtime: int
    link: bytes
    major: int
    minor: int
    xattrs: dict[bytes, bytes]
    sparse: list[tuple[int, int]] | None


class Reader:
    """Entries of the archive in `chunks`; read an entry's data before asking for the next."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")
        self._at = 0
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Entry]:
        pax: dict[bytes, bytes] = {}
        left = EXTENSION_LIMIT
        while True:
            header = self._header()
            if header is None:
                return
            kind = header[156]
            if kind in (_LONG_NAME, _LONG_LINK):
                key = b"path" if kind == _LONG_NAME else b"linkpath"
                extension = self._extension(header, left)
                left -= len(extension)
                pax[key] = extension.split(b"\0", 1)[0]
            elif kind in (_PAX, _PAX_SOLARIS):
                extension = self._extension(header, left)
                left -= len(extension)
                pax.update(_pax_records(extension))
            elif kind in (_PAX_GLOBAL, _VOLUME):
                self._expect(_number(header[124:136]))
            else:
                yield self._entry(header, pax)
                pax, left = {}, EXTENSION_LIMIT

    def data(self) -> Iterator[memoryview]:
        """The data of the last entry, in pieces."""
        while self._left:
            piece = self._piece(self._left)
            self._left -= len(piece)
            yield piece

    def drain(self) -> None:
        """Read what follows the archive's end: digests cover it."""
        for _chunk in self._chunks:
            pass

    def _entry(self, header: bytes, pax: dict[bytes, bytes]) -> Entry:
        entry = _decoded(header, pax)
        if entry.kind is Kind.FILE:
            self._expect(entry.size)
            if header[156] == _GNU_SPARSE:
                self._old_sparse(header, entry)
            elif pax:
                self._pax_sparse(pax, entry)
        else:
            entry.size = entry.real_size = 0  # as Go's reader: a link's size is not its data's
            self._expect(0)
        return entry

    def _header(self) -> bytes | None:
        """The next header that is not the end; the data not read before it is skipped."""
        self._skip()
        header = self._block()
        if header is None:
            return None
        if header == _ZERO:
            second = self._block()
            if second is not None and second != _ZERO:
                raise Invalid("the archive is corrupt: a lone zero block between entries")
            return None
        told = _number(header[148:156])
        if told != sum(header) - sum(header[148:156]) + 256 and told != _signed_sum(header):
            raise Invalid("the archive is corrupt: a header's checksum is wrong")
        return header

    def _block(self) -> bytes | None:
        """The next 512 bytes; None where the stream ends before them."""
        at = self._at
        if at + BLOCK <= len(self._chunk):
            self._at = at + BLOCK
            return bytes(self._chunk[at : at + BLOCK])
        first = b""
        if at < len(self._chunk) or self._next():
            first = bytes(self._piece(BLOCK))
        return first + self._take(BLOCK - len(first)) if first else None

    def _expect(self, size: int) -> None:
        if size < 0:
            raise Invalid(f"the archive is corrupt: an entry of {size} bytes")
        self._left = size
        self._padding = -size % BLOCK

    def _skip(self) -> None:
        left = self._left + self._padding
        while left:
            left -= len(self._piece(left))
        self._left = self._padding = 0

    def _extension(self, header: bytes, limit: int) -> bytes:
        size = _number(header[124:136])
        if not 0 <= size <= limit:
            raise Invalid(f"the archive has a header of {size} more bytes, the limit is 1 MiB")
        self._expect(size)
        found = self._take(size)
        self._left = 0
        return found

    def _take(self, size: int) -> bytes:
        parts = []
        while size:
            piece = self._piece(size)
            size -= len(piece)
            parts.append(bytes(piece))
        return b"".join(parts)

    def _piece(self, most: int) -> memoryview:
        """Up to `most` bytes that are there without joining two chunks."""
        if self._at >= len(self._chunk) and not self._next():
            raise Invalid("the archive ends in the middle of an entry")
        piece = self._chunk[self._at : self._at + most]
        self._at += len(piece)
        return piece

    def _next(self) -> bool:
        self._chunk = memoryview(next(self._chunks, b""))
        self._at = 0
        return len(self._chunk) > 0

    def _old_sparse(self, header: bytes, entry: Entry) -> None:
        """GNU's own format: four regions in the header, 21 in each block that follows it."""
        fields = [header[386:482]]
        more = header[482]
        while more:
            block = self._block()
            if block is None or len(fields) * 21 > SPARSE_LIMIT:
                raise Invalid("the archive is corrupt: a sparse file's map does not end")
            fields.append(block[:504])
            more = block[504]
        joined = b"".join(fields)
        numbers = [_number(joined[at : at + 12]) for at in range(0, len(joined), 12)]
        entry.sparse = [
            (offset, size)
            for offset, size in zip(numbers[::2], numbers[1::2], strict=True)
            if size or offset
        ]
        entry.real_size = _number(header[483:495])
        _check_sparse(entry)

    def _pax_sparse(self, pax: dict[bytes, bytes], entry: Entry) -> None:
        """Formats 0.0 and 0.1 have the map in the records, 1.0 before the data."""
        if b"GNU.sparse.map" in pax:
            numbers = [_decimal(text) for text in pax[b"GNU.sparse.map"].split(b",") if text]
            real = pax.get(b"GNU.sparse.size", b"")
        elif pax.get(b"GNU.sparse.major") == b"1":
            numbers = self._sparse_numbers()
            entry.size = self._left
            real = pax.get(b"GNU.sparse.realsize", b"")
        else:
            return
        if len(numbers) % 2 or len(numbers) > 2 * SPARSE_LIMIT:
            raise Invalid("the archive is corrupt: a sparse file's map is not in pairs")
        entry.sparse = list(zip(numbers[::2], numbers[1::2], strict=True))
        entry.real_size = _decimal(real)
        _check_sparse(entry)

    def _sparse_numbers(self) -> list[int]:
        """Lines of decimal numbers, the first their count in pairs, padded to whole blocks."""
        blocks: list[bytes] = []
        lines, wanted = 0, 1
        while lines < wanted:
            if self._left < BLOCK or len(blocks) * BLOCK > SPARSE_LIMIT * 32:
                raise Invalid("the archive is corrupt: a sparse file's map does not end")
            blocks.append(self._take(BLOCK))
            self._left -= BLOCK
            if not lines and b"\n" in blocks[-1]:
                wanted = 1 + 2 * _decimal(b"".join(blocks).partition(b"\n")[0])
            lines += blocks[-1].count(b"\n")
        return [_decimal(line) for line in b"".join(blocks).split(b"\n")[1:wanted]]


def _decoded(header: bytes, pax: dict[bytes, bytes]) -> Entry:
    kind = _KINDS.get(header[156])
    if kind is None:
        raise Invalid(f"the archive has an entry of the unknown type {chr(header[156])!r}")
    entry = Entry()
    entry.name = header[:100].split(b"\0", 1)[0]
    entry.link = header[157:257].split(b"\0", 1)[0]
    entry.mode = _number(header[100:108]) & 0o7777
    entry.uid = _number(header[108:116])
    entry.gid = _number(header[116:124])
    entry.size = _number(header[124:136])
    entry.mtime = _number(header[136:148]) * 1_000_000_000
    entry.xattrs = {}
    entry.sparse = None
    if header[257:263] == b"ustar\0" and header[345]:
        entry.name = header[345:500].split(b"\0", 1)[0] + b"/" + entry.name
    if kind in (Kind.CHARACTER, Kind.BLOCK_DEVICE):
        entry.major = _number(header[329:337])
        entry.minor = _number(header[337:345])
    if pax:
        _apply(pax, entry)
    if kind is Kind.FILE and entry.name.endswith(b"/"):
        kind = Kind.DIRECTORY  # how archives before ustar mark one
    entry.kind = kind
    entry.real_size = entry.size
    return entry


def _apply(pax: dict[bytes, bytes], entry: Entry) -> None:
    entry.name = pax.get(b"GNU.sparse.name") or pax.get(b"path") or entry.name
    entry.link = pax.get(b"linkpath") or entry.link
    if b"size" in pax:
        entry.size = _decimal(pax[b"size"])
    if b"uid" in pax:
        entry.uid = _decimal(pax[b"uid"])
    if b"gid" in pax:
        entry.gid = _decimal(pax[b"gid"])
    if b"mtime" in pax:
        entry.mtime = _seconds(pax[b"mtime"])
    for key, value in pax.items():
        if key.startswith(b"SCHILY.xattr."):
            entry.xattrs[key[13:]] = value
    if b"\0" in entry.name or b"\0" in entry.link:
        raise Invalid("the archive has a name with a NUL byte in it")


def _pax_records(text: bytes) -> dict[bytes, bytes]:
    """Decode `LENGTH KEY=VALUE\\n` records; LENGTH counts the whole record."""
    found: dict[bytes, bytes] = {}
    regions: list[bytes] = []
    at = 0
    while at < len(text) and text[at]:
        space = text.find(b" ", at, at + 20)
        end = at + _decimal(text[at:space]) if space > 0 else 0
        key, equals, value = text[space + 1 : end - 1].partition(b"=")
        if end <= space + 1 or end > len(text) or text[end - 1] != 0x0A or not equals:
            raise Invalid("the archive is corrupt: a pax record is malformed")
        if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            regions.append(value)  # format 0.0 repeats the two keys, a pair for each region
        else:
            found[key] = value
        at = end
    if regions:
        found[b"GNU.sparse.map"] = b",".join(regions)
    return found


def _check_sparse(entry: Entry) -> None:
    end = stored = 0
    for offset, length in entry.sparse or ():
        if offset < end or length < 0:
            raise Invalid("the archive is corrupt: a sparse file's regions overlap")
        end = offset + length
        stored += length
    if end > entry.real_size or stored != entry.size:
        raise Invalid("the archive is corrupt: a sparse file's map does not fit its size")


def _number(field: bytes) -> int:
    """A header's number: octal text, or GNU's base 256 marked by the first bit."""
    if field[0] & 0x80:
        value = int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
        if field[0] & 0x40:
            value -= 1 << (8 * len(field) - 1)
        return value
    text = field.split(b"\0", 1)[0].strip()
    if not text:
        return 0
    if not text.isdigit():
        raise Invalid(f"the archive is corrupt: {text!r} stands where a number must")
    try:
        return int(text, 8)
    except ValueError:
        raise Invalid(f"the archive is corrupt: {text!r} is not octal") from None


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 20:
        raise Invalid(f"the archive is corrupt: {text[:30]!r} stands where a number must")
    return int(text)


def _seconds(text: bytes) -> int:
    """Decimal seconds with a fraction, in nanoseconds."""
    sign = -1 if text.startswith(b"-") else 1
    whole, _, part = text.lstrip(b"-").partition(b".")
    return sign * (_decimal(whole or b"0") * 1_000_000_000 + _decimal((part + b"0" * 9)[:9]))


def _signed_sum(header: bytes) -> int:
    """The checksum of old archivers, which summed signed characters."""
    own = header[:148] + b" " * 8 + header[156:]
    return sum(byte - 256 if byte > 127 else byte for byte in own)
