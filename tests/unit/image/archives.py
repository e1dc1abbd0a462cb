"""Tar archives to test with, and a box to unpack them into: entries in, bytes or a folder out."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from manifests.faults import Invalid
from runtime.image.blob import File
from runtime.image.unpack import Unpacked, unpack

if TYPE_CHECKING:
    from pathlib import Path


def entry(name: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    info.uid, info.gid = os.geteuid(), os.getegid()
    info.mtime = 1_700_000_000
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def archive(*entries: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for info, data in entries:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def plain(name: str, data: bytes = b"x", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, **fields), data


def folder(name: str, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, tarfile.DIRTYPE, **fields), b""


def symlink(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, tarfile.SYMTYPE, linkname=target), b""


def hard_link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, tarfile.LNKTYPE, linkname=target), b""


def unpack_file(blob: Path, into: Path, **options: Any) -> Unpacked:
    with File(str(blob)) as source:
        return unpack(source, str(into), **options)


class Box:
    """A directory to unpack into, beside a file that nothing may touch."""

    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path
        self.outside = tmp_path / "outside"
        self.outside.mkdir()
        (self.outside / "secret").write_text("untouched")
        self.root = tmp_path / "layer"

    def unpack(self, data: bytes, **options: Any) -> Unpacked:
        blob = self.path / "blob"
        blob.write_bytes(data)
        return unpack_file(blob, self.root, **options)

    def refuses(self, data: bytes, why: str, **options: Any) -> None:
        with pytest.raises(Invalid, match=why):
            self.unpack(data, **options)
        assert not self.root.exists()
        assert os.listdir(self.outside) == ["secret"]
        assert (self.outside / "secret").read_text() == "untouched"
