"""Remember which files and units each Sync has with systemd: what is not in here is not podpy's.

    state_dir/quadlet/SYNC.json

Written before a file is, with what that will hold, and after it is gone: whenever podpy is killed,
none is forgotten. Without its database podpy still knows by them what it has put where.
"""

from __future__ import annotations

import os

from manifests.faults import HostFault
from manifests.ref import Ref
from manifests.value import EMPTY, Value
from runtime import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runtime.paths import Paths


class Known(Value):
    """A file of podpy's: `digests` of what it holds, or held before; `of` is None if it is shared.

    With several digests nobody knows which of them it has: podpy was killed while it was written.
    """

    digests: tuple[str, ...]
    of: Ref | None = None


class Record(Value):
    """What one Sync has: its `objects`, and their files by name.

    `due` are units that are to be restarted, `reload` that systemd is to read its files: a pass
    that was killed has left them to the next one.
    """

    objects: tuple[Ref, ...] = ()
    files: Mapping[str, Known] = EMPTY
    due: tuple[str, ...] = ()
    reload: bool = False


def names(paths: Paths) -> tuple[str, ...]:
    """Return the Syncs that have something with systemd."""
    try:
        found = os.listdir(paths.quadlet)
    except FileNotFoundError:
        return ()
    return tuple(sorted(name[: -len(".json")] for name in found if name.endswith(".json")))


def read(paths: Paths, name: str) -> Record:
    """Return what a Sync has. Raises HostFault where the record cannot be read."""
    path = _path(paths, name)
    raw = files.read_json(path)
    if raw is None:
        if os.path.exists(path):
            raise HostFault(
                f"{path} cannot be read: it is no JSON, so nobody knows which files are podpy's",
                hint="remove it, and the units that the Sync has in /etc/containers/systemd",
            )
        return Record()
    return Record(
        objects=tuple(_ref(one) for one in raw["objects"]),
        files={
            name: Known(digests=tuple(digests), of=_ref(of) if of else None)
            for name, (of, digests) in raw["files"].items()
        },
        due=tuple(raw["due"]),
        reload=raw["reload"],
    )


def save(paths: Paths, name: str, record: Record) -> None:
    """Remember it; a Sync that has nothing is forgotten."""
    if record == Record():
        files.unlink(_path(paths, name))
        return
    os.makedirs(paths.quadlet, mode=0o700, exist_ok=True)
    raw = {
        "objects": [one.key() for one in record.objects],
        "files": {
            name: [known.of.key() if known.of else None, known.digests]
            for name, known in record.files.items()
        },
        "due": record.due,
        "reload": record.reload,
    }
    files.write_json(_path(paths, name), raw, durable=True)


def owners(paths: Paths) -> dict[Ref, str]:
    """Return which objects systemd runs, each with the Sync that has brought it."""
    return {ref: name for name, record in every(paths) for ref in record.objects}


def files_of_others(paths: Paths, name: str) -> frozenset[str]:
    """Return the files of the other Syncs: what several need is shared."""
    return frozenset(
        file for other, record in every(paths) if other != name for file in record.files
    )


def every(paths: Paths) -> Iterator[tuple[str, Record]]:
    """Yield what each Sync has."""
    for name in names(paths):
        yield name, read(paths, name)


def _path(paths: Paths, name: str) -> str:
    return f"{paths.quadlet}/{name}.json"


def _ref(key: list[str]) -> Ref:
    kind, namespace, name = key
    return Ref(kind=kind, namespace=namespace, name=name)
