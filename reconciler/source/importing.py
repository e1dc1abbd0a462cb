"""Files in, what git-fast-import(1) reads to save them as a revision out. Pure."""

from __future__ import annotations

import os

from reconciler.source import refs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.sources import File

_WHO = b"podpy <podpy@localhost> 0 +0000"
_FILE, _SYMLINK = b"100644", b"120000"


def revision(files: Iterable[File], links: Iterable[File], artifact: str) -> bytes:
    """Return a commit of these files alone, on refs.FETCHED; `links` hold the targets of symbolic
    links. With the digest of an `artifact` that names the commit, too."""
    ref = refs.FETCHED.encode()
    parts = [b"commit ", ref, b"\ncommitter ", _WHO]
    parts += [b"\ndata %d\n" % len(artifact), artifact.encode(), b"\n" if artifact else b""]
    parts.append(b"deleteall\n")
    for mode, given in ((_FILE, files), (_SYMLINK, links)):
        for file in given:
            parts += _modified(mode, file)
    if artifact:
        parts += [b"reset ", refs.named(artifact).encode(), b"\nfrom ", ref, b"\n\n"]
    return b"".join(parts)


def bound(commit: bytes, file: File) -> bytes:
    """Return a commit on refs.FETCHED of what another has, with one file more."""
    parts = [b"commit ", refs.FETCHED.encode(), b"\ncommitter ", _WHO, b"\ndata 0\n"]
    parts += [b"from ", commit, b"\n", *_modified(_FILE, file)]
    return b"".join(parts)


def _modified(mode: bytes, file: File) -> list[bytes]:
    name = _quoted(os.fsencode(file.name))
    return [b"M ", mode, b" inline ", name, b"\ndata %d\n" % len(file.data), file.data, b"\n"]


def _quoted(name: bytes) -> bytes:
    """Write a path between quotes, with C's escapes, as any path may be written."""
    text = name.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + text + b'"'
