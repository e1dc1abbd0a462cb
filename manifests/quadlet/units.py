"""Files of a set in, its units out: drop-ins merged, templates with their instances. Pure.

Podman takes all directories that it looks into as one: a unit is found by its name alone, and so
are drop-ins. So it is here with all files of one source.
"""

from __future__ import annotations

import os

from manifests.problems import Problem
from manifests.quadlet import syntax, timers
from manifests.sources import TIMER, UNIT_SUFFIXES
from manifests.yaml.syntax import UndecodableError, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from manifests.quadlet.syntax import Entry
    from manifests.sources import File

_SERVICE = {
    ".container": "",
    ".kube": "",
    TIMER: "",
    **{one: f"-{one[1:]}" for one in UNIT_SUFFIXES if one not in (".container", ".kube")},
}


class Unit:
    """One unit: `name` is web.container, `path` the file that it is in, `entries` all that counts.

    A drop-in's assignments stand behind the file's own. `template`: it has no instance; `on_host`:
    the file is in a directory of this host, so that paths may be relative to it.
    """

    def __init__(
        self, name: str, path: str, entries: Sequence[Entry], *, on_host: bool = True
    ) -> None:
        self.name = name
        self.path = path
        self.on_host = on_host
        self.entries = tuple(entries)
        self.stem, self.suffix = os.path.splitext(name)
        self.section = self.suffix[1:].capitalize()

    @property
    def template(self) -> bool:
        return self.stem.endswith("@")

    @property
    def instance(self) -> str:
        """What is behind the @ of the name."""
        return self.stem.partition("@")[2]

    @property
    def service(self) -> str:
        """The name of the service that Podman makes of it, less .service."""
        named = self.last("ServiceName")
        if named is not None and named.value:
            return named.value
        prefix, at, instance = self.stem.partition("@")
        return prefix + _SERVICE[self.suffix] + at + instance

    @property
    def top(self) -> Entry:
        """Where its own section begins, or the file does."""
        own = [one for one in self.entries if one.section == self.section]
        found = own or list(self.entries)
        if found:
            return found[0]
        return syntax.Entry(section=self.section, key="", value="", file=self.path, line=1)

    def last(self, key: str, section: str = "") -> Entry | None:
        """Return the last assignment of a key, which counts where only one can."""
        found = [one for one in self.entries if one.key == key and self._in(one, section)]
        return found[-1] if found else None

    def every(self, key: str, section: str = "") -> list[Entry]:
        """Return all assignments of a key; an empty one takes back those before it."""
        found: list[Entry] = []
        for one in self.entries:
            if one.key == key and self._in(one, section):
                found = [*found, one] if one.value else []
        return found

    def _in(self, entry: Entry, section: str) -> bool:
        return entry.section == (section or self.section)

    def with_more(self, entries: Sequence[Entry]) -> Unit:
        """Return the unit with further assignments, which count as the last ones."""
        return Unit(self.name, self.path, (*self.entries, *entries), on_host=self.on_host)


class Units:
    """All units of a set by their names, and what is wrong with their texts.

    `timers` are units, too, by the service that each starts when it is time.
    """

    def __init__(self, files: Iterable[File], *, on_host: bool = True) -> None:
        self._on_host = on_host
        self.files = {os.path.normpath(file.name): file for file in files}
        self.problems: list[Problem] = []
        self._read: dict[str, tuple[Entry, ...]] = {}
        self._dropins: dict[str, list[str]] = {}
        self.by_name: dict[str, Unit] = {}
        self.timers: dict[str, list[Unit]] = {}
        paths: dict[str, str] = {}
        for path in sorted(self.files):
            name = os.path.basename(path)
            if name.endswith(UNIT_SUFFIXES):
                if name in paths:
                    message = f"{paths[name]} is a unit of that name, too"
                    self.problems.append(Problem(file=path, message=message))
                paths.setdefault(name, path)
            elif name.endswith(".conf"):
                folder = os.path.basename(os.path.dirname(path))
                self._dropins.setdefault(folder, []).append(path)
            elif name.endswith(TIMER):
                self._timer(name, path)
        for name, path in paths.items():
            self._add(name, path)

    def _timer(self, name: str, path: str) -> None:
        entries = self._parsed(path)
        unit = Unit(name, path, entries, on_host=self._on_host)
        self.timers.setdefault(timers.started(name, entries), []).append(unit)

    def find(self, name: str, asking: Unit) -> Unit | None:
        """Return the unit that a name means in `asking`: x@.volume means the asking instance's."""
        stem, suffix = os.path.splitext(name)
        if stem.endswith("@") and asking.instance:
            name = f"{stem}{asking.instance}{suffix}"
        found = self.by_name.get(name)
        prefix, at, _ = stem.partition("@")
        template = self.by_name.get(f"{prefix}@{suffix}") if at else None
        if found is None and template is not None:
            found = self._add(name, template.path)
        return found

    def text(self, path: str) -> str | None:
        """Return the text of a file that a unit names; None where it is not there."""
        file = self.files.get(os.path.normpath(path))
        return None if file is None else self._decoded(path, file)

    def _add(self, name: str, path: str) -> Unit:
        unit = self.by_name[name] = self._unit(name, path)
        default = unit.last("DefaultInstance", "Install")
        if unit.template and default is not None and default.value:
            own = f"{unit.stem}{default.value}{unit.suffix}"
            if own not in self.by_name:
                self.by_name[own] = self._unit(own, path)
        return unit

    def _unit(self, name: str, path: str) -> Unit:
        return Unit(name, path, self._entries(name, path), on_host=self._on_host)

    def _entries(self, name: str, path: str) -> list[Entry]:
        """Return what the file and its drop-ins say; of two of one name the more special counts."""
        chosen: dict[str, str] = {}
        for folder in _folders(name):
            for one in sorted(self._dropins.get(folder, ())):
                chosen[os.path.basename(one)] = one
        found = list(self._parsed(path))
        for _, one in sorted(chosen.items()):
            found.extend(self._parsed(one))
        return found

    def _parsed(self, path: str) -> tuple[Entry, ...]:
        if path not in self._read:
            text = self._decoded(path, self.files[path])
            self._read[path], problems = syntax.parse(text, self.files[path].name)
            self.problems.extend(problems)
        return self._read[path]

    def _decoded(self, path: str, file: File) -> str:
        try:
            return decode(file.data, path)
        except UndecodableError as error:
            if error.problem not in self.problems:
                self.problems.append(error.problem)
            return ""


def _folders(name: str) -> Iterator[str]:
    """Give the folders of a unit's drop-ins, the most general first."""
    stem, suffix = os.path.splitext(name)
    prefix, at, instance = stem.partition("@")
    yield f"{suffix[1:]}.d"
    parts = prefix.split("-")
    for count in range(1, len(parts)):
        front = "-".join(parts[:count]) + "-"
        yield f"{front}{suffix}.d"
        if at:
            yield f"{front}@{suffix}.d"
    if instance:
        yield f"{prefix}@{suffix}.d"
    yield f"{name}.d"
