"""reconciler.state.database: opened, damaged, shared by processes and threads, killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from manifests.faults import HostFault, Retry
from manifests.ref import Ref
from reconciler.state import database, events, leases, syncs
from reconciler.state.events import Event
from reconciler.syncs.status import SyncStatus
from tests.fixtures.tree import TREE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.state.database import Database

POOLS = {"front": leases.Pool(subnet="10.9.0.0/16")}


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "lib" / "state.db")


@pytest.fixture
def opened(path: str) -> Iterator[Database]:
    made = database.connect(path)
    yield made
    made.close()


def hold(on: Database, *holders: str) -> None:
    leases.take(on, [leases.Request(holder=each, network="front") for each in holders], POOLS)


def spoil(path: str, data: bytes, at: int = 0) -> None:
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


def run_python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=TREE, stdout=subprocess.PIPE, text=True
    )


def test_a_transaction_within_another_is_part_of_it(opened: Database) -> None:
    with contextlib.suppress(KeyError), opened.transaction():
        syncs.save(opened, "shop", SyncStatus(seen="1e72"))
        raise KeyError

    assert syncs.read(opened, "shop") == SyncStatus()


def test_a_fresh_database_is_private_with_its_directory_and_log(path: str) -> None:
    umask = os.umask(0)
    try:
        made = database.connect(path)
        hold(made, "a")
        found = {
            name: stat.S_IMODE(os.stat(f"{os.path.dirname(path)}/{name}").st_mode)
            for name in (".", "state.db", "state.db-wal", "state.db-shm")
        }
        made.close()
    finally:
        os.umask(umask)

    assert found == {".": 0o700, "state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}


def test_only_a_database_made_anew_remembers_nothing(path: str) -> None:
    first = database.connect(path)
    second = database.connect(path)

    assert (first.rebuilt, second.rebuilt) == (True, False)
    first.close()
    second.close()


def test_what_was_written_is_there_after_reopening(path: str) -> None:
    first = database.connect(path)
    hold(first, "a")
    first.close()
    second = database.connect(path)

    assert leases.holders(second) == {"a"}
    second.close()


@pytest.mark.parametrize("damage", ["not a database at all", "x" * 5000])
def test_a_file_that_is_no_database_is_put_aside(path: str, damage: str) -> None:
    os.makedirs(os.path.dirname(path))
    with open(path, "w") as file:
        file.write(damage)
    made = database.connect(path)
    hold(made, "a")

    assert made.rebuilt
    with open(f"{path}.damaged") as file:
        assert file.read() == damage
    made.close()


def test_an_empty_file_becomes_a_database(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    with open(path, "w"):
        pass
    made = database.connect(path)

    assert made.rebuilt
    assert leases.holders(made) == set()
    made.close()


def test_a_database_of_another_version_is_put_aside(path: str) -> None:
    database.connect(path).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    made = database.connect(path)

    assert made.rebuilt
    assert os.path.exists(f"{path}.damaged")
    made.close()


def test_a_database_of_an_earlier_version_is_brought_up_and_keeps_what_it_holds(path: str) -> None:
    first = database.connect(path)
    hold(first, "a")
    first.close()
    other = sqlite3.connect(path)
    for table in ("syncs", "revisions", "notices"):
        other.execute(f"DROP TABLE {table}")
    other.execute("PRAGMA user_version = 1")
    other.close()
    made = database.connect(path)

    assert not made.rebuilt
    assert leases.holders(made) == {"a"}
    assert syncs.names(made) == ()
    made.close()


def test_a_damaged_database_takes_its_log_aside_with_it(path: str) -> None:
    first = database.connect(path)
    hold(first, "a")
    for suffix in ("", "-wal", "-shm"):
        with open(f"{path}{suffix}", "rb") as file:
            kept = file.read()
        with open(f"{path}.copy{suffix}", "wb") as file:
            file.write(kept)
    first.close()
    for suffix in ("-wal", ""):
        os.replace(f"{path}.copy{suffix}", f"{path}{suffix}")
    spoil(path, b"garbage" * 20)
    spoil(f"{path}-wal", b"garbage" * 20)
    made = database.connect(path)

    assert made.rebuilt
    assert leases.holders(made) == set()
    assert os.path.exists(f"{path}.damaged")
    made.close()


def test_damage_found_later_is_a_fault_that_says_what_to_do(path: str) -> None:
    first = database.connect(path)
    hold(first, *(f"pod-{index}" for index in range(400)))
    first.close()
    spoil(path, b"\xff" * (os.path.getsize(path) - 8192), at=8192)
    made = database.connect(path)

    with pytest.raises(HostFault, match=r"is damaged.*move it away"):
        leases.holders(made)
    with pytest.raises(HostFault, match="is damaged"):
        hold(made, "another")
    made.close()


def test_a_place_where_nothing_can_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(HostFault, match="cannot be opened"):
        database.connect(str(tmp_path / "file" / "state.db"))


def test_a_full_disk_is_a_fault_and_loses_nothing(path: str, opened: Database) -> None:
    hold(opened, "a")
    with opened.transaction() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    opened.read(f"PRAGMA max_page_count = {pages}")
    many = [
        Event(ref=Ref(kind="Pod", name=f"p{n}"), reason="R", message="m" * 500) for n in range(99)
    ]

    with pytest.raises(HostFault, match="full"):
        events.record(opened, many, 1.0)
    assert leases.holders(opened) == {"a"}
    assert not os.path.exists(f"{path}.damaged")
    assert events.read(opened) == ()


def test_a_database_that_cannot_be_reached_is_not_put_aside(path: str) -> None:
    first = database.connect(path)
    hold(first, "a")
    first.close()
    os.mkdir(f"{path}-wal")

    with pytest.raises(HostFault, match="cannot be used"):
        database.connect(path)
    os.rmdir(f"{path}-wal")
    again = database.connect(path)
    assert not again.rebuilt
    assert leases.holders(again) == {"a"}
    again.close()


def test_a_locked_database_is_not_put_aside(path: str) -> None:
    database.connect(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    made = database.connect(path)
    made.read("PRAGMA busy_timeout = 50")

    with pytest.raises(Retry, match="stayed locked"):
        hold(made, "a")
    other.execute("ROLLBACK")
    hold(made, "a")
    assert leases.holders(made) == {"a"}
    assert not os.path.exists(f"{path}.damaged")
    made.close()
    other.close()


def test_an_exception_takes_the_whole_transaction_back(opened: Database) -> None:
    def fail() -> None:
        with opened.transaction() as connection:
            connection.execute("INSERT INTO addresses VALUES ('n', 'a', 'h')")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert leases.holders(opened) == set()
    hold(opened, "a")
    assert leases.holders(opened) == {"a"}


WRITER = """
import sys
from reconciler.state import database, leases
made = database.connect(sys.argv[1])
pools = {"front": leases.Pool(subnet="10.9.0.0/16")}
for number in range(25):
    request = leases.Request(holder=f"{sys.argv[2]}-{number}", network="front")
    print(*leases.take(made, [request], pools).values())
