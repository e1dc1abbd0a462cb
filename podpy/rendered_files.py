"""Write rendered files into a directory, and know which of an earlier rendering are stale.

    DIR/.podpy-rendered.json    set of sources -> file -> digests of what podpy wrote there
    DIR/.podpy-rendered.lock    held meanwhile

As `apply --prune`, a rendering is compared with the one before of the same sources, so that several
may share a directory. What is not in the record is somebody else's: it is neither written over
nor removed, and a stale file that was changed since stays. The record is written before the files,
with what they will hold, so that none is forgotten whenever podpy is killed.
"""

from __future__ import annotations

import hashlib
import os
import sys

from manifests.faults import Invalid
from manifests.value import Value
from podpy import changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from manifests.loaded import Loaded
    from manifests.problems import Problem
    from renderers.quadlet.unit import File

    Known = dict[str, dict[str, list[str]]]

MARK = b"# Rendered by podpy render"
_RECORD, _LOCK = ".podpy-rendered.json", ".podpy-rendered.lock"


class Outcome(Value):
    """What became of files that are stale: `removed`, `left` for want of --prune, `changed` since.

    `taken` were another set's, with another content.
    """

    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()


def write(
    directory: str, files: Sequence[File], applyset: str, *, prune: bool, whole: bool
) -> Outcome:
    """Write `files` into `directory`, those of `applyset`, and with `prune` remove its stale ones.

    `whole`: these are all that the set has. Raises Invalid where a file is somebody else's.
    """
    from runtime import locks

    os.makedirs(directory, exist_ok=True)
    lock = os.open(f"{directory}/{_LOCK}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        locks.wait(lock, f"the files in {directory}", timeout=locks.DEADLINE_SECONDS)
        return _write(directory, files, applyset, prune=prune, whole=whole)
    finally:
        os.close(lock)


def check(loaded: Loaded) -> None:
    """Tell every problem of the manifests; raises Invalid where one is an error."""
    show(loaded.problems)
    if loaded.errors:
        raise Invalid(f"{changes.count(len(loaded.errors), 'problem')} found, nothing was written")


def show(problems: Iterable[Problem]) -> None:
    """Print problems, a line each: at once, as there may be thousands."""
    sys.stderr.write("".join(f"{problem.shown}\n" for problem in problems))


def refuse_losses(count: int) -> None:
    """Raise Invalid, for --strict, where so many fields have no place in what is rendered."""
    if count:
        raise Invalid(f"{changes.count(count, 'field')} would be lost, nothing was written")


def put(
    directory: str, files: Sequence[File], applyset: str, *, whole: bool, prune: bool = False
) -> None:
    """Do what `write` does, and tell what became of it."""
    tell(directory, write(directory, files, applyset, prune=prune, whole=whole))
    print(f"{changes.count(len(files), 'file')} in {directory}")


def tell(directory: str, outcome: Outcome) -> None:
    """Tell what became of files of an earlier rendering."""
    for name in outcome.taken:
        print(
            f"{directory}/{name} was of other sources before, and was not the same", file=sys.stderr
        )
    for name in outcome.changed:
        print(f"{directory}/{name} is stale and was changed since: it stays", file=sys.stderr)
    if outcome.left:
        stale = ", ".join(outcome.left)
        print(f"no longer wanted, which --prune removes: {stale}", file=sys.stderr)
    for name in outcome.removed:
        print(f"{directory}/{name} removed")


def _write(
    directory: str, files: Sequence[File], applyset: str, *, prune: bool, whole: bool
) -> Outcome:
    record = _read(directory)
    _refuse_others(directory, files, record)
    wanted = {file.name: _digest(file.content) for file in files}
    others = [held for other, held in record.items() if other != applyset]
    taken = sorted({name for held in others for name in _taken(wanted, held)})
    own = record.setdefault(applyset, {})
    for name, digest in wanted.items():
        own[name] = sorted({*own.get(name, []), digest})
    _save(directory, record)
    _sweep(directory, {*own, _RECORD})
    writer = _Writer(directory)
    for file in files:
        writer.put(file)
    own.update((name, [digest]) for name, digest in wanted.items())
    stale = sorted(own.keys() - wanted.keys()) if whole else []
    shared = {name for held in others for name in held}
    for name in shared.intersection(stale):
        del own[name]
    stale = [name for name in stale if name not in shared]
    outcome = _prune(directory, stale, own) if prune else Outcome(left=_files(stale))
    _save(directory, {name: held for name, held in record.items() if held})
    return outcome.replace(taken=_files(taken))


def _taken(wanted: Mapping[str, str], held: dict[str, list[str]]) -> list[str]:
    """Take from another set what it has otherwise, and return the names: what both have alike, a
    network's file, say, stays as long as one of them has it."""
    names = [name for name in wanted.keys() & held.keys() if held[name] != [wanted[name]]]
    for name in names:
        del held[name]
    return names


def _sweep(directory: str, own: Iterable[str]) -> None:
    """Remove what a writer that was killed has left beside these files."""
    places = {os.path.dirname(name) for name in own}
    for place in places:
        within = os.path.join(directory, place)
        for name in os.listdir(within) if os.path.isdir(within) else ():
            stem, _, rest = name.removesuffix(".tmp").rpartition(".")
            if name.endswith(".tmp") and rest.isdigit() and os.path.join(place, stem) in own:
                os.unlink(os.path.join(within, name))


def _prune(directory: str, stale: Iterable[str], own: dict[str, list[str]]) -> Outcome:
    """Remove stale files that are as podpy wrote them, then the directories that are empty."""
    removed: list[str] = []
    changed: list[str] = []
    # What is in a directory sorts behind it.
    for name in reversed(list(stale)):
        path = os.path.join(directory, name)
        if name.endswith("/"):
            _remove_empty(directory, name)
        elif not os.path.lexists(path):
            pass
        elif _is_as_written(path, own[name]):
            os.unlink(path)
            removed.append(name)
            _remove_empty(directory, os.path.dirname(name))
        else:
            changed.append(name)
            continue
        del own[name]
    return Outcome(removed=tuple(reversed(removed)), changed=tuple(reversed(changed)))


def _remove_empty(directory: str, name: str) -> None:
    """Remove a directory below `directory`, and those above, as far as they are empty."""
    name = name.rstrip("/")
    while name:
        try:
            os.rmdir(os.path.join(directory, name))
        except OSError:
            return
        name = os.path.dirname(name)


def _is_as_written(path: str, digests: Sequence[str]) -> bool:
    if not os.path.isfile(path) or os.path.islink(path):
        return False
    with open(path, "rb") as file:
        return _digest(file.read()) in digests


def _refuse_others(directory: str, files: Iterable[File], record: Known) -> None:
    known = {name for held in record.values() for name in held}
    for file in files:
        path = os.path.join(directory, file.name)
        if file.name in known or file.name.endswith("/") or not os.path.lexists(path):
            continue
        with open(path, "rb") as held:
            if not held.read(len(MARK)) == MARK:
                raise Invalid(
                    f"{path} is there and is not podpy's; nothing was written",
                    hint="move it away, or write into another directory",
                )


def _files(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if not name.endswith("/"))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(directory: str) -> Known:
    from runtime import files

    path = f"{directory}/{_RECORD}"
    found = files.read_json(path)
    if found is None:
        if os.path.exists(path):
            raise Invalid(
                f"{path} cannot be read: it is no JSON",
                hint="move it away: files of earlier renderings are then not podpy's any more",
            )
        return {}
    known: Known = found["sets"]
    return known


def _save(directory: str, record: Known) -> None:
    from runtime import files

    # For its owner alone: it has digests of what Secrets hold.
    files.write_json(f"{directory}/{_RECORD}", {"sets": record})


class _Writer:
    """Puts files in their places below a directory: each whole or not at all.

    A mode is had from the start, as podpy's umask (podpy.__main__) takes nothing from any of them.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._made: set[str] = set()

    def put(self, file: File) -> None:
        """Write a file or make a directory; what is private is so before it is there."""
        from runtime import files

        path = os.path.join(self._directory, file.name)
        if file.private:
            own = os.path.join(self._directory, file.name.partition("/")[0])
            os.makedirs(own, mode=0o700, exist_ok=True)
            os.chmod(own, 0o700)
        if file.name.endswith("/"):
            os.makedirs(path, exist_ok=True)
            os.chmod(path, file.mode)
        elif _is_as_written(path, [_digest(file.content)]):
            os.chmod(path, file.mode)
        else:
            self._make(os.path.dirname(path))
            temporary = f"{path}.{os.getpid()}.tmp"
            files.write(path, file.content, temporary=temporary, mode=file.mode)

    def _make(self, place: str) -> None:
        if place not in self._made:
            os.makedirs(place, exist_ok=True)
            self._made.add(place)
