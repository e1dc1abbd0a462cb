"""Read containers' logs in the CRI format, and follow them. Making room is runtime.oci.rotation.

    DIRECTORY/0.log        the container's first run; 1.log its first restart, and so on
    DIRECTORY/1.log.2      older parts of a run; .1 is the newest of them
    TIME STREAM P|F TEXT   one line: P is a part of a longer line, F its end

conmon writes them. At its own size limit it starts the file afresh, under a new inode.
"""

from __future__ import annotations

import os
import time

from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_BLOCK = 65536
_POLL = 0.1
"""Seconds between looks at a followed file: inotify would need one more door to the kernel."""

_STRAY_PARTS = 1000
"""How far beyond a tail's first line its own earlier parts are looked for."""


class Line(Value):
    """One line as the program wrote it, without its newline; `partial` if none came (yet).

    `time` is as conmon wrote it (RFC 3339, nanoseconds, local offset), of the line's first part.
    """

    time: str
    stream: str
    text: bytes
    partial: bool = False


class Selection(Value):
    """Which lines: the last `tail` (None: all), those at or after `since` (seconds of 1970)."""

    tail: int | None = None
    since: float | None = None


ALL = Selection()


def runs(directory: str) -> tuple[int, ...]:
    """Return the numbers of the runs that have a log in `directory`, oldest first.

    The last is the present run, the one before it what `kubectl logs --previous` shows.
    """
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return ()
    heads = {name.partition(".log")[0] for name in names if ".log" in name}
    return tuple(sorted(int(head) for head in heads if head.isdigit()))


def path(directory: str, run: int) -> str:
    """Return the log file of a run."""
    return f"{directory}/{run}.log"


def parts(log: str) -> tuple[str, ...]:
    """Return the rotated parts of `log`, oldest first."""
    directory, base = os.path.split(log)
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return ()
    numbers = sorted(
        (int(name.removeprefix(f"{base}.")) for name in names if _is_part(name, base)),
        reverse=True,
    )
    return tuple(f"{log}.{number}" for number in numbers)


def read(log: str, wanted: Selection = ALL) -> Iterator[Line]:
    """Return the lines of one run, its rotated parts included, oldest first."""
    with _Snapshot(log) as snapshot:
        joiner = _Joiner()
        for line in (*joiner.selected(snapshot, wanted), *joiner.rest()):
            if _late_enough(line, wanted.since):
                yield line


def follow(
    directory: str,
    run: int,
    wanted: Selection = ALL,
    *,
    alive: Callable[[], bool],
    poll: float = _POLL,
) -> Iterator[Line]:
    """Yield the lines of `run` and of the runs after it as they come, until `alive` is False.

    Goes on through rotation, conmon's fresh starts and restarts of the container. `alive` says
    whether more can come (the container runs or will be restarted); once it does not, what is
    there is read to the end.
    """
    with _Snapshot(path(directory, run)) as snapshot:
        joiner = _Joiner()
        yield from _since(joiner.selected(snapshot, wanted), wanted.since)
        growing = _Growing(path(directory, run), snapshot.give_live(), snapshot.live_size)
    try:
        while True:
            more = alive()
            later = [number for number in runs(directory) if number > run]
            for raw in growing.raws():
                yield from _since(joiner.add(raw), wanted.since)
            if later:
                yield from _since(joiner.rest(), wanted.since)
                run = later[0]
                growing.close()
                growing = _Growing(path(directory, run))
            elif not more:
                yield from _since(joiner.rest(), wanted.since)
                return
            else:
                time.sleep(poll)
    finally:
        growing.close()


def timestamp(text: str) -> float:
    """Turn a log line's time into seconds since 1970."""
    import datetime

    return datetime.datetime.fromisoformat(text).timestamp()


class _Raw(Value):
    """One line of the file: a whole line of the program's, or a part."""

    time: str
    stream: str
    end: bool
    text: bytes


def _parse(line: bytes) -> _Raw | None:
    """Read `TIME STREAM TAG TEXT`; None for what is torn (the host lost power) or foreign."""
    words = line.split(b" ", 3)
    if len(words) != 4:
        return None
    at, stream, tag, text = words
    end = not tag.startswith(b"P")
    return _Raw(time=at.decode("ascii", "replace"), stream=stream.decode(), end=end, text=text)