made.close()
"""


def test_processes_that_write_at_once_wait_for_each_other(path: str) -> None:
    writers = [run_python(WRITER, path, name) for name in "abcd"]
    given = [address for writer in writers for address in writer.communicate()[0].split()]

    assert [writer.returncode for writer in writers] == [0, 0, 0, 0]
    assert len(given) == len(set(given)) == 100


def test_processes_that_find_damage_at_once_make_one_database(path: str) -> None:
    os.makedirs(os.path.dirname(path))
    with open(path, "w") as file:
        file.write("garbage" * 1000)
    writers = [run_python(WRITER, path, name) for name in "abcd"]
    given = [address for writer in writers for address in writer.communicate()[0].split()]
    made = database.connect(path)

    assert len(given) == len(set(given)) == 100
    assert len(leases.holders(made)) == 100
    made.close()


def test_nobody_opens_a_database_that_is_being_renewed(path: str) -> None:
    database.connect(path).close()
    with open(f"{path}.renew") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        opening = run_python(WRITER, path, "a")
        with pytest.raises(subprocess.TimeoutExpired):
            opening.wait(2)
        descriptors = f"/proc/{opening.pid}/fd"
        assert path not in [os.readlink(f"{descriptors}/{one}") for one in os.listdir(descriptors)]
    assert len(opening.communicate()[0].split()) == 25


def test_threads_of_one_pass_share_the_connection(opened: Database) -> None:
    faults: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(40):
                hold(opened, f"{name}-{number}")
                leases.free(opened, [f"{name}-{number}"])
                leases.holders(opened)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            faults.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert leases.holders(opened) == set()


KILLED = """
import os, signal, sys
from reconciler.state import database
made = database.connect(sys.argv[1])
with made.transaction() as connection:
    for number in range(3000):
        connection.execute("INSERT INTO addresses VALUES ('front', ?, 'killed')", (str(number),))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_killed_in_a_transaction_leaves_nothing_and_holds_nothing(path: str) -> None:
    first = database.connect(path)
    hold(first, "a")
    killed = run_python(KILLED, path)
    killed.communicate()
    second = database.connect(path)
    hold(second, "b")

    assert killed.returncode == -signal.SIGKILL
    assert not second.rebuilt
    assert leases.holders(second) == {"a", "b"}
    first.close()
    second.close()
