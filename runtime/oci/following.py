"""Follow a container's log as it grows: lines out, through rotation, fresh starts and restarts.

conmon 2.1 bounds a log by renaming an empty file over it. The file that is held open is read to its
end all the same; one that has come and gone between two looks cannot be. inotify counts the
renames, so the first line after such a loss says so. Called by podpy.commands.logs.
"""

from __future__ import annotations

import contextlib
import os
import select
import struct

from manifests.faults import HostFault
from runtime.kernel import syscalls
from runtime.oci import logs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POLL = 0.1
"""Seconds between looks at a followed file; where conmon has renamed one, it is looked at once."""

_LOOKS = 100
"""How often the files are looked at again because they were renamed meanwhile."""

_EVENT = struct.Struct("iIII")
"""struct inotify_event without its name, whose length is the last number."""

_QUEUE_BYTES = 65536


def follow(
    directory: str,
    run: int,
    wanted: logs.Selection = logs.ALL,
    *,
    alive: Callable[[], bool],
    poll: float = _POLL,
) -> Iterator[logs.Line]:
    """Yield the lines of `run` and of the runs after it as they come, until `alive` is False.

    `alive` says whether more can come (the container runs or will be restarted); once it does not,
    what is there is read to the end.
    """
    watch = Watch(directory)
    joiner = logs.Joiner()
    growing = _Growing(logs.path(directory, run), watch)
    try:
        yield from logs.late_enough(growing.begin(joiner, wanted), wanted.since)
        while True:
            more = alive()
            later = [number for number in logs.runs(directory) if number > run]
            yield from logs.late_enough(growing.lines(joiner), wanted.since)
            if later:
                yield from logs.late_enough(joiner.rest(), wanted.since)
                run = later[0]
                growing.close()
                growing = _Growing(logs.path(directory, run), watch)
            elif not more:
                yield from logs.late_enough(joiner.rest(), wanted.since)
                return
            else:
                watch.wait(poll)
    finally:
        growing.close()
        watch.close()


class Watch:
    """Counts how often a file of the directory was replaced by a rename."""

    def __init__(self, directory: str) -> None:
        try:
            self._fd = syscalls.inotify_init()
        except OSError as error:
            raise HostFault(
                f"{directory}: cannot be watched: {error.strerror}",
                hint="allow more: sysctl fs.inotify.max_user_instances=1024",
            ) from error
        self._counts: dict[str, int] = {}
        # The kernel makes one event of two alike in a row: the other half of a rename parts them.
        renames = syscalls.IN_MOVED_FROM | syscalls.IN_MOVED_TO
        # Where the directory is gone nothing is renamed any more.
        with contextlib.suppress(FileNotFoundError):
            syscalls.inotify_add_watch(self._fd, directory, renames | syscalls.IN_ONLYDIR)

    def fileno(self) -> int:
        return self._fd

    def count(self, name: str) -> int:
        """Return how often `name` has been replaced so far."""
        self._take_in()
        return self._counts.get(name, 0)

    def _take_in(self) -> None:
        while events := self._read():
            while events:
                _watch, mask, _cookie, size = _EVENT.unpack_from(events)
                told = os.fsdecode(events[_EVENT.size : _EVENT.size + size].rstrip(b"\0"))
                if mask & syscalls.IN_MOVED_TO:
                    self._counts[told] = self._counts.get(told, 0) + 1
                events = events[_EVENT.size + size :]

    def wait(self, seconds: float) -> None:
        """Return when something was renamed, `seconds` later at the latest."""
        waiting = select.poll()
        waiting.register(self, select.POLLIN)
        if waiting.poll(seconds * 1000):
            # Else the next wait would end at once.
            self._take_in()

    def close(self) -> None:
        os.close(self._fd)

    def _read(self) -> bytes:
        try:
            return os.read(self._fd, _QUEUE_BYTES)
        except BlockingIOError:
            return b""


