"""runtime.image.tar: every form of archive, cut off and damaged ones, read through unpack."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import shutil
import stat
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from manifests.faults import Fault
from runtime.image.blob import Limits
from tests.unit.image.archives import (
    Box,
    archive,
    entry,
    folder,
    plain,
    symlink,
    unpack_file,
)

if TYPE_CHECKING:
    from pathlib import Path

# Debian 12's Python 3.11.2 has no extraction filters; where there are some, none is wanted.
TRUSTED: dict[str, Any] = {"filter": "fully_trusted"} if hasattr(tarfile, "data_filter") else {}


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_and_odd_names(box: Box, form: int) -> None:
    deep = "/".join(["d" * 60] * 8)
    names = [f"{deep}/file", "ümläut", "with space", "new\nline", "n" * 255, " lead"]
    box.unpack(archive(*(plain(name) for name in names), symlink("link", deep), form=form))

    assert all((box.root / name).read_bytes() == b"x" for name in names)
    assert os.readlink(box.root / "link") == deep


@pytest.mark.parametrize("form", ["gnu", "posix --sparse-version=0.0", "posix --sparse-version=0.1",
                                  "posix --sparse-version=1.0"])  # fmt: skip
def test_sparse_files_come_out_whole_and_sparse(box: Box, tmp_path: Path, form: str) -> None:
    source = tmp_path / "sparse"
    with open(source, "wb") as file:
        for at in range(40):
            file.seek(at * 1_000_000)
            file.write(b"%d" % at * 100)
        file.truncate(50_000_000)
    tar = ["tar", "-c", "--sparse", *f"--format={form}".split(), "-C", str(tmp_path), "sparse"]
    raw = subprocess.run(tar, capture_output=True, check=True).stdout
    assert len(raw) < 5_000_000

    box.unpack(raw + b"")

    assert (box.root / "sparse").read_bytes() == source.read_bytes()
    assert os.stat(box.root / "sparse").st_blocks * 512 < 10_000_000


@pytest.mark.parametrize("cut", [100, 511, 513, 700, 1030])
def test_a_truncated_archive_is_refused(box: Box, cut: int) -> None:
    whole = archive(plain("file", b"y" * 600), plain("next", b"z" * 600))
    diff_id = f"sha256:{hashlib.sha256(whole).hexdigest()}"
    box.refuses(whole[:cut], "ends in the middle|diff id is", diff_id=diff_id)


def test_an_endless_pax_header_is_refused(box: Box) -> None:
    header = entry("x", tarfile.XHDTYPE, size=2 << 20).tobuf(tarfile.USTAR_FORMAT)
    box.refuses(header + bytes(3 << 20), "limit is 1 MiB")


def test_many_pax_headers_of_one_entry_are_refused(box: Box) -> None:
    """Each below the limit, together a gigabyte of memory."""
    header, (info, data) = b"", plain("x")
    for number in range(3):
        info.pax_headers = {f"key{number}": "y" * 500_000}
        header += info.tobuf(tarfile.PAX_FORMAT)[:-512]

    box.refuses(header + archive((info, data)), "the limit is 1 MiB")


def test_random_archives_are_unpacked_as_tarfile_does(tmp_path: Path) -> None:
    for seed in range(60):
        dice = random.Random(seed)
        form = dice.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
        raw = archive(*_random_entries(dice), form=form)
        here = tmp_path / str(seed)
        here.mkdir()
        (here / "blob").write_bytes(gzip.compress(raw, 1) if seed % 2 else raw)
        unpack_file(here / "blob", here / "ours")
        with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
            tar.extractall(here / "theirs", **TRUSTED)

        assert _listing(here / "ours") == _listing(here / "theirs"), seed


def test_random_damage_never_gives_more_than_a_fault(tmp_path: Path) -> None:
    good = archive(*_random_entries(random.Random(7)))
    watched = tmp_path / "watched"
    watched.mkdir()
    for seed in range(300):
        dice = random.Random(seed)
        bad = bytearray(good)
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(bad))
            bad[at] = dice.choice([0, 0x2F, 0x2E, 0x32, 0xFF, dice.randrange(256)])
        if dice.random() < 0.5:
            _mend_checksums(bad)
        (tmp_path / "blob").write_bytes(bad[: dice.randrange(len(bad))] if seed % 5 == 0 else bad)
        into = watched / "layer"
        try:
            unpack_file(tmp_path / "blob", into, limits=Limits(size=1 << 30))
        except Fault:
            assert not into.exists(), seed
        else:
            shutil.rmtree(into)
        assert os.listdir(watched) == [], seed


def _random_entries(dice: random.Random) -> list[tuple[tarfile.TarInfo, bytes]]:
    made: list[tuple[tarfile.TarInfo, bytes]] = []
    folders = [""]
    files: list[tuple[str, int, int]] = []
    for number in range(dice.randint(1, 60)):
        at = dice.choice(folders) + f"n{number}" + "é" * dice.choice([0, 0, 3, 60])
        mtime = dice.randrange(2_000_000_000)
        kind = dice.random()
        if kind < 0.25:
            made.append(folder(at, mode=dice.choice([0o755, 0o711, 0o1777]), mtime=mtime))
            folders.append(at + "/")
        elif kind < 0.75:
            size = dice.choice([0, 1, 511, 512, 513, 5000, 1_500_000])
            mode = dice.choice([0o644, 0o600, 0o4755])
            made.append(plain(at, dice.randbytes(size), mode=mode, mtime=mtime))
            files.append((at, mode, mtime))
        elif kind < 0.9 or not files:
            made.append(symlink(at, dice.choice(["nowhere", "/etc/passwd", "../up"])))
        else:
            target, mode, mtime = dice.choice(files)  # tarfile sets both again through the link
            fields = {"linkname": target, "mode": mode, "mtime": mtime}
            made.append((entry(at, tarfile.LNKTYPE, **fields), b""))
    return made


def _listing(root: Path) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for where, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(where, name)
            held = os.lstat(path)
            content: object = None
            if stat.S_ISLNK(held.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(held.st_mode):
                with open(path, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
            time = 0.0 if stat.S_ISLNK(held.st_mode) else held.st_mtime  # tarfile leaves links'
            kept = os.path.relpath(path, root), held.st_mode, time, content
            found.append((*kept, held.st_nlink if stat.S_ISREG(held.st_mode) else 0))
    return sorted(found, key=lambda item: str(item[0]))


def _mend_checksums(data: bytearray) -> None:
    """Make every header-like block's checksum right again, so that damage goes deeper."""
    for at in range(0, len(data) - 511, 512):
        if data[at + 257 : at + 262] == b"ustar":
            total = sum(data[at : at + 512]) - sum(data[at + 148 : at + 156]) + 256
            data[at + 148 : at + 156] = b"%06o\0 " % total
