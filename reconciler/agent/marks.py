"""Remember by which webhooks the agent was called, so that none is taken twice: also by the next.

Each is a line of a file on run_dir, which goes with a reboot, as does the clock that it is told by
(CLOCK_MONOTONIC). Only who can sign adds lines; the file is written anew when an agent starts.
"""

from __future__ import annotations

import collections
import contextlib
import os
import threading

MARKS_KEPT = 4096


class Marks:
    """Those of the file at `path`, the latest MARKS_KEPT; any thread may ask."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._marks: collections.OrderedDict[str, float] = collections.OrderedDict()
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            for line in file:
                when, _, mark = line.rstrip("\n").partition(" ")
                # A line that is not whole is that of an agent which was killed over it.
                with contextlib.suppress(ValueError):
                    self._put(mark, float(when))
        self._write([*self._marks.items()], os.O_TRUNC)

    def noted(self, mark: str, now: float, rest: float) -> float | None:
        """Remember a request; return when it came before, None where it is new.

        What comes again within `rest` seconds is remembered as of the time when it is acted on.
        """
        with self._lock:
            before = self._marks.get(mark)
            when = now if before is None else max(now, before + rest)
            self._put(mark, when)
            self._write([(mark, when)], os.O_APPEND)
            return before

    def _put(self, mark: str, when: float) -> None:
        self._marks.pop(mark, None)
        self._marks[mark] = when
        while len(self._marks) > MARKS_KEPT:
            self._marks.popitem(last=False)

    def _write(self, marks: list[tuple[str, float]], how: int) -> None:
        data = "".join(f"{when:.3f} {mark}\n" for mark, when in marks).encode()
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how
        descriptor = os.open(self._path, flags, 0o600)
        try:
            os.write(descriptor, data)
        finally:
            os.close(descriptor)
