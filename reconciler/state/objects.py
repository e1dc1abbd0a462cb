"""Remember which objects were applied, from where, and as members of which apply set.

An apply set is what `--prune` compares with: the objects that one source (a directory, a file, a
Sync) has brought. Secrets are remembered without their content, which lives on tmpfs
(reconciler.state.secrets).
"""

from __future__ import annotations

from manifests import compact_json, kinds
from manifests.ref import Ref
from manifests.value import Value
from reconciler import uids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from manifests.kinds import Object
    from reconciler.state.database import Database


class Applied(Value):
    """An object as it was last applied; `body` is JSON text, decoded when asked for."""

    ref: Ref
    uid: str
    generation: int
    digest: str
    body: str
    applyset: str
    file: str
    line: int
    created_at: float
    applied_at: float

    def object(self) -> Object:
        """The object itself; a Secret comes without its content."""
        return kinds.load(compact_json.loads(self.body))


class Entry(Value):
    """What is to be remembered of one object."""

    ref: Ref
    digest: str
    body: str
    applyset: str
    file: str = ""
    line: int = 0


_COLUMNS = (
    "kind, namespace, name, uid, generation, digest, body, applyset, file, line, "
    "created_at, applied_at"
)


def entry(thing: Object, *, digest: str, applyset: str, file: str = "", line: int = 0) -> Entry:
    """Return what is remembered of `thing`."""
    raw = kinds.dump(thing)
    if thing.kind == "Secret":
        raw = {key: value for key, value in raw.items() if key not in ("data", "stringData")}
    return Entry(
        ref=kinds.ref(thing),
        digest=digest,
        body=compact_json.dumps(raw),
        applyset=applyset,
        file=file,
        line=line,
    )


def save(database: Database, entries: Iterable[Entry], now: float) -> None:
    """Insert or update the entries in one transaction; a changed digest is a new generation."""
    with database.transaction() as connection:
        for item in entries:
            connection.execute(
                f"INSERT INTO objects ({_COLUMNS}) VALUES (?,?,?,?,1,?,?,?,?,?,?,?) "  # noqa: S608
                "ON CONFLICT (kind, namespace, name) DO UPDATE SET "
                "generation = generation + (digest != excluded.digest), digest = excluded.digest, "
                "body = excluded.body, applyset = excluded.applyset, file = excluded.file, "
                "line = excluded.line, applied_at = excluded.applied_at",
                (
                    item.ref.kind,
                    item.ref.namespace,
                    item.ref.name,
                    uids.new(),
                    item.digest,
                    item.body,
                    item.applyset,
                    item.file,
                    item.line,
                    now,
                    now,
                ),
            )


def put_back(database: Database, rows: Iterable[Applied]) -> None:
    """Save rows that were read before, every column as it was."""
    with database.transaction() as connection:
        connection.executemany(
            f"INSERT OR REPLACE INTO objects ({_COLUMNS}) "  # noqa: S608
            "VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
            [
                (
                    *row.ref.key(),
                    row.uid,
                    row.generation,
                    row.digest,
                    row.body,
                    row.applyset,
                    row.file,
                    row.line,
                    row.created_at,
                    row.applied_at,
                )
                for row in rows
            ],
        )


def forget(database: Database, refs: Iterable[Ref]) -> None:
    """Remove the objects, with their results."""
    with database.transaction() as connection:
        for ref in refs:
            for table in ("objects", "results"):
                connection.execute(
                    f"DELETE FROM {table} WHERE kind = ? AND namespace = ? AND name = ?",  # noqa: S608
                    ref.key(),
                )


def read(database: Database, *, kind: str = "", applyset: str = "") -> tuple[Applied, ...]:
    """Return the objects of a kind, of an apply set, or all of them, ordered by name."""
    rows = database.read(
        f"SELECT {_COLUMNS} FROM objects "  # noqa: S608
        "WHERE (?1 = '' OR kind = ?1) AND (?2 = '' OR applyset = ?2) "
        "ORDER BY kind, namespace, name",
        (kind, applyset),
    )
    return tuple(_applied(row) for row in rows)


def holding(database: Database, text: str) -> tuple[Applied, ...]:
    """Return the objects that have a text in them, without decoding the others."""
    query = f"SELECT {_COLUMNS} FROM objects WHERE instr(body, ?) > 0"  # noqa: S608
    return tuple(_applied(row) for row in database.read(query, (text,)))


def refs(database: Database) -> frozenset[Ref]:
    """Return which objects there are, without what they are."""
    rows = database.read("SELECT kind, namespace, name FROM objects")
    return frozenset(
        Ref(kind=kind, namespace=namespace, name=name) for kind, namespace, name in rows
    )


def of_others(database: Database, applyset: str) -> tuple[tuple[Ref, str], ...]:
    """Return the objects of other apply sets than this one, each with its set."""
    rows = database.read(
        "SELECT kind, namespace, name, applyset FROM objects WHERE applyset NOT IN ('', ?)",
        (applyset,),
    )
    return tuple(
        (Ref(kind=kind, namespace=namespace, name=name), owner)
        for kind, namespace, name, owner in rows
    )


def find(database: Database, ref: Ref) -> Applied | None:
    """Return the object that `ref` names, if it was applied."""
    rows = database.read(
        f"SELECT {_COLUMNS} FROM objects WHERE kind = ? AND namespace = ? AND name = ?",  # noqa: S608
        ref.key(),
    )
    return _applied(rows[0]) if rows else None


def _applied(row: tuple[Any, ...]) -> Applied:
    kind, namespace, name, *rest = row
    uid, generation, digest, body, applyset, file, line, created_at, applied_at = rest
    return Applied(
        ref=Ref(kind=kind, namespace=namespace, name=name),
        uid=uid,
        generation=generation,
        digest=digest,
        body=body,
        applyset=applyset,
        file=file,
        line=line,
        created_at=created_at,
        applied_at=applied_at,
    )
