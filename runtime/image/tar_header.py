"""Decode the headers of a tar archive: 512 bytes and what pax or GNU say besides in, an Entry out.

Pure. Called by runtime.image.tar, which reads the stream. Names stay bytes: they have no encoding.
"""

from __future__ import annotations

from manifests.faults import Invalid
from manifests.strenum import StrEnum


class Kind(StrEnum):
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


def decoded(header: bytes, pax: dict[bytes, bytes]) -> Entry:
    """Return the entry of a header, with what pax records or GNU's long names say instead."""
    kind = _KINDS.get(header[156])
    if kind is None:
        raise Invalid(f"the archive has an entry of the unknown type {chr(header[156])!r}")
    entry = Entry()
    entry.name = header[:100].split(b"\0", 1)[0]
    entry.link = header[157:257].split(b"\0", 1)[0]
    entry.mode = number(header[100:108]) & 0o7777
    entry.uid = number(header[108:116])
    entry.gid = number(header[116:124])
    entry.size = number(header[124:136])
    entry.mtime = number(header[136:148]) * 1_000_000_000
    entry.xattrs = {}
    entry.sparse = None
    if header[257:263] == b"ustar\0" and header[345]:
        entry.name = header[345:500].split(b"\0", 1)[0] + b"/" + entry.name
    if kind in (Kind.CHARACTER, Kind.BLOCK_DEVICE):
        entry.major = number(header[329:337])
        entry.minor = number(header[337:345])
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
        entry.size = decimal(pax[b"size"])
    if b"uid" in pax:
        entry.uid = decimal(pax[b"uid"])
    if b"gid" in pax:
        entry.gid = decimal(pax[b"gid"])
    if b"mtime" in pax:
        entry.mtime = _seconds(pax[b"mtime"])
    for key, value in pax.items():
        if key.startswith(b"SCHILY.xattr."):
            entry.xattrs[key[13:]] = value
    if b"\0" in entry.name or b"\0" in entry.link:
        raise Invalid("the archive has a name with a NUL byte in it")


def pax_records(text: bytes) -> dict[bytes, bytes]:
    """Decode `LENGTH KEY=VALUE\\n` records; LENGTH counts the whole record."""
    found: dict[bytes, bytes] = {}
    regions: list[bytes] = []
    at = 0
    while at < len(text) and text[at]:
        space = text.find(b" ", at, at + 20)
        end = at + decimal(text[at:space]) if space > 0 else 0
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


def check_sparse(entry: Entry) -> None:
    """Raise Invalid for a sparse file's map that does not fit the file."""
    end = stored = 0
    for offset, length in entry.sparse or ():
        if offset < end or length < 0:
            raise Invalid("the archive is corrupt: a sparse file's regions overlap")
        end = offset + length
        stored += length
    if end > entry.real_size or stored != entry.size:
        raise Invalid("the archive is corrupt: a sparse file's map does not fit its size")


def number(field: bytes) -> int:
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


def decimal(text: bytes) -> int:
    """A number of a pax record."""
    if not text.isdigit() or len(text) > 20:
        raise Invalid(f"the archive is corrupt: {text[:30]!r} stands where a number must")
    return int(text)


def _seconds(text: bytes) -> int:
    """Decimal seconds with a fraction, in nanoseconds."""
    sign = -1 if text.startswith(b"-") else 1
    whole, _, part = text.lstrip(b"-").partition(b".")
    return sign * (decimal(whole or b"0") * 1_000_000_000 + decimal((part + b"0" * 9)[:9]))


def intact(header: bytes) -> bool:
    """Tell whether the header's checksum is right."""
    told = number(header[148:156])
    return told == sum(header) - sum(header[148:156]) + 256 or told == _signed_sum(header)


def _signed_sum(header: bytes) -> int:
    """The checksum of old archivers, which summed signed characters."""
    own = header[:148] + b" " * 8 + header[156:]
    return sum(byte - 256 if byte > 127 else byte for byte in own)
