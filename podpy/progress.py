"""Show what long work is doing: one line that changes on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.image.pull import Stage


def reporter(*, quiet: bool = False) -> Callable[[Stage, str], None]:
    """Return what a pull tells its progress to; it writes to standard error."""
    if quiet:
        return lambda _stage, _what: None
    if sys.stderr.isatty():
        return _on_terminal
    return lambda stage, what: print(f"image {what}: {stage}", file=sys.stderr, flush=True)


def _on_terminal(stage: Stage, what: str) -> None:
    end = "" if stage in ("fetching", "unpacking") else "\n"
    print(f"\r\033[Kimage {what}: {stage}", end=end, file=sys.stderr, flush=True)
