"""Record what happened to objects, and read it back: Kubernetes' events, counted when repeated.

The newest EVENTS_KEPT stay. A secret never gets here: messages come from faults and plans, which
hold none.
"""

from __future__ import annotations

from manifests.ref import Ref
from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.state.database import Database

EVENTS_KEPT = 5000
REPEATED_WITHIN = 3600.0
"""Seconds: as long as Kubernetes keeps an event."""


class EventType(StrEnum):
    NORMAL = "Normal"
    WARNING = "Warning"


class Event(Value):
    """`reason` is one CamelCase word, `message` a sentence; times are seconds since the epoch."""

    ref: Ref
    reason: str
    message: str
    type: EventType = EventType.NORMAL
    first_at: float = 0.0
    last_at: float = 0.0
    count: int = 1


def record(database: Database, happened: Iterable[Event], now: float) -> None:
    """Save the events; one that repeats another only raises its count.

    That is the object's last event, or a warning of the last REPEATED_WITHIN seconds: what fails
    again and again, with other events between, is one line.
    """
    with database.transaction() as connection:
        for event in happened:
            key = event.ref.key()
            same = connection.execute(
                "SELECT id FROM events "
                "WHERE kind = ? AND namespace = ? AND name = ? AND type = ? AND reason = ? "
                "AND message = ? AND ((type = ? AND last_at > ?) OR id = (SELECT max(id) "
                "FROM events WHERE kind = ? AND namespace = ? AND name = ?)) "
                "ORDER BY id DESC LIMIT 1",
                (
                    *(*key, event.type, event.reason, event.message),
                    *(EventType.WARNING, now - REPEATED_WITHIN, *key),
                ),
            ).fetchone()
            if same is not None:
                connection.execute(
                    "UPDATE events SET count = count + 1, last_at = ? WHERE id = ?", (now, same[0])
                )
                continue
            connection.execute(
                "INSERT INTO events (kind, namespace, name, type, reason, message, first_at, "
                "last_at, count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1)",
                (*key, event.type, event.reason, event.message, now, now),
            )
        connection.execute(
            "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", (EVENTS_KEPT,)
        )


def read(
    database: Database, *, ref: Ref | None = None, namespace: str = "", since_id: int = 0
) -> tuple[tuple[int, Event], ...]:
    """Return (id, event) of one object, of a namespace, or all, the oldest first."""
    kind, of_namespace, name = ref.key() if ref else ("", namespace, "")
    rows = database.read(
        "SELECT id, kind, namespace, name, reason, message, type, first_at, last_at, count "
        "FROM events WHERE id > ?1 AND (?2 = '' OR kind = ?2) AND (?3 = '' OR namespace = ?3) "
        "AND (?4 = '' OR name = ?4) ORDER BY last_at, id",
        (since_id, kind, of_namespace, name),
    )
    return tuple(
        (
            row[0],
            Event(
                ref=Ref(kind=row[1], namespace=row[2], name=row[3]),
                reason=row[4],
                message=row[5],
                type=EventType(row[6]),
                first_at=row[7],
                last_at=row[8],
                count=row[9],
            ),
        )
        for row in rows
    )
