"""Files of a source in; the same out, its units in one set with all that they name.

Called by manifests.sources. What a set names is read here: files of variables, manifests of .kube
units, and where single files were given, the units beside them that they refer to.
"""

from __future__ import annotations

import os
import re

from manifests.quadlet import specifiers, syntax, timers
from manifests.quadlet.environment import path_beside
from manifests.quadlet.syntax import UnreadableError
from manifests.sources import (
    TIMER,
    UNIT_SUFFIXES,
    File,
    TooBigError,
    UnitSet,
    contents,
    is_beside,
    is_dropin,
)
from manifests.yaml import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from manifests.quadlet.syntax import Entry

_NAMING = {"EnvironmentFile": "Container", "Yaml": "Kube", "ConfigMap": "Kube"}


def with_set(
    name: str, files: Sequence[File], *, on_host: bool, whole: bool = False
) -> Sequence[File]:
    """Return the files that are no units, and behind them the set of those that are.

    `whole`: nothing beside the files belongs to them, as to those of a directory.
    """
    units = [file for file in files if _belongs(file.name)]
    wanted: tuple[str, ...] = ()
    if on_host and not whole and not os.path.isdir(name):
        wanted = tuple(os.path.normpath(file.name) for file in units)
        units, more = _with_neighbours(units)
        wanted += more
    there = {os.path.normpath(file.name): file for file in files}
    named: dict[str, File] = {}
    manifests: set[str] = set()
    for path, key in _named(units):
        found = there.get(path) or _read(path, on_host=on_host)
        if found is not None:
            named[path] = found
        if key != "EnvironmentFile":
            manifests.add(path)
    own = {file.name for file in units}
    members = (*units, *(file for file in named.values() if file.name not in own))
    data = b"".join(
        b"%d %d %b%b" % (len(one.name.encode()), len(one.data), one.name.encode(), one.data)
        for one in members
    )
    # A manifest that a .kube names is not one beside it as well.
    rest = [
        file
        for file in files
        if file.name not in own
        and os.path.normpath(file.name) not in manifests
        and not is_beside(file.name)
    ]
    made = UnitSet(name=name, data=data, members=members, wanted=wanted, on_host=on_host)
    return (*rest, made)


def _belongs(path: str) -> bool:
    """Tell whether a file is a unit, or says something of one."""
    return path.endswith((*UNIT_SUFFIXES, TIMER)) or is_dropin(path)


def _named(units: Sequence[File]) -> Iterator[tuple[str, str]]:
    """Give the files that units name, with the key that names each."""
    for file in units:
        if not any(key.encode() in file.data for key in _NAMING):
            continue
        entries, _ = syntax.parse(file.data.decode(errors="replace"), file.name)
        # A drop-in's paths are relative to its unit's file, which is where the reader looks.
        beside = os.path.dirname(file.name) if is_dropin(file.name) else file.name
        stem = os.path.splitext(os.path.basename(beside.removesuffix(".d")))[0]
        for entry in entries:
            if entry.section == _NAMING.get(entry.key):
                for word in _paths(entry, stem):
                    yield path_beside(beside, word), entry.key


def _paths(entry: Entry, stem: str) -> Iterator[str]:
    """Give the words of a key as its unit reads them; what cannot be read the reader tells."""
    try:
        words = syntax.words(entry.value, escapes=entry.key == "EnvironmentFile")
        for word in words:
            yield specifiers.expand(word, specifiers.of_unit(stem))
    except UnreadableError:
        return


def _read(path: str, *, on_host: bool) -> File | None:
    """Return a file of this host; of a revision's only what has a path of its own on the host."""
    if not on_host and not os.path.isabs(path):
        return None
    try:
        return File(name=path, data=contents(path, None, limits.DEFAULT.bytes))
    except (OSError, TooBigError):
        return None


def _with_neighbours(units: Sequence[File]) -> tuple[list[File], tuple[str, ...]]:
    """Return units with those beside them that belong to them, and which of these are objects.

    To a unit belong its drop-ins, its template, and whatever its keys name; to a pod, its
    containers. What a unit only waits for is no object of this source.
    """
    found = {os.path.normpath(file.name): file for file in units}
    beside: dict[str, File] = {}
    for folder in {os.path.dirname(path) for path in found}:
        beside.update(_folder(folder))
    references = {path: _references(file) for path, file in beside.items()}
    wanted: list[str] = []
    pending = list(found)
    while pending:
        here = pending.pop()
        named, awaited = references.get(here) or _references(found[here])
        own = os.path.basename(here)
        for path, file in beside.items():
            if path in found:
                continue
            name = os.path.basename(path)
            uses = own.endswith(".pod") and own in references[path][0]
            timer = _starts(file, own) or _starts(found[here], name)
            if is_dropin(path) or timer or _template(own) == name or uses or name in named:
                wanted.append(path)
            elif name not in awaited:
                continue
            found[path] = file
            pending.append(path)
    return list(found.values()), tuple(wanted)


def _starts(file: File, unit: str) -> bool:
    """Tell whether a file is the timer of a unit, by the name that its service has by itself."""
    if not file.name.endswith(TIMER):
        return False
    entries, _ = syntax.parse(file.data.decode(errors="replace"), file.name)
    service = timers.started(os.path.basename(file.name), entries)
    return unit in (f"{service}.container", f"{service.removesuffix('-pod')}.pod")


def _template(name: str) -> str:
    """Return the file of which a unit may be an instance."""
    stem, suffix = os.path.splitext(name)
    return f"{stem.partition('@')[0]}@{suffix}" if "@" in stem else ""


def _references(file: File) -> tuple[set[str], set[str]]:
    """Return which units a file names in its own section, and which ones it only waits for."""
    named: set[str] = set()
    awaited: set[str] = set()
    entries, _ = syntax.parse(file.data.decode(errors="replace"), file.name)
    for entry in entries:
        words = re.split(r"[\s,:=\"']+", entry.value)
        into = awaited if entry.section == "Unit" else named
        into.update(word for word in words if word.endswith(UNIT_SUFFIXES))
    return named, awaited


def _folder(folder: str) -> dict[str, File]:
    """Return the units of a directory, and their drop-ins, by path."""
    found: dict[str, File] = {}
    try:
        names = sorted(os.listdir(folder or "."))
    except OSError:
        return found
    for name in names:
        path = os.path.normpath(os.path.join(folder, name))
        paths = [path]
        if name.endswith(".d") and os.path.isdir(path):
            paths = [os.path.join(path, one) for one in sorted(os.listdir(path))]
        for one in paths:
            if _belongs(one):
                file = _read(one, on_host=True)
                if file is not None:
                    found[one] = file
    return found
