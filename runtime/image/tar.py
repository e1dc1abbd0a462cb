"""Read a tar stream: chunks of bytes in, entries and their data out, in one pass.

    512-byte header | data, padded to 512 | header | ... | two zero blocks

Called by runtime.image.unpack, which decides what an entry may do. Reads ustar, pax and GNU
archives (long names, base-256 numbers, sparse files of all four formats). tarfile takes twice as
long, most of it for what image layers do not need. Global pax headers are ignored, as Docker and
Podman do. What a header says is runtime.image.tar_header.
"""

from __future__ import annotations

from manifests.faults import Invalid
from runtime.image import tar_header
from runtime.image.tar_header import Entry, Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 512
EXTENSION_LIMIT = 1 << 20
"""Bytes that the long names and the pax records of one entry may take together."""
SPARSE_LIMIT = 1 << 16
"""Regions that one sparse file may have."""

_ZERO = bytes(BLOCK)
_LONG_NAME, _LONG_LINK, _PAX, _PAX_SOLARIS, _PAX_GLOBAL, _VOLUME = map(ord, "LKxXgV")
_GNU_SPARSE = ord("S")


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
                pax.update(tar_header.pax_records(extension))
            elif kind in (_PAX_GLOBAL, _VOLUME):
                self._expect(tar_header.number(header[124:136]))
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
        entry = tar_header.decoded(header, pax)
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
        if not tar_header.intact(header):
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
        size = tar_header.number(header[124:136])
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
        numbers = [tar_header.number(joined[at : at + 12]) for at in range(0, len(joined), 12)]
        entry.sparse = [
            (offset, size)
            for offset, size in zip(numbers[::2], numbers[1::2], strict=True)
            if size or offset
        ]
        entry.real_size = tar_header.number(header[483:495])
        tar_header.check_sparse(entry)

    def _pax_sparse(self, pax: dict[bytes, bytes], entry: Entry) -> None:
        """Formats 0.0 and 0.1 have the map in the records, 1.0 before the data."""
        if b"GNU.sparse.map" in pax:
            numbers = [
                tar_header.decimal(text) for text in pax[b"GNU.sparse.map"].split(b",") if text
            ]
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
        entry.real_size = tar_header.decimal(real)
        tar_header.check_sparse(entry)

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
                wanted = 1 + 2 * tar_header.decimal(b"".join(blocks).partition(b"\n")[0])
            lines += blocks[-1].count(b"\n")
        return [tar_header.decimal(line) for line in b"".join(blocks).split(b"\n")[1:wanted]]
