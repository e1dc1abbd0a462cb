"""runtime.locks and runtime.holders: a wait has an end, and says who was waited for."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from manifests.faults import TimedOut
from runtime import locks
from runtime.paths import Paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = """
import fcntl, os, struct, sys
file = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT)
if sys.argv[1] == "play":
    fcntl.flock(file, fcntl.LOCK_EX)
else:
    lock = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, int(sys.argv[1]), 1, 0)
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, lock)
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def holder(path: str, *words: str, how: str = "play") -> Iterator[int]:
    """A process `podpy HOW PATH WORDS` that holds the file's lock, or that of byte `how`; yields
    its pid."""
    script = f"{path}.d"
    program = f"{script}/podpy"
    subprocess.run(["mkdir", "-p", script], check=True)
    with open(program, "w", encoding="utf-8") as file:
        file.write(HOLD)
    child = subprocess.Popen(
        [sys.executable, program, how, path, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child.pid
    finally:
        child.communicate("", timeout=10)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    root = str(tmp_path)
    return Paths(state_dir=f"{root}/lib", run_dir=f"{root}/run", log_dir=f"{root}/log")


def test_a_wait_ends_and_names_the_process_its_command_and_what_to_do(paths: Paths) -> None:
    place = str(locks.place("Pod/web"))
    with locks.held(paths, ["Pod/web"]):
        pass

    with (
        holder(paths.locks, "--replace", how=place) as pid,
        locks.held(paths, ["Pod/other"], timeout=0.1),
        pytest.raises(TimedOut) as caught,
        locks.held(paths, ["Pod/web"], timeout=0.1),
    ):
        pass

    assert caught.value.message.startswith(f"Pod/web: podpy {place} {paths.locks} --replace")
    assert f"(process {pid})" in caught.value.message
    assert f"kill {pid}" in caught.value.hint


def test_any_number_of_locks_takes_one_open_file(paths: Paths) -> None:
    names = [f"ConfigMap/default/{one}" for one in range(3000)]
    before = len(os.listdir("/proc/self/fd"))

    with locks.held(paths, names):
        opened = len(os.listdir("/proc/self/fd")) - before
        taken = [name for name in names[::500] if locks.holder(paths, name)]
        with locks.tried(paths, "ConfigMap/default/3000") as free:
            assert free

    assert opened == 1
    assert taken == names[::500]
    with locks.tried(paths, names[0]) as free:
        assert free


@pytest.mark.parametrize("words", [("--creds", "me:hidden"), ("--cred=me:hidden",)])
def test_a_holders_password_is_not_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = str(tmp_path / "lock")

    with holder(path, *words), open(path, "w") as file, pytest.raises(TimedOut) as caught:
        locks.wait(file.fileno(), "the image store", timeout=0.1)

    assert "***" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_a_shared_lock_is_shared(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with open(path, "w") as one, open(path, "w") as other:
        locks.wait(one.fileno(), "x", shared=True)
        locks.wait(other.fileno(), "x", shared=True, timeout=0.1)

        with pytest.raises(TimedOut), open(path, "w") as third:
            locks.wait(third.fileno(), "x", timeout=0.1)
