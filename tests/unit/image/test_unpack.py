"""Layers unpacked: hostile, corrupt and ordinary archives; needs no root."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import stat
import subprocess
import tarfile
from typing import Any

import pytest

from runtime.image.blob import Limits
from tests.unit.image.archives import (
    Box,
    archive,
    entry,
    folder,
    hard_link,
    plain,
    symlink,
)


def test_files_keep_content_mode_and_time(box: Box) -> None:
    done = box.unpack(
        archive(
            folder("etc", mode=0o750, mtime=1_600_000_000),
            plain("etc/one", b"content", mode=0o4755),
            symlink("etc/two", "one"),
            hard_link("etc/three", "etc/one"),
            (entry("etc/pipe", tarfile.FIFOTYPE, mode=0o622), b""),
        )
    )

    one = os.lstat(box.root / "etc/one")
    assert (box.root / "etc/one").read_bytes() == b"content"
    assert stat.S_IMODE(one.st_mode) == 0o4755
    assert one.st_mtime == 1_700_000_000
    assert one.st_nlink == 2
    assert os.readlink(box.root / "etc/two") == "one"
    assert stat.S_IMODE(os.lstat(box.root / "etc").st_mode) == 0o750
    assert os.lstat(box.root / "etc").st_mtime == 1_600_000_000
    pipe = os.lstat(box.root / "etc/pipe").st_mode
    assert (stat.S_ISFIFO(pipe), stat.S_IMODE(pipe)) == (True, 0o622)
    assert (done.size, done.entries) == (7, 5)


@pytest.mark.parametrize("umask", [0o077, 0o000, 0o022])
def test_modes_do_not_depend_on_the_umask(box: Box, umask: int) -> None:
    before = os.umask(umask)
    try:
        box.unpack(archive(plain("a/b/file", mode=0o666), folder("open", mode=0o1777)))
    finally:
        os.umask(before)

    modes = [stat.S_IMODE(os.lstat(box.root / at).st_mode) for at in ("", "a/b", "a/b/file")]
    assert modes == [0o755, 0o755, 0o666]
    assert stat.S_IMODE(os.lstat(box.root / "open").st_mode) == 0o1777


@pytest.mark.parametrize(
    ("pack", "name"),
    [(lambda raw: raw, "plain"), (gzip.compress, "gzip"), (None, "zstd"), (None, "members")],
)
def test_every_compression_gives_both_digests(box: Box, pack: Any, name: str) -> None:
    raw = archive(plain("file", random.Random(1).randbytes(3_000_000)), plain("z", b"\0" * 4000000))
    if name == "zstd":
        blob = subprocess.run(["zstd", "-c"], input=raw, capture_output=True, check=True).stdout
    elif name == "members":
        blob = b"".join(gzip.compress(raw[at : at + 9999]) for at in range(0, len(raw), 9999))
    else:
        blob = pack(raw)

    done = box.unpack(blob)

    assert done.digest == f"sha256:{hashlib.sha256(blob).hexdigest()}"
    assert done.diff_id == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert (box.root / "z").read_bytes() == b"\0" * 4000000


def test_absolute_names_are_inside_of_the_layer(box: Box) -> None:
    box.unpack(archive(plain("/etc/passwd", b"mine"), plain("./a/./b//c"), plain("a/x/../d")))

    assert (box.root / "etc/passwd").read_bytes() == b"mine"
    assert sorted(os.listdir(box.root / "a")) == ["b", "d"]


@pytest.mark.parametrize("name", ["../escape", "a/../../escape", "/../escape", ".."])
def test_a_name_that_climbs_out_is_refused(box: Box, name: str) -> None:
    box.refuses(archive(plain(name)), "outside of its layer")


def test_a_link_to_the_outside_is_never_followed(box: Box) -> None:
    box.unpack(
        archive(
            symlink("out", str(box.outside)),
            plain("out/file", b"scoped"),
            symlink("up", "../../../../../.." + str(box.outside)),
            plain("up/other", b"scoped"),
            symlink("secret", str(box.outside / "secret")),
            plain("secret", b"replaced"),
        )
    )

    inside = box.root / str(box.outside).lstrip("/")
    assert sorted(os.listdir(inside)) == ["file", "other"]
    assert os.listdir(box.outside) == ["secret"]
    assert (box.outside / "secret").read_text() == "untouched"
    assert (box.root / "secret").read_bytes() == b"replaced"


def test_a_parent_that_is_a_link_of_the_layer_is_followed_inside(box: Box) -> None:
    box.unpack(
        archive(
            folder("usr/lib"), symlink("lib", "usr/lib"), plain("lib/one"), folder("lib/deep"),
            plain("lib/deep/two"), symlink("abs", "/usr"), plain("abs/lib/three"),
        )
    )  # fmt: skip

    assert sorted(os.listdir(box.root / "usr/lib")) == ["deep", "one", "three"]
    assert os.readlink(box.root / "lib") == "usr/lib"


def test_a_loop_of_links_is_refused(box: Box) -> None:
    box.refuses(archive(symlink("a", "b"), symlink("b", "a"), plain("a/file")), "loop of links")


def test_a_file_as_parent_is_refused(box: Box) -> None:
    box.refuses(archive(plain("file"), plain("file/below")), "not a directory")


@pytest.mark.parametrize("target", ["{out}/secret", "../outside/secret", "out/secret", "missing"])
def test_a_hard_link_to_the_outside_is_refused(box: Box, target: str) -> None:
    target = target.format(out=box.outside)
    box.refuses(
        archive(symlink("out", str(box.outside)), hard_link("mine", target)),
        "outside of its layer|which is not in it",
    )


def test_a_hard_link_to_a_directory_is_refused(box: Box) -> None:
    box.refuses(archive(folder("d"), hard_link("e", "d")), "hard link to the directory")


def test_a_directory_replaced_by_a_link_does_not_redirect_what_was_kept_open(box: Box) -> None:
    box.unpack(
        archive(
            folder("d", mode=0o700), plain("d/first"), symlink("d", str(box.outside)),
            plain("d/second"), folder("e"), plain("e/x"), plain("e", b"now a file"),
        )
    )  # fmt: skip

    assert os.listdir(box.outside) == ["secret"]
    assert stat.S_IMODE(os.lstat(box.outside).st_mode) != 0o700
    assert (box.root / "e").read_bytes() == b"now a file"


def test_the_last_of_two_entries_of_one_name_counts(box: Box) -> None:
    box.unpack(
        archive(
            plain("a", b"1"), plain("a", b"2"), symlink("b", "x"), folder("b"), plain("b/c"),
            plain("l", b"3"), symlink("l", "a"), plain("h", b"4"), hard_link("h", "a"),
            hard_link("a", "a"),
        )
    )  # fmt: skip

    assert (box.root / "a").read_bytes() == b"2"
    assert (box.root / "b/c").exists()
    assert os.readlink(box.root / "l") == "a"
    assert (box.root / "h").read_bytes() == b"2"


def test_overlay_xattrs_of_the_archive_are_not_set(box: Box) -> None:
    info, data = plain("file")
    info.pax_headers = {
        "SCHILY.xattr.user.kept": "yes",
        "SCHILY.xattr.user.overlay.redirect": "/",
        "SCHILY.xattr.trusted.overlay.redirect": "/",
        "SCHILY.xattr.trusted.other": "no",
    }
    box.unpack(archive((info, data)))

    assert set(os.listxattr(box.root / "file")) <= {"user.kept"}


def test_a_name_longer_than_the_file_system_takes_is_refused(box: Box) -> None:
    box.refuses(archive(plain("n" * 256)), "File name too long")


def test_a_very_deep_path_is_refused(box: Box) -> None:
    box.refuses(archive(plain("d/" * 300 + "file")), "256 levels")


def test_truncated_and_corrupt_compression_is_refused(box: Box) -> None:
    raw = archive(plain("file", random.Random(2).randbytes(700_000)))
    squeezed = gzip.compress(raw)
    box.refuses(squeezed[:300_000], "truncated")
    box.refuses(squeezed[:5], "truncated|corrupt")
    box.refuses(squeezed[:90_000] + b"\xff" * 900 + squeezed[90_900:], "corrupt|digest")
    zstd = subprocess.run(["zstd", "-c"], input=raw, capture_output=True, check=True).stdout
    box.refuses(zstd[:300_000], "zstd data is corrupt|ends in the middle")


def test_wrong_digests_are_refused(box: Box) -> None:
    data = archive(plain("file"))
    box.refuses(data, "digest is", digest="sha256:" + "0" * 64)
    box.refuses(data, "diff id is", diff_id="sha256:" + "0" * 64)


def test_data_after_the_end_counts_into_the_diff_id(box: Box) -> None:
    data = archive(plain("file")) + b"\0" * 10240 + b"trailing"

    done = box.unpack(data, diff_id=f"sha256:{hashlib.sha256(data).hexdigest()}")

    assert done.entries == 1


def test_limits_stop_bombs(box: Box) -> None:
    zeros = archive(plain("zeros", bytes(30_000_000)))
    box.refuses(gzip.compress(zeros), "bomb", limits=Limits(ratio_from=1_000_000))
    box.refuses(gzip.compress(zeros), "larger than", limits=Limits(size=20_000_000))
    many = archive(*(plain(f"f{at}", b"") for at in range(200)))
    box.refuses(many, "more than 100 entries", limits=Limits(entries=100))


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh..."])
def test_a_whiteout_of_no_name_is_refused(box: Box, name: str) -> None:
    box.refuses(archive(plain(f"etc/{name}", b"")), "whiteout of no name")


def test_a_maze_of_links_is_refused(box: Box) -> None:
    """Each link walks to and fro before it comes to the next one: 40 of them a million steps."""
    links = [symlink(f"l{at}", "d/../" * 700 + f"l{at + 1}") for at in range(30)]
    box.refuses(archive(folder("d"), *links, folder("l30"), plain("l0/x")), "maze of links")


def test_capabilities_that_are_none_are_refused(box: Box) -> None:
    info, data = plain("x")
    info.pax_headers = {"SCHILY.xattr.security.capability": "rubbish"}
    box.refuses(archive((info, data)), "capabilities that are none")


def test_a_directory_made_and_replaced_again_and_again(box: Box) -> None:
    turns = [
        one
        for _ in range(50)
        for one in (folder("d", mode=0o700), folder("d/e/f", mode=0o700), plain("d", b"file"))
    ]
    box.unpack(
        archive(*turns, folder("d", mode=0o711), plain("d/e/x"), folder("d/e/f", mode=0o750))
    )

    assert stat.S_IMODE(os.lstat(box.root / "d").st_mode) == 0o711
    assert stat.S_IMODE(os.lstat(box.root / "d/e").st_mode) == 0o755
    assert stat.S_IMODE(os.lstat(box.root / "d/e/f").st_mode) == 0o750
    assert sorted(os.listdir(box.root / "d/e")) == ["f", "x"]


def test_a_whiteout_and_its_opaque_mark_count_wherever_they_stand(box: Box) -> None:
    box.unpack(
        archive(
            plain("a/.wh..wh..opq", b""), plain("a/x"), folder("a"), plain("b/x"),
            plain("b/.wh..wh..opq", b""), plain("c", b"1"), plain(".wh.c", b""),
            plain(".wh.e", b""), symlink("e", "c"),
        )
    )  # fmt: skip

    for name in ("a", "b"):
        assert any(mark.endswith("overlay.opaque") for mark in os.listxattr(box.root / name)), name
        assert os.listdir(box.root / name) == ["x"]
    assert (box.root / "c").read_bytes() == b"1"
    assert os.readlink(box.root / "e") == "c"


def test_a_file_takes_no_write_for_another_that_it_is_linked_with(box: Box) -> None:
    box.unpack(
        archive(plain("a", b"first"), hard_link("b", "a"), plain("b", b"second", mode=0o4755))
    )

    assert (box.root / "a").read_bytes() == b"first"
    assert stat.S_IMODE(os.lstat(box.root / "a").st_mode) != 0o4755
    assert stat.S_IMODE(os.lstat(box.root / "b").st_mode) == 0o4755


def test_whiteout_bookkeeping_of_aufs_is_left_out(box: Box) -> None:
    box.unpack(archive(plain(".wh..wh.plnk", b""), folder("a")))

    assert os.listdir(box.root) == ["a"]


def test_whiteouts_become_devices_that_nothing_of_the_layer_is_lost_to(box: Box) -> None:
    box.unpack(
        archive(
            plain("etc/.wh.gone", b""), plain("kept"), plain(".wh.kept", b""),
            plain(".wh.late", b""), plain("late", b"here"),
            plain(".wh.dir", b""), plain("dir/file"),
            plain("old/file"), plain(".wh.old", b""),
            plain("opaque/file"), plain("opaque/.wh..wh..opq", b""),
        )
    )  # fmt: skip

    gone = os.lstat(box.root / "etc/gone")
    assert (stat.S_ISCHR(gone.st_mode), gone.st_rdev) == (True, 0)
    assert (box.root / "kept").read_bytes() == b"x"
    assert (box.root / "late").read_bytes() == b"here"
    for name in ("dir", "old", "opaque"):
        assert os.listdir(box.root / name) == ["file"]
        marks = os.listxattr(box.root / name)
        assert [mark.split(".", 1)[1] for mark in marks] == ["overlay.opaque"], name
