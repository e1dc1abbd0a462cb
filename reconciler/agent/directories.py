"""Watch directories: tell which Syncs' files have changed, through watchdog (inotify).

An event only says that something is there to look at; what it is, the pass finds out. So renames,
half-written files and an editor's swap files need no understanding here.
"""

from __future__ import annotations

import os

from watchdog.events import FileSystemEventHandler
from watchdog.observers.inotify import InotifyObserver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import ObservedWatch

_CHANGES = frozenset({"created", "deleted", "modified", "moved", "closed"})
"""Events after which a directory may hold something else: not those of reading."""


class Directories:
    """Watches, each of a directory with all below it. `changed(name)` is called in a thread."""

    def __init__(self, changed: Callable[[str], None]) -> None:
        self._changed = changed
        self._observer = InotifyObserver()
        self._watched: dict[str, tuple[str, ObservedWatch]] = {}
        self._observer.start()

    def watch(self, wanted: Mapping[str, str]) -> None:
        """Watch exactly these: name -> directory. One that is missing is left for the next time."""
        for name in [one for one, (path, _) in self._watched.items() if wanted.get(one) != path]:
            self._drop(name)
        for name, path in wanted.items():
            if name in self._watched and not os.path.isdir(path):
                self._drop(name)
            if name in self._watched:
                continue
            try:
                watch = self._observer.schedule(_Teller(name, self._changed), path, recursive=True)
            except OSError:
                continue
            self._watched[name] = (path, watch)

    def _drop(self, name: str) -> None:
        _, watch = self._watched.pop(name)
        if all(other is not watch for _, other in self._watched.values()):
            self._observer.unschedule(watch)

    def close(self) -> None:
        self._observer.stop()
        self._observer.join(5.0)


class _Teller(FileSystemEventHandler):
    def __init__(self, name: str, changed: Callable[[str], None]) -> None:
        self._name = name
        self._tell = changed

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _CHANGES:
            self._tell(self._name)
