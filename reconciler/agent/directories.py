"""Watch directories: tell which Syncs' files have changed, through watchdog (inotify).

An event only says that something is there to look at; what it is, the pass finds out. So renames,
half-written files and an editor's swap files need no understanding here.

A watch is of an inode. One on the directory above tells where another comes to stand under the
name (`mv app old; mv new app`, a link that is set anew), or where the first one comes to be.
"""

from __future__ import annotations

import errno
import os

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.inotify import InotifyObserver

from manifests.value import Value
from runtime.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchdog.observers.api import ObservedWatch

_CHANGES = frozenset({"created", "deleted", "modified", "moved", "closed"})
"""Events after which a directory may hold something else: not those of reading."""
_ARRIVALS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileMovedEvent,
]
_EXHAUSTED = {
    errno.ENOSPC: "no inotify watches are left: raise sysctl fs.inotify.max_user_watches",
    errno.EMFILE: "no inotify instances are left: raise sysctl fs.inotify.max_user_instances",
}


class _Watched(Value):
    """`place` tells the directory from another under its name; None while there is none. `way` is
    where it comes to be: the directory above, and the entry in it."""

    path: str
    way: tuple[str, str]
    place: tuple[int, int] | None
    watches: tuple[tuple[FileSystemEventHandler, ObservedWatch], ...]


class Directories:
    """Watches, each of a directory with all below it. `changed(name)` is called in a thread.

    `say` is told, once, of each that cannot be watched: its Sync looks at every interval then.
    """

    def __init__(self, changed: Callable[[str], None], say: Callable[[str], None]) -> None:
        self._changed = changed
        self._say = say
        self._said: dict[str, str] = {}
        self._observer = InotifyObserver()
        self._watched: dict[str, _Watched] = {}
        self._observer.start()

    def watch(self, wanted: Mapping[str, str]) -> None:
        """Watch exactly these: name -> directory, as they are on the disk now."""
        for name, path in list(wanted.items()):
            known = self._watched.get(name)
            place = _place(path)
            way = _way(path, there=place is not None)
            if known is not None and (known.path, known.place, known.way) == (path, place, way):
                continue
            if known is not None:
                self._drop(name)
            self._begin(name, path, place, way)
            if known is not None and known.path == path:
                # What was written into it before it was watched has told nobody.
                self._changed(name)
        for name in self._watched.keys() - wanted.keys():
            self._drop(name)

    def _begin(
        self, name: str, path: str, place: tuple[int, int] | None, way: tuple[str, str]
    ) -> None:
        above, entry = way
        handlers: list[tuple[FileSystemEventHandler, str, bool]] = [
            (_Arrivals(name, self._changed, f"{above.rstrip('/')}/{entry}"), above, False)
        ]
        if place is not None:
            handlers.append((_Teller(name, self._changed), os.path.realpath(path), True))
        watches, trouble = [], ""
        for handler, directory, below in handlers:
            only = None if below else _ARRIVALS
            try:
                watch = self._observer.schedule(
                    handler, directory, recursive=below, event_filter=only
                )
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                    trouble = _worded(error)
                continue
            watches.append((handler, watch))
        self._watched[name] = _Watched(path=path, way=way, place=place, watches=tuple(watches))
        self._tell(name, path, trouble or _exhausted())

    def _tell(self, name: str, path: str, trouble: str) -> None:
        if trouble and self._said.get(name) != trouble:
            self._say(f"{name}: {path} cannot be watched, and is looked at by intervals: {trouble}")
        self._said[name] = trouble

    def _drop(self, name: str) -> None:
        for handler, watch in self._watched.pop(name).watches:
            used = any(watch is other for one in self._watched.values() for _, other in one.watches)
            if used:
                self._observer.remove_handler_for_watch(handler, watch)
            else:
                self._observer.unschedule(watch)

    def close(self) -> None:
        self._observer.stop()
        self._observer.join(5.0)


def _place(path: str) -> tuple[int, int] | None:
    """Tell a directory from another that may stand under its name."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if os.path.isdir(path) else None


def _way(path: str, *, there: bool) -> tuple[str, str]:
    """Return the nearest directory above `path` that exists, and what leads on from it."""
    above, entry = os.path.split(path.rstrip("/"))
    while not there and above not in ("", "/") and not os.path.isdir(above):
        above, entry = os.path.split(above)
    return above or "/", entry


def _worded(error: OSError) -> str:
    return _EXHAUSTED.get(error.errno or 0, error.strerror or str(error))


def _exhausted() -> str:
    """Say what has run out. watchdog is silent where only directories further down got no watch."""
    try:
        descriptor = syscalls.inotify_init()
        try:
            syscalls.inotify_add_watch(descriptor, "/proc/self", syscalls.IN_MOVED_TO)
        finally:
            os.close(descriptor)
    except OSError as error:
        return _worded(error)
    return ""


class _Teller(FileSystemEventHandler):
    def __init__(self, name: str, changed: Callable[[str], None]) -> None:
        self._name = name
        self._tell = changed

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in _CHANGES:
            self._tell(self._name)


class _Arrivals(_Teller):
    """Tells of one entry of a directory alone."""

    def __init__(self, name: str, changed: Callable[[str], None], path: str) -> None:
        super().__init__(name, changed)
        self._path = path

    def on_any_event(self, event: FileSystemEvent) -> None:
        if self._path in (event.dest_path, event.src_path):
            super().on_any_event(event)
