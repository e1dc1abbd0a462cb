"""Show what pulls are doing: one line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import threading

from podpy import sizes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.image.meter import Progress

UNCHANGED, READY, FOREIGN, FAILED = "up to date", "ready", "foreign", "failed"
KEPT = "cannot be pulled; the image at hand is used"
"""Values of runtime.image.meter.Stage, which is imported only where something is pulled."""


def reporter(*, quiet: bool = False) -> Callable[[Progress], None]:
    """Return what a pull tells its progress to; it writes to standard error."""
    if quiet:
        return lambda _progress: None
    return _Terminal().show if sys.stderr.isatty() else _Lines().show


def ended(progress: Progress) -> str:
    """The line on a stage that is over, or on something to know; "" for work under way."""
    image = f"image {progress.image}"
    if progress.stage == FOREIGN:
        return f"{image}: warning: it {progress.note}"
    if progress.stage == UNCHANGED:
        return f"{image}: is up to date"
    if progress.stage == KEPT:
        return f"{image}: {progress.stage}"
    if progress.stage != READY:
        return ""
    come = f", {sizes.text(progress.done)}" if progress.done else ""
    return f"{image}: ready{come} in {progress.seconds:.1f} s"


def under_way(progress: Progress) -> str:
    """How far the work is, in few words."""
    if not progress.total:
        return f"{progress.image}: {progress.stage}"
    done, total = sizes.text(progress.done), sizes.text(progress.total)
    return f"{progress.image}: {done} of {total} ({100 * progress.done // progress.total} %)"


class _Lines:
    """A line at the beginning and one at the end."""

    def __init__(self) -> None:
        self._begun: set[str] = set()

    def show(self, progress: Progress) -> None:
        line = ended(progress)
        if not line:
            if progress.image in self._begun or progress.stage == FAILED:
                return
            self._begun.add(progress.image)
            total = f", {sizes.text(progress.total)}" if progress.total else ""
            line = f"image {progress.image}: {progress.stage}{total}"
        print(line, file=sys.stderr, flush=True)


class _Terminal:
    """One line for all pulls that are under way; what has ended stays above it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pulls: dict[str, str] = {}

    def show(self, progress: Progress) -> None:
        line = ended(progress)
        with self._lock:
            if progress.stage in (READY, UNCHANGED, FAILED):
                self._pulls.pop(progress.image, None)
            elif not line:
                self._pulls[progress.image] = under_way(progress)
            kept = f"{line}\n" if line else ""
            now = "  ".join(self._pulls.values())[: _columns() - 1]
            sys.stderr.write(f"\r\033[K{kept}{now}")
            sys.stderr.flush()


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80
