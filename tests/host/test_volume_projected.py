"""configMap and secret volumes on real file systems, and readers that never see half of them."""

from __future__ import annotations

import json
import os
import random
import select
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime.kernel import mounts
from runtime.kernel.inside import Inside
from runtime.volume import projected
from runtime.volume.projected import File
from tests.fixtures.tree import TREE

pytestmark = pytest.mark.host

VERSIONS = 30
SECONDS = 60.0

READER = """
import json, os, sys
volume, wanted = sys.argv[1], int(sys.argv[2])
flaws, seen = [], set()

def read(name, directory=None):
    fd = os.open(name, os.O_RDONLY, dir_fd=directory)
    try:
        return os.read(fd, 100).decode()
    finally:
        os.close(fd)

def both(version):
    directory = os.open(f"{volume}/{version}", os.O_RDONLY)
    try:
        return [read(name, directory) for name in ("a", "b")]
    finally:
        os.close(directory)

print("ready", flush=True)
while len(seen) < wanted and not flaws:
    try:
        version = os.readlink(f"{volume}/..data")
        os.readlink(f"{volume}/a")
    except OSError as error:
        flaws.append(f"missing: {error}")
        break
    try:
        seen.add(read(f"{volume}/a"))
        if len(set(both(version))) != 1:
            flaws.append(f"mixed: {version}")
    except FileNotFoundError as error:
        # Retired while we looked; what ..data still leads to has to be whole.
        if os.readlink(f"{volume}/..data") == version:
            flaws.append(f"not whole: {error}")
print(json.dumps(flaws))
"""
"""Opens the key as a program would, and the pair in one version, as one that wants both to match.

It goes on until it has seen so many versions, however seldom it gets to run.
"""


def pair(number: int) -> list[File]:
    text = f"{number:06}".encode()
    return [File(path=name, content=text, mode=0o644) for name in ("a", "b")]


def test_a_reader_sees_all_of_one_version_through_many_updates(
    apart: Inside, tmp_path: Path
) -> None:
    """The reader sits in the pod's namespace; the volume is a secret's tmpfs there."""
    volume = str(tmp_path / "secret")
    apart.call(projected.memory, volume)
    apart.call(projected.write, volume, pair(0))
    reader = apart.call(
        subprocess.Popen,
        [sys.executable, "-c", READER, volume, str(VERSIONS)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        written, until = 0, time.monotonic() + SECONDS
        while not select.select([reader.stdout], [], [], 0.001)[0]:
            assert time.monotonic() < until, f"the reader saw too few of {written} versions"
            written += 1
            assert apart.call(projected.write, volume, pair(written))
        flaws = json.loads(reader.stdout.readline())
    finally:
        reader.kill()
        reader.communicate()

    assert flaws == []


def test_a_secret_lives_in_memory_that_only_the_pod_sees(apart: Inside, tmp_path: Path) -> None:
    volume = tmp_path / "volumes" / "token"
    files = [File(path="key", content=b"hush", mode=0o400)]

    apart.call(projected.memory, str(volume))
    apart.call(projected.memory, str(volume))
    apart.call(projected.write, str(volume), files)

    found = apart.call(mounts.find, str(volume))
    assert found is not None
    assert found.kind == "tmpfs"
    assert {"nosuid", "nodev", "noexec"} <= set(found.options)
    release = tuple(int(part) for part in os.uname().release.split(".")[:2])
    assert release < (6, 4) or "noswap" in found.super_options
    assert len(apart.call(lambda: list(mounts.below(str(volume))))) == 1
    assert apart.call((volume / "key").read_bytes) == b"hush"
    assert apart.call(lambda: stat.S_IMODE(os.stat(volume / "key").st_mode)) == 0o400
    assert os.listdir(volume) == [], "nothing of it is on the host"


def test_fs_group_may_read_every_file_and_nobody_else_more(tmp_path: Path) -> None:
    volume = str(tmp_path / "config")
    files = [
        File(path="private", content=b"1", mode=0o400),
        File(path="deep/er", content=b"2", mode=0o600),
    ]

    assert projected.write(volume, files, group=4321)
    assert not projected.write(volume, files, group=4321)

    for path, mode in (("private", 0o440), ("deep/er", 0o640), ("deep", 0o2755)):
        held = os.stat(f"{volume}/{path}")
        assert (stat.S_IMODE(held.st_mode), held.st_gid) == (mode, 4321)


def test_a_full_file_system_leaves_the_old_version(apart: Inside, tmp_path: Path) -> None:
    volume = tmp_path / "small"
    volume.mkdir()
    apart.call(mounts.tmpfs, str(volume), size=64 << 10)
    apart.call(projected.write, str(volume), pair(1))
    too_much = [*pair(2), File(path="big", content=bytes(1 << 20), mode=0o644)]

    with pytest.raises(Exception, match="No space left on device"):
        apart.call(projected.write, str(volume), too_much)

    assert apart.call((volume / "a").read_text) == "000001"
    assert sorted(apart.call(os.listdir, volume))[2:] == ["a", "b"]
    assert apart.call(projected.write, str(volume), pair(3))


WRITER = """
import sys
from runtime.volume import projected
from runtime.volume.projected import File
from tests.fixtures.tree import TREE
number = 0
print("ready", flush=True)
while True:
    number += 1
    text = f"{number:06}".encode()
    names = ("a", "b", f"only-{number % 3}", f"deep/{number % 2}")
    projected.write(sys.argv[1], [File(path=name, content=text, mode=0o644) for name in names])
"""


def test_a_killed_writer_leaves_a_whole_version_and_the_next_one_tidies_up(
    tmp_path: Path,
) -> None:
    volume = str(tmp_path / "config")
    final = [*pair(7), File(path="deep/end", content=b"x", mode=0o644)]
    for _kill in range(15):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, volume], cwd=TREE, stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        select.select([], [], [], random.uniform(0.001, 0.02))
        writer.kill()
        writer.communicate()

        if os.path.lexists(f"{volume}/..data"):
            with open(f"{volume}/..data/a") as a, open(f"{volume}/..data/b") as b:
                assert a.read() == b.read()
        projected.write(volume, final)
        version = os.readlink(f"{volume}/..data")
        assert sorted(os.listdir(volume)) == sorted(["..data", version, "a", "b", "deep"])
        assert os.listdir(f"{volume}/deep") == ["end"]
