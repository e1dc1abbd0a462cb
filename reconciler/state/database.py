"""Open the database of this host: one connection, its tables, and short transactions.

The database is only memory: what runs is read from the host, what is wanted comes from the
manifests. When the file is gone it is made anew; when it is damaged it is put aside under
`state.db.damaged` and made anew, and the caller is told (`Database.rebuilt`), so that a pass that
has lost its memory prunes nothing. A database that only cannot be reached (a full disk, a lock) is
not damaged and stays where it is.
"""

from __future__ import annotations

# The extension module itself: the package sqlite3 around it adds conversions of dates, and for them
# imports datetime, two milliseconds of every command.
import _sqlite3 as sqlite3
import contextlib
import os
import time
from _thread import RLock  # importing threading costs milliseconds of every command

from manifests.faults import HostFault, Retry
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

SCHEMA_VERSION = 3
BUSY_SECONDS = 10.0
LOG_PAGES = 128
LOG_RESERVED = (LOG_PAGES + 64) * (4096 + 24)
"""Bytes of the log that podpy has from the beginning: on a full disk it still forgets what is gone,
and tells what is wrong. A page has a header of 24 bytes there."""
SCHEMA = """
CREATE TABLE objects (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    uid TEXT NOT NULL, generation INTEGER NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL,
    applyset TEXT NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL,
    created_at REAL NOT NULL, applied_at REAL NOT NULL,
    PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;
CREATE TABLE results (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;
CREATE TABLE addresses (
    network TEXT NOT NULL, address TEXT NOT NULL, holder TEXT NOT NULL,
    PRIMARY KEY (network, address)
) WITHOUT ROWID;
CREATE INDEX addresses_holder ON addresses (holder);
CREATE TABLE ports (
    protocol TEXT NOT NULL, port INTEGER NOT NULL, ip TEXT NOT NULL, holder TEXT NOT NULL,
    PRIMARY KEY (protocol, port, ip)
) WITHOUT ROWID;
CREATE INDEX ports_holder ON ports (holder);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    type TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
    first_at REAL NOT NULL, last_at REAL NOT NULL, count INTEGER NOT NULL
);
CREATE INDEX events_object ON events (kind, namespace, name);
CREATE INDEX events_last ON events (last_at);
"""
SYNCS = """
CREATE TABLE syncs (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE revisions (
    id INTEGER PRIMARY KEY, sync TEXT NOT NULL, revision TEXT NOT NULL, outcome TEXT NOT NULL,
    message TEXT NOT NULL, changes TEXT NOT NULL, at REAL NOT NULL, seconds REAL NOT NULL
);
CREATE INDEX revisions_sync ON revisions (sync, id);
"""
NOTICES = """
CREATE TABLE notices (sync TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""
STEPS = (SCHEMA, SYNCS, NOTICES)
"""What makes each version of the tables out of the one before it."""


class Database:
    """One connection, which a pass's threads share: a transaction belongs to one of them.

    `rebuilt` tells that there was no usable database, so nothing is remembered; `damaged` that
    there was one, which has been put aside.
    """

    def __init__(self, connection: sqlite3.Connection, path: str, *, rebuilt: bool) -> None:
        self.path = path
        self.rebuilt = rebuilt
        self.damaged = False
        self._connection = connection
        self._turn = RLock()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: all of it, or on any exception none of it. Inside another one of
        the same thread it is part of that.

        Raises Retry when another process keeps the database locked, HostFault when the database
        cannot be written.
        """
        connection = self._connection
        with self._turn, _explained(self.path):
            within = connection.in_transaction
            if within:
                yield connection
                return
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            finally:
                # SQLite has rolled back by itself after some errors, a full disk among them.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def read(self, query: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT. Raises as `transaction` does."""
        with self._turn, _explained(self.path):
            return self._connection.execute(query, parameters).fetchall()

    def close(self) -> None:
        self._connection.close()


def connect(path: str) -> Database:
    """Open the database at `path`, private to its owner, and make it where there is none.

    Raises Retry or HostFault when it cannot be reached.
    """
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with _explained(path):
            try:
                with _renewal(path, shared=True):
                    return _open(path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                return _renew(path)
    except OSError as error:
        raise HostFault(f"the state database {path} cannot be opened: {error.strerror}") from error


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn what SQLite says about the host into faults; the other errors are podpy's own."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise Retry(
                f"the state database stayed locked for {BUSY_SECONDS:g} s: {error}",
                hint="another podpy command may hang: look for it with `ps aux | grep podpy`",
            ) from error
        raise HostFault(
            f"the state database {path} cannot be used: {error}",
            hint="look at the disk's free space and at the file's owner",
        ) from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise
        raise HostFault(
            f"the state database {path} is damaged: {error}",
            hint="move it away: podpy makes a new one, and what runs goes on",
        ) from error


@contextlib.contextmanager
def _renewal(path: str, *, shared: bool) -> Iterator[None]:
    """Keep others from renewing the database in the block, and unless it is `shared`, from opening.

    SQLite opens the database when it connects and its log, by name, when it first reads: with a
    renewal in between it would write the old database by the new one's log.
    """
    lock = os.open(f"{path}.renew", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        about = f"the damaged state database {path}"
        locks.wait(lock, about, shared=shared, timeout=BUSY_SECONDS)
        yield
    finally:
        os.close(lock)


def _renew(path: str) -> Database:
    """Put a damaged database aside and make a new one; processes that find it damaged take turns.

    The database goes last: killed between the files, the next process finds it damaged again, and
    no new database ever meets an old log.
    """
    with _renewal(path, shared=False):
        try:
            return _open(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            for suffix in ("-wal", "-shm", ""):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(path + suffix, f"{path}.damaged{suffix}")
            renewed = _open(path)
            renewed.damaged = True
            return renewed


def _open(path: str) -> Database:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            _use_wal(connection)
        if version < SCHEMA_VERSION:
            _upgrade(connection)
        elif version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"schema version {version}, expected {SCHEMA_VERSION}")
        # In WAL mode NORMAL keeps the database whole after a power cut; the last commits may be
        # lost, which is what "only memory" allows.
        connection.execute("PRAGMA synchronous = NORMAL")
        # podpy ends without closing the database, so the log stays; reading it is part of every
        # start. Writing it into the database waits for the disk, twice.
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
    except BaseException:
        connection.close()
        raise
    _reserve_log(f"{path}-wal")
    return Database(connection, path, rebuilt=version == 0)


def _reserve_log(path: str) -> None:
    """Have room for the log's pages. SQLite reads it to the first page that is none, writes from
    its beginning again once all is in the database, and leaves it as long as it was."""
    with contextlib.suppress(OSError):  # There is no log yet, or no room: then there is none.
        if os.stat(path).st_size < LOG_RESERVED:
            log = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                os.posix_fallocate(log, 0, LOG_RESERVED)
            finally:
                os.close(log)


def _upgrade(connection: sqlite3.Connection) -> None:
    """Bring the tables to SCHEMA_VERSION, from whichever version they have: 0 is an empty file."""
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for step in STEPS[version:]:
        for statement in step.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a new database to WAL. SQLite gives up at once when another process is at it, too:
    its busy timeout does not hold for this statement."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
