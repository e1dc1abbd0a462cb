"""Remember how far Jobs are: one that has ended never runs again, even after a reboot.

What has succeeded and failed on the way there is remembered, too: the pods' own records are on
tmpfs.
"""

from __future__ import annotations

import json

from manifests import codec
from manifests.ref import Ref
from reconciler.workloads.jobs import Ending, Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.state.database import Database


def save_jobs(database: Database, jobs: Mapping[Ref, Progress]) -> None:
    """Save how far these Jobs are, where that is news."""
    if not jobs:
        return
    known = read_jobs(database)
    nothing = Progress()
    fresh = {
        ref: lasting
        for ref, progress in jobs.items()
        if known.get(ref, nothing) != (lasting := progress.lasting())
    }
    if not fresh:
        return
    with database.transaction() as connection:
        for ref, progress in fresh.items():
            connection.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)",
                (*ref.key(), json.dumps(codec.encode(progress))),
            )


def save(database: Database, ref: Ref, body: str) -> None:
    """Save what is remembered of an object of another kind."""
    with database.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", (*ref.key(), body))


def read(database: Database, ref: Ref) -> str | None:
    """Return what is remembered of an object, if anything."""
    query = "SELECT body FROM results WHERE kind = ? AND namespace = ? AND name = ?"
    rows = database.read(query, ref.key())
    return rows[0][0] if rows else None


def ended_pods(database: Database) -> frozenset[str]:
    """Return the uids of the pods by which Jobs that have ended are known to have ended."""
    return frozenset(
        uid
        for progress in read_jobs(database).values()
        if progress.ending is not Ending.RUNNING
        for uid in progress.counted
    )


def read_jobs(database: Database) -> dict[Ref, Progress]:
    """Return how far every Job is of which a pod has ended."""
    rows = database.read("SELECT namespace, name, body FROM results WHERE kind = 'Job'")
    return {
        Ref(kind="Job", namespace=namespace, name=name): codec.restore(Progress, json.loads(body))
        for namespace, name, body in rows
    }
