"""Remember the templates that a Deployment had before: what `rollout history` and `undo` go by.

They are kept from the first change on, as many as revisionHistoryLimit says beside the present one.
"""

from __future__ import annotations

import json

from manifests import codec
from manifests.pod import PodTemplate
from manifests.value import Value
from reconciler.workloads import naming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.ref import Ref
    from manifests.workloads import Deployment
    from reconciler.state.database import Database

CAUSE = "kubernetes.io/change-cause"
"""The annotation of a Deployment that says why it was changed."""


class Template(Value):
    """One revision of a Deployment: its number, counted from 1, and when it was applied."""

    number: int
    template: PodTemplate
    cause: str = ""
    at: float = 0.0


class Past(Value):
    """All revisions that are known of a Deployment; the last is the present one."""

    revisions: tuple[Template, ...] = ()


def present(thing: Deployment, number: int = 1, at: float = 0.0) -> Template:
    """Return the revision that a Deployment is now."""
    cause = thing.metadata.annotations.get(CAUSE, "")
    return Template(number=number, template=thing.spec.template, cause=cause, at=at)


def after(past: Past, before: Deployment, thing: Deployment, now: float) -> Past:
    """Return what is known once `before` has become `thing`. Pure.

    A template that was there before is not told of twice: it gets the next number, as an old
    ReplicaSet does that is used again.
    """
    known = past.revisions or (present(before),)
    hashed = naming.template_hash(thing.spec.template)
    if naming.template_hash(known[-1].template) == hashed:
        return past
    others = [one for one in known if naming.template_hash(one.template) != hashed]
    others = others[max(0, len(others) - thing.spec.revision_history_limit) :]
    return Past(revisions=(*others, present(thing, known[-1].number + 1, now)))


def read(database: Database, ref: Ref) -> Past:
    """Return what is known of the Deployment; nothing of one that has not changed yet."""
    rows = database.read(
        "SELECT body FROM results WHERE kind = ? AND namespace = ? AND name = ?", ref.key()
    )
    return codec.restore(Past, json.loads(rows[0][0])) if rows else Past()


def note(database: Database, ref: Ref, before: Deployment, thing: Deployment, now: float) -> None:
    """Remember that the Deployment's template has become that of `thing`."""
    past = read(database, ref)
    fresh = after(past, before, thing, now)
    if fresh == past:
        return
    with database.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)",
            (*ref.key(), json.dumps(codec.encode(fresh))),
        )
