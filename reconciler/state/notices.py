"""Remember what the receivers of a Sync's notices were told, and what waits to be sent to them."""

from __future__ import annotations

import json

from manifests import codec
from reconciler.notify.notice import Mailboxes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reconciler.state.database import Database


def read(database: Database, name: str) -> Mailboxes:
    rows = database.read("SELECT body FROM notices WHERE sync = ?", (name,))
    return codec.restore(Mailboxes, json.loads(rows[0][0])) if rows else Mailboxes()


def save(database: Database, name: str, boxes: Mailboxes) -> None:
    with database.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO notices VALUES (?, ?)", (name, json.dumps(codec.encode(boxes)))
        )