class _Growing:
    """The files of one run: what is new since the last look, each time, and once only.

    Files that have been read, or that are older than what was asked for, are held open as long as
    they have a name: then none of a later file's can be taken for theirs.
    """

    def __init__(self, log: str, watch: Watch) -> None:
        self._log = log
        self._watch = watch
        self._fd = -1
        self._position = 0
        self._read: list[int] = []
        self._switches = 0
        self._after_loss = False

    def begin(self, joiner: logs.Joiner, wanted: logs.Selection) -> Iterator[logs.Line]:
        """Yield the lines that are there and wanted, and go on behind them."""
        with logs.Snapshot(self._log) as snapshot:
            self._switches = self._watch.count(os.path.basename(self._log))
            yield from joiner.selected(snapshot, wanted)
            self._position = snapshot.live_size
            self._fd, self._read = snapshot.hand_over()

    def lines(self, joiner: logs.Joiner) -> Iterator[logs.Line]:
        """Yield what is new."""
        if self._fd < 0:
            first = self._successor()
            if first is None:
                return
            self._fd = first
            yield from self._look_back(joiner, self._renamed(first))
        while True:
            # Looked at before reading: what conmon wrote before the switch is in this file.
            successor = self._successor()
            renamed = None if successor is None else self._renamed(successor)
            end = logs.complete(self._fd, os.fstat(self._fd).st_size)
            for raw in logs.raws(self._fd, self._position, end):
                for line in joiner.add(raw):
                    yield line.replace(after_loss=True) if self._after_loss else line
                    self._after_loss = False
            self._position = max(self._position, end)
            if successor is None:
                return
            self._read.append(self._fd)
            self._fd, self._position = successor, 0
            self._switches += 1
            yield from self._look_back(joiner, renamed)

    def close(self) -> None:
        for fd in (*self._read, self._fd):
            if fd >= 0:
                os.close(fd)
        self._read, self._fd = [], -1

    def _look_back(self, joiner: logs.Joiner, renamed: int | None) -> Iterator[logs.Line]:
        """Note whether files were thrown away between the last one and ours; yield what that cut.

        Where it is not known of ours how many came before it, a later file tells.
        """
        if renamed is not None and renamed > self._switches:
            self._switches = renamed
            self._after_loss = True
            yield from joiner.rest()

    def _renamed(self, opened: int) -> int | None:
        """Return how many renames have made the file `opened`; None if it is not the newest."""
        count = self._watch.count(os.path.basename(self._log))
        try:
            newest = os.path.samestat(os.stat(self._log), os.fstat(opened))
        except FileNotFoundError:
            return None
        return count if newest else None

    def _successor(self) -> int | None:
        """Open and return the file that came after ours, None while ours is the newest.

        Before the first, that is the oldest there is. Names move on while they are looked at, so
        what they stand for is opened at once, and ours is looked for again as long as it has one.
        """
        self._forget_nameless()
        later: int | None = None
        for look in range(1, _LOOKS + 1):
            before = _identities(logs.parts(self._log))
            later, met = self._search()
            gone = self._fd < 0 or not os.fstat(self._fd).st_nlink
            if met or (gone and before == _identities(logs.parts(self._log))):
                break
            if later is not None and look < _LOOKS:
                os.close(later)
        return later

    def _search(self) -> tuple[int | None, bool]:
        """Open the oldest file that has not been read; say whether one that has came before it."""
        later: int | None = None
        for name in (self._log, *reversed(logs.parts(self._log))):
            try:
                opened = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            if self._known(opened):
                os.close(opened)
                return later, True
            if later is not None:
                os.close(later)
            later = opened
        return later, False

    def _known(self, opened: int) -> bool:
        found = os.fstat(opened)
        known = (os.fstat(fd) for fd in (*self._read, self._fd) if fd >= 0)
        return any(os.path.samestat(found, one) for one in known)

    def _forget_nameless(self) -> None:
        nameless = [fd for fd in self._read if not os.fstat(fd).st_nlink]
        for fd in nameless:
            os.close(fd)
        self._read = [fd for fd in self._read if fd not in nameless]


def _identities(names: tuple[str, ...]) -> list[tuple[int, int]]:
    found = []
    for name in names:
        try:
            status = os.stat(name)
        except FileNotFoundError:
            continue
        found.append((status.st_dev, status.st_ino))
    return found
