"""Keep claims that were removed for a while, so that a removal can be undone.

    Paths.trash/ID/
        entry.json      what it was, when and by what it was removed, how long it is kept
        data/           the user's data: renamed to here, on the same file system

An entry without data is a removal that was killed before it took the claim: nothing was lost, and
the next `empty` drops it. Whoever moves something here, or out of here, holds LOCK.
"""

from __future__ import annotations

import json
import os
import time

from manifests import codec, durations
from manifests.faults import HostFault, Invalid
from manifests.value import Value
from runtime import files
from runtime.volume import claims

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.paths import Paths

LOCK = "the trash of claims"
GRACE_SECONDS = 7 * 86400.0
"""How long what was removed is kept where nothing else is said."""


class Entry(Value):
    """One removed claim. Times are seconds since the epoch; `by` is what removed it, in words."""

    id: str
    namespace: str
    name: str
    record: claims.Record = claims.Record()
    by: str = ""
    removed_at: float = 0.0
    until: float = 0.0

    def __str__(self) -> str:
        return f"PersistentVolumeClaim {self.namespace}/{self.name}"


def grace(paths: Paths) -> float:
    """Return how many seconds what is removed is kept on this host: [volumes] trash in podpy.toml.

    Raises Invalid where that is no span.
    """
    table = files.read_toml(paths.settings).get("volumes", {})
    for key in table if isinstance(table, dict) else ("volumes",):
        if key != "trash":
            raise Invalid(f'{paths.settings}: unknown setting "{key}"', hint="[volumes] trash")
    text = table.get("trash", "")
    try:
        return durations.duration(text) if text != "" else GRACE_SECONDS
    except (Invalid, TypeError) as error:
        raise Invalid(
            f'{paths.settings}: volumes.trash: "{text}" is no span', hint='trash = "168h"'
        ) from error


def put(paths: Paths, namespace: str, name: str, by: str, seconds: float) -> bool:
    """Move a claim with its data into the trash; False when there is none.

    That no pod mounts it, and that the user agreed, is the caller's to know. One that holds nothing
    is removed at once.
    """
    found = claims.find(paths, namespace, name)
    if found is None or not os.listdir(found.path):
        return claims.remove(paths, namespace, name, consent=True)
    now = time.time()
    entry = Entry(
        id=f"{int(now * 1000)}-{os.urandom(4).hex()}",
        namespace=namespace,
        name=name,
        record=found.record,
        by=by,
        removed_at=now,
        until=now + seconds,
    )
    place = _place(paths, entry.id)
    try:
        os.makedirs(paths.trash, mode=0o700, exist_ok=True)
        os.mkdir(place, mode=0o700)
        text = json.dumps(codec.encode(entry)).encode()
        files.write(f"{place}/entry.json", text, temporary=f"{place}/.entry", durable=True)
        os.rename(found.path, f"{place}/data")
        claims.forget(paths, namespace, name)
    except OSError as error:
        raise HostFault(f"{entry}: cannot be moved to the trash: {error.strerror}") from error
    return True


def every(paths: Paths) -> Iterator[Entry]:
    """Return what is in the trash, the last removal first."""
    for name in sorted(_listed(paths), reverse=True):
        entry = _read(paths, name)
        if entry is not None and os.path.isdir(f"{_place(paths, name)}/data"):
            yield entry


def data(paths: Paths, entry: Entry) -> str:
    """Return where the data of an entry lies."""
    return f"{_place(paths, entry.id)}/data"


def restore(paths: Paths, entry: Entry, name: str) -> None:
    """Make what was removed a claim of this name again. Raises Invalid where that holds data.

    The caller knows that no pod mounts a claim of that name.
    """
    path = paths.claim(entry.namespace, name)
    if os.path.isdir(path) and os.listdir(path):
        raise Invalid(
            f"PersistentVolumeClaim {entry.namespace}/{name} is there again and holds data",
            hint="bring it back under another name: podpy undo --as NAME",
        )
    claims.bring_back(paths, entry.namespace, name, entry.record, data(paths, entry))
    _drop(paths, entry.id)


def take_back(paths: Paths, namespace: str, name: str, by: str) -> None:
    """Bring back what `by` itself has removed under this name, if that is in the trash.

    A Sync that goes back to a revision with the claim finds its data again.
    """
    for entry in every(paths):
        if (entry.namespace, entry.name, entry.by) == (namespace, name, by):
            restore(paths, entry, name)
            return


def empty(paths: Paths, *, everything: bool = False) -> tuple[Entry, ...]:
    """Delete what is past its time, or `everything`; return what that was.

    Killed in it, what was to go has left the trash, or stays in it as a whole; the next time
    deletes what had left it.
    """
    now, gone = time.time(), []
    for name in _listed(paths):
        entry = _read(paths, name)
        kept = os.path.isdir(f"{_place(paths, name)}/data")
        # What nobody can read any more may still be somebody's data.
        if kept and not everything and (entry is None or now < entry.until):
            continue
        if kept:
            claims.discard(paths, f"{_place(paths, name)}/data")
        _drop(paths, name)
        if entry is not None and kept:
            gone.append(entry)
    claims.sweep(paths)
    return tuple(gone)


def _drop(paths: Paths, name: str) -> None:
    place = _place(paths, name)
    for file in os.listdir(place):
        os.unlink(f"{place}/{file}")
    os.rmdir(place)


def _read(paths: Paths, name: str) -> Entry | None:
    try:
        with open(f"{_place(paths, name)}/entry.json", encoding="utf-8") as file:
            return codec.restore(Entry, json.load(file))
    except (FileNotFoundError, ValueError):
        return None


def _place(paths: Paths, name: str) -> str:
    return f"{paths.trash}/{name}"


def _listed(paths: Paths) -> list[str]:
    try:
        return os.listdir(paths.trash)
    except FileNotFoundError:
        return []