class _Joiner:
    """Put the parts of lines together, each stream for itself."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, list[bytes]]] = {}

    def add(self, raw: _Raw) -> Iterator[Line]:
        started, texts = self._open.pop(raw.stream, (raw.time, []))
        texts.append(raw.text)
        if raw.end:
            yield Line(time=started, stream=raw.stream, text=b"".join(texts))
        else:
            self._open[raw.stream] = (started, texts)

    def rest(self) -> Iterator[Line]:
        for stream, (started, texts) in self._open.items():
            yield Line(time=started, stream=stream, text=b"".join(texts), partial=True)
        self._open.clear()

    def selected(self, snapshot: _Snapshot, wanted: Selection) -> Iterator[Line]:
        if wanted.tail is None:
            for raw in snapshot.raws():
                yield from self.add(raw)
            return
        lines = [line for raw in _tail(snapshot, wanted.tail) for line in self.add(raw)]
        yield from lines[len(lines) - wanted.tail :] if wanted.tail < len(lines) else lines


class _Snapshot:
    """The files of a run as they are at one instant, held open: renames do no harm any more."""

    def __init__(self, log: str) -> None:
        self._files: list[tuple[int, int]] = []
        self._live = -1
        self.live_size = 0
        known: set[tuple[int, int]] = set()
        # The live file first: should it be rotated now, it is met again as a part, and left out.
        for name in (log, *reversed(parts(log))):
            try:
                fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            status = os.fstat(fd)
            if (status.st_dev, status.st_ino) in known:
                os.close(fd)
                continue
            known.add((status.st_dev, status.st_ino))
            self._files.insert(0, (fd, _whole(fd, status.st_size)))
            if name == log:
                self._live, self.live_size = self._files[0]

    def raws(self) -> Iterator[_Raw]:
        for fd, size in self._files:
            yield from _raws(fd, 0, size)

    def backwards(self) -> Iterator[_Raw]:
        for fd, size in reversed(self._files):
            yield from _raws_backwards(fd, size)

    def give_live(self) -> int:
        """Hand over the descriptor of the live file, -1 when there is none yet."""
        fd, self._live = self._live, -1
        self._files = [pair for pair in self._files if pair[0] != fd]
        return fd

    def __enter__(self) -> _Snapshot:
        return self

    def __exit__(self, _kind: object, _error: object, _trace: object) -> None:
        for fd, _size in self._files:
            os.close(fd)


class _Growing:
    """A log that grows and is rotated: what is new since the last look, each time."""

    def __init__(self, log: str, fd: int = -1, position: int = 0) -> None:
        self._log = log
        self._fd = fd
        self._position = position

    def raws(self) -> Iterator[_Raw]:
        if self._fd < 0 and not self._open(self._log):
            return
        while True:
            # Looked at before reading: what conmon wrote before the switch is in this file.
            successor = self._successor()
            end = _whole(self._fd, os.fstat(self._fd).st_size)
            yield from _raws(self._fd, self._position, end)
            self._position = max(self._position, end)
            if successor is None:
                return
            self.close()
            self._fd, self._position = successor, 0

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self, name: str) -> bool:
        try:
            fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        self.close()
        self._fd, self._position = fd, 0
        return True

    def _successor(self) -> int | None:
        """Open and return the file that came after ours, None while ours is the newest.

        Names move on while they are looked at, so what they stand for is opened at once; as long
        as ours has a name, it is looked for again.
        """
        while True:
            mine = os.fstat(self._fd)
            later: int | None = None
            for name in (self._log, *reversed(parts(self._log))):
                try:
                    opened = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
                except FileNotFoundError:
                    continue
                if os.path.samestat(os.fstat(opened), mine):
                    os.close(opened)
                    return later
                if later is not None:
                    os.close(later)
                later = opened
            if later is not None and not mine.st_nlink:
                # Ours is gone (conmon started afresh, or it was one too many): go on with the
                # oldest that is left.
                return later
            if later is None:
                return None
            os.close(later)


def _tail(snapshot: _Snapshot, lines: int) -> list[_Raw]:
    """Return the raw lines that make the last `lines` lines, and perhaps a few more before them."""
    if lines <= 0:
        return []
    found: list[_Raw] = []
    ends = strays = 0
    begun: set[str] = set()
    for raw in snapshot.backwards():
        ends += raw.end
        if ends > lines:
            # Parts of the wanted lines may stand before the end of another stream's line.
            strays += 1
            begun -= {raw.stream} if raw.end else set()
            if not begun or strays > _STRAY_PARTS:
                break
        elif raw.end:
            begun.add(raw.stream)
        found.append(raw)
    return found[::-1]


def _raws(fd: int, start: int, end: int) -> Iterator[_Raw]:
    left = b""
    while start < end:
        block = os.pread(fd, min(_BLOCK, end - start), start)
        if not block:
            return
        start += len(block)
        *whole, left = (left + block).split(b"\n")
        yield from _parsed(whole)


def _raws_backwards(fd: int, end: int) -> Iterator[_Raw]:
    left = b""
    while end > 0:
        size = min(_BLOCK, end)
        end -= size
        left, *whole = (os.pread(fd, size, end) + left).split(b"\n")
        yield from _parsed(reversed(whole))
    yield from _parsed([left])


def _parsed(lines: Iterable[bytes]) -> Iterator[_Raw]:
    for line in lines:
        raw = _parse(line)
        if raw is not None:
            yield raw


def _whole(fd: int, size: int) -> int:
    """Return where the last complete line of the first `size` bytes ends."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        newline = os.pread(fd, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _since(lines: Iterable[Line], since: float | None) -> Iterator[Line]:
    return (line for line in lines if _late_enough(line, since))


def _late_enough(line: Line, since: float | None) -> bool:
    return since is None or timestamp(line.time) >= since


def _is_part(name: str, base: str) -> bool:
    return name.startswith(f"{base}.") and name[len(base) + 1 :].isdigit()
