"""Record a pass: its wish before anything is done, how far Jobs are, what came of each change.

Called by reconciler.cycle; the tables are reconciler.state's.
"""

from __future__ import annotations

import time

from manifests.config import Secret
from reconciler.state import events, objects, results, secrets
from reconciler.state.events import Event, EventType
from reconciler.workloads import restarting
from reconciler.workloads.jobs import Ending, Progress
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from manifests.ref import Ref
    from reconciler.plan.wish import Remembered, Wish, Wished
    from reconciler.state.database import Database
    from reconciler.targets.host.base import Base

_NOTHING = Progress()


def unrecorded(wish: Wish) -> bool:
    """Tell whether an object is not in the database yet, or comes from another source now."""
    return any(
        (known := wish.remembered.get(item.ref)) is None
        or known.digest != item.digest
        or (wish.applyset and known.applyset != wish.applyset)
        or _restarted(item, known)
        for item in wish.objects
    )


def _restarted(item: Wished, known: Remembered) -> bool:
    """Tell whether a workload is restarted now: its manifest is as it was, its template is not."""
    at = restarting.mark_of(item.object)
    return bool(at) and at not in known.body


def save_wish(base: Base, wish: Wish) -> None:
    """Record the wish before anything is done: exit hooks go by it while the pass still runs."""
    new = [item.object for item in wish.objects if isinstance(item.object, Secret)]
    with locks.held(base.paths, [secrets.LOCK] if new else []):
        for secret in new:
            secrets.save(base.paths, secret)
        # Killed between the two, an undo that is given again would go by a template never applied.
        with base.database.transaction():
            _save_templates(base, wish)
            _save_objects(base, wish)


def _save_templates(base: Base, wish: Wish) -> None:
    """Remember which templates changed Deployments had."""
    for item in wish.objects:
        before = wish.remembered.get(item.ref) if item.ref.kind == "Deployment" else None
        if before is None:
            continue
        if before.digest != item.digest or _restarted(item, before):
            from reconciler.state import templates

            old, new = before.object, item.object
            templates.note(base.database, item.ref, old, new, time.time())  # type: ignore[arg-type]


def _save_objects(base: Base, wish: Wish) -> None:
    known = wish.remembered
    objects.save(
        base.database,
        [
            objects.entry(
                item.object,
                digest=item.digest,
                applyset=wish.applyset or (known[item.ref].applyset if item.ref in known else ""),
                file=item.file,
                line=item.line,
            )
            for item in wish.objects
        ],
        time.time(),
    )


def save_jobs(
    database: Database, progress: Mapping[Ref, Progress], before: Mapping[Ref, Progress]
) -> None:
    """Save how far Jobs are; an event tells of each that has ended since `before`."""
    results.save_jobs(database, progress)
    ended = [
        Event(
            ref=job,
            reason=now.reason or "Completed",
            message=now.message or "the Job has completed",
            type=EventType.WARNING if now.ending is Ending.FAILED else EventType.NORMAL,
        )
        for job, now in progress.items()
        if now.ending not in (Ending.RUNNING, before.get(job, _NOTHING).ending)
    ]
    if ended:
        events.record(database, ended, time.time())


def restore_jobs(database: Database, jobs: Iterable[Ref], before: Mapping[Ref, Progress]) -> None:
    """Save how far the Jobs were that were to begin again, and could not."""
    results.save_jobs(database, {job: before.get(job, _NOTHING) for job in jobs})
