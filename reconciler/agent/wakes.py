"""What is due, and when: names of Syncs and the word DRIFT in, the next thing to do out. Pure.

A wake is not acted on at once: what comes in bursts (an editor that saves, a pod that is made)
is one wake, when it has been quiet for a moment, but no later than a second after it began.
"""

from __future__ import annotations

from manifests.strenum import StrEnum

DRIFT = ""
"""Stands among names for what drifted on the host, which is no Sync's alone."""

QUIET_SECONDS = 0.1
LONGEST_SECONDS = 1.0


class Mended(StrEnum):
    """What a pass that mends came to.

    WELL      all is as it should be
    MOVING    something was done, and objects wait for what comes of it
    STUCK     something failed, or nothing could be done for what waits
    """

    WELL = "well"
    MOVING = "moving"
    STUCK = "stuck"

    def failures(self, before: int) -> int:
        """Return how many passes that mend count as failed in a row: the more of them, the longer
        the next one rests."""
        return {Mended.WELL: 0, Mended.MOVING: 1, Mended.STUCK: before + 1}[self]


class Wakes:
    """Deadlines by name. Times are those of one monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._begun: dict[str, float] = {}
        self._earliest: dict[str, float] = {}

    def not_before(self, name: str, when: float) -> None:
        """Let no sudden wake of `name` be acted on before `when`."""
        self._earliest[name] = when

    def at(self, name: str, when: float) -> None:
        """Make `name` due at `when`, unless it is due before."""
        self._due[name] = min(when, self._due.get(name, when))

    def soon(self, name: str, now: float) -> None:
        """Make `name` due when it has been quiet about it for a moment."""
        begun = self._begun.setdefault(name, now)
        due = max(min(now + QUIET_SECONDS, begun + LONGEST_SECONDS), self._earliest.get(name, 0.0))
        if name not in self._due or self._due[name] > due or begun < now:
            self._due[name] = due

    def forget(self, name: str) -> None:
        """Let nothing be due for `name`."""
        self._due.pop(name, None)
        self._begun.pop(name, None)

    def take(self, now: float, busy: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Return what is due at `now`, those in `busy` left for later; each once."""
        due = tuple(
            name for name, when in sorted(self._due.items()) if when <= now and name not in busy
        )
        for name in due:
            self.forget(name)
        return due

    def next(self, busy: frozenset[str] = frozenset()) -> float | None:
        """Return when something will be due that is not busy; None for never."""
        return min((when for name, when in self._due.items() if name not in busy), default=None)
