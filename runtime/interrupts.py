"""Notice SIGINT and SIGTERM, so that work ends where it can be taken back or taken up again.

    noticed        for a block: the first signal is noted, a second one ends the process at once
    check          raises Interrupted when one was noted: for whoever waits, or starts something
    sleep          sleeps, and checks
    undisturbed    for a block: `check` lets everything pass, because something is taken back

The state is the process's, as signals are. Python runs a handler in the main thread, and that one
may sleep in a lock which the signal did not wake (it came to another thread, or just before the
sleep). So `check` also reads the pipe that the interpreter writes to at the signal itself: a thread
that works hears what the main thread has not.
"""

from __future__ import annotations

import contextlib
import os

from manifests.faults import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

CHECK_SECONDS = 0.2
"""How long a wait may be deaf."""

_WORDS = b"Interrupted: ending what is under way; once more ends podpy at once.\n"

_noted: list[int] = []
_pipes: list[int] = []
_undisturbed: list[bool] = []


class Interrupted(Fault):
    """A signal asked podpy to end."""


def noted() -> int:
    """Return the number of the signal that was noted, 0 if none was."""
    for pipe in () if _noted else _pipes[-1:]:
        with contextlib.suppress(BlockingIOError):
            _noted.extend(one for one in os.read(pipe, 64) if one in _wanted())
    return _noted[0] if _noted else 0


def _wanted() -> tuple[int, int]:
    from runtime.kernel import signals

    return signals.SIGINT, signals.SIGTERM


def check(about: str = "") -> None:
    """Raise Interrupted, naming what is not done for it, if a signal was noted."""
    if not _undisturbed and (number := noted()):
        import signal

        what = f"{about}: " if about else ""
        raise Interrupted(f"{what}interrupted by {signal.Signals(number).name}")


def sleep(seconds: float, about: str = "") -> None:
    """Sleep; raises Interrupted, naming `about`, soon after a signal was noted."""
    import time

    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        check(about)
        time.sleep(min(left, CHECK_SECONDS))
    check(about)


@contextlib.contextmanager
def noticed() -> Iterator[None]:
    """Note signals in the block instead of dying of them; in the main thread only."""
    import threading

    from runtime.kernel import signals

    if threading.current_thread() is not threading.main_thread():
        yield
        return

    handled: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if handled:
            signals.signal(number, signals.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        handled.append(number)
        if not _noted:
            _noted.append(number)
        with contextlib.suppress(OSError):
            os.write(2, _WORDS)

    # What is ignored (nohup, a shell's background job) stays so.
    before = {one: signals.getsignal(one) for one in _wanted()}
    for number, handler in before.items():
        if handler != signals.SIG_IGN:
            signals.signal(number, note)
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    wakeup = signals.set_wakeup_fd(writing, warn_on_full_buffer=False)
    _pipes.append(reading)
    try:
        yield
    finally:
        signals.set_wakeup_fd(wakeup)
        _pipes.remove(reading)
        os.close(reading)
        os.close(writing)
        for number, handler in before.items():
            signals.signal(number, handler)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let work go on in the block whatever was noted: it puts things right again."""
    _undisturbed.append(True)
    try:
        yield
    finally:
        _undisturbed.pop()
