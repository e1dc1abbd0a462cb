"""Read containers' logs in the CRI format, from disk.

Following them is runtime.oci.following, making room runtime.oci.rotation.

    DIRECTORY/0.log        the container's first run; 1.log its first restart, and so on
    DIRECTORY/1.log.2      older parts of a run; .1 is the newest of them
    TIME STREAM P|F TEXT   one line: P is a part of a longer line, F its end

conmon writes them. At its own size limit it starts the file afresh, under a new inode, and what was
in the old one is gone.
"""

from __future__ import annotations

import os

from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BLOCK = 65536
_STRAY_PARTS = 1000
"""How far beyond a tail's first line its own earlier parts are looked for."""


class Line(Value):
    """One line as the program wrote it, without its newline; `partial` if none came (yet).

    `time` is as conmon wrote it (RFC 3339, nanoseconds, local offset), of the line's first part.
    `after_loss`: lines before it were gone before a follower could read them.
    """

    time: str
    stream: str
    text: bytes
    partial: bool = False
    after_loss: bool = False


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
    with Snapshot(log) as snapshot:
        joiner = Joiner()
        yield from late_enough(joiner.selected(snapshot, wanted), wanted.since)
        yield from late_enough(joiner.rest(), wanted.since)


def timestamp(text: str) -> float:
    """Turn a log line's time into seconds since 1970."""
    import datetime

    return datetime.datetime.fromisoformat(text).timestamp()


class Raw(Value):
    """One line of the file: a whole line of the program's, or a part of one."""

    time: str
    stream: str
    end: bool
    text: bytes


def _parse(line: bytes) -> Raw | None:
    """Read `TIME STREAM TAG TEXT`; None for what is torn (the host lost power) or foreign."""
    words = line.split(b" ", 3)
    if len(words) != 4:
        return None
    at, stream, tag, text = words
    end = not tag.startswith(b"P")
    return Raw(time=at.decode("ascii", "replace"), stream=stream.decode(), end=end, text=text)


class Joiner:
    """Put the parts of lines together, each stream for itself."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, list[bytes]]] = {}

    def add(self, raw: Raw) -> Iterator[Line]:
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

    def selected(self, snapshot: Snapshot, wanted: Selection) -> Iterator[Line]:
        if wanted.tail is None:
            for raw in snapshot.raws():
                yield from self.add(raw)
            return
        lines = [line for raw in _tail(snapshot, wanted.tail) for line in self.add(raw)]
        yield from lines[len(lines) - wanted.tail :] if wanted.tail < len(lines) else lines


class Snapshot:
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
            self._files.insert(0, (fd, complete(fd, status.st_size)))
            if name == log:
                self._live, self.live_size = self._files[0]

    def raws(self) -> Iterator[Raw]:
        for fd, size in self._files:
            yield from raws(fd, 0, size)

    def backwards(self) -> Iterator[Raw]:
        for fd, size in reversed(self._files):
            yield from _raws_backwards(fd, size)

    def hand_over(self) -> tuple[int, list[int]]:
        """Give the descriptors to the caller: the live file's, -1 without one, and the parts'."""
        live, older = self._live, [fd for fd, _size in self._files if fd != self._live]
        self._files, self._live = [], -1
        return live, older

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, _kind: object, _error: object, _trace: object) -> None:
        for fd, _size in self._files:
            os.close(fd)


def _tail(snapshot: Snapshot, lines: int) -> list[Raw]:
    """Return the raw lines that make the last `lines` lines, and perhaps a few more before them."""
    if lines <= 0:
        return []
    found: list[Raw] = []
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


def raws(fd: int, start: int, end: int) -> Iterator[Raw]:
    left = b""
    while start < end:
        block = os.pread(fd, min(_BLOCK, end - start), start)
        if not block:
            return
        start += len(block)
        *whole, left = (left + block).split(b"\n")
        yield from _parsed(whole)


def _raws_backwards(fd: int, end: int) -> Iterator[Raw]:
    left = b""
    while end > 0:
        size = min(_BLOCK, end)
        end -= size
        left, *whole = (os.pread(fd, size, end) + left).split(b"\n")
        yield from _parsed(reversed(whole))
    yield from _parsed([left])


def _parsed(lines: Iterable[bytes]) -> Iterator[Raw]:
    for line in lines:
        raw = _parse(line)
        if raw is not None:
            yield raw


def complete(fd: int, size: int) -> int:
    """Return where the last complete line of the first `size` bytes ends."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        newline = os.pread(fd, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def late_enough(lines: Iterable[Line], since: float | None) -> Iterator[Line]:
    """Leave out the lines before `since`."""
    return (line for line in lines if since is None or timestamp(line.time) >= since)


def _is_part(name: str, base: str) -> bool:
    return name.startswith(f"{base}.") and name[len(base) + 1 :].isdigit()
