"""Open the database of this host: one connection, its tables, and short transactions.

The database is only memory: what runs is read from the host, what is wanted comes from the
manifests. When the file is gone it is made anew; when it is damaged it is put aside under
`state.db.damaged` and made anew, and the caller is told (`Database.rebuilt`), so that a pass that
has lost its memory prunes nothing.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3

from manifests.faults import Retry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA_VERSION = 1
BUSY_SECONDS = 10.0
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


class Database:
    """`rebuilt` tells that there was no usable database, so nothing is remembered."""

    def __init__(self, connection: sqlite3.Connection, *, rebuilt: bool) -> None:
        self.connection = connection
        self.rebuilt = rebuilt

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: all of it, or on any exception none of it."""
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise Retry(
                f"the state database stayed locked for {BUSY_SECONDS:g} s: {error}",
                hint="another podpy command may hang: look for it with `ps aux | grep podpy`",
            ) from error
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def close(self) -> None:
        self.connection.close()


def connect(path: str) -> Database:
    """Open the database at `path`, private to its owner, and make it where there is none."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    try:
        return _open(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise Retry(f"the state database is locked: {error}") from error
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(path + suffix, f"{path}.damaged{suffix}")
        return _open(path)


def _open(path: str) -> Database:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            _create(connection)
        elif version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"schema version {version}, expected {SCHEMA_VERSION}")
        # In WAL mode NORMAL keeps the database whole after a power cut; the last commits may be
        # lost, which is what "only memory" allows.
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return Database(connection, rebuilt=version == 0)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")
