"""Remember how Syncs are, and what their revisions came to."""

from __future__ import annotations

import json

from manifests import codec
from reconciler.syncs.status import Outcome, Revision, SyncStatus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reconciler.state.database import Database

REVISIONS_KEPT = 200
"""Lines of history, for each Sync."""


def read(database: Database, name: str) -> SyncStatus:
    """Return what is known of a Sync; of one that nothing is known of, the status of a new one."""
    rows = database.read("SELECT body FROM syncs WHERE name = ?", (name,))
    return codec.restore(SyncStatus, json.loads(rows[0][0])) if rows else SyncStatus()


def names(database: Database) -> tuple[str, ...]:
    """Return the names of the Syncs of which something is known."""
    return tuple(name for (name,) in database.read("SELECT name FROM syncs ORDER BY name"))


def save(database: Database, name: str, status: SyncStatus) -> None:
    with database.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO syncs VALUES (?, ?)", (name, json.dumps(codec.encode(status)))
        )


def forget(database: Database, name: str) -> None:
    """Forget a Sync with its history."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM syncs WHERE name = ?", (name,))
        connection.execute("DELETE FROM revisions WHERE sync = ?", (name,))
        connection.execute("DELETE FROM notices WHERE sync = ?", (name,))


def add_revision(database: Database, name: str, line: Revision) -> None:
    """Write a line of history; the oldest ones give way."""
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO revisions (sync, revision, outcome, message, changes, at, seconds) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                line.revision,
                line.outcome,
                line.message,
                json.dumps(line.changes),
                line.at,
                line.seconds,
            ),
        )
        connection.execute(
            "DELETE FROM revisions WHERE sync = ?1 AND id <= (SELECT id FROM revisions "
            "WHERE sync = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            (name, REVISIONS_KEPT),
        )


def history(database: Database, name: str) -> tuple[Revision, ...]:
    """Return a Sync's history, the newest line first."""
    rows = database.read(
        "SELECT revision, outcome, message, changes, at, seconds FROM revisions "
        "WHERE sync = ? ORDER BY id DESC",
        (name,),
    )
    return tuple(
        Revision(
            revision=revision,
            outcome=Outcome(outcome),
            message=message,
            changes=tuple(json.loads(changes)),
            at=at,
            seconds=seconds,
        )
        for revision, outcome, message, changes, at, seconds in rows
    )
