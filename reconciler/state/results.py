"""Remember how Jobs ended: a Job that has come to its end never runs again, even after a reboot."""

from __future__ import annotations

import json

from manifests import codec
from manifests.ref import Ref
from reconciler.workloads.jobs import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.state.database import Database


def save_jobs(database: Database, ended: Mapping[Ref, Progress]) -> None:
    """Save the ends of these Jobs."""
    known = read_jobs(database)
    fresh = {ref: progress for ref, progress in ended.items() if known.get(ref) != progress}
    if not fresh:
        return
    with database.transaction() as connection:
        for ref, progress in fresh.items():
            connection.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)",
                (*ref.key(), json.dumps(codec.encode(progress))),
            )


def read_jobs(database: Database) -> dict[Ref, Progress]:
    """Return the end of every Job that has ended."""
    rows = database.read("SELECT namespace, name, body FROM results WHERE kind = 'Job'")
    return {
        Ref(kind="Job", namespace=namespace, name=name): codec.restore(Progress, json.loads(body))
        for namespace, name, body in rows
    }
