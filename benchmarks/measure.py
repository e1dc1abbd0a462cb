"""Time commands side by side: interleaved repetitions in, medians and pairwise ratios out."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import engines

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.engines import Engine, Peers


class Row(NamedTuple):
    """One line of the report. Times are in milliseconds, memory in MiB: see `unit`.

    `ratio` is the median of Podman's figure over podpy's, pair by pair; `floor` what it must be.
    """

    name: str
    unit: str
    podman: float | None
    podpy: float | None
    ratio: float | None
    floor: str
    runs: int
    note: str = ""


class Step(NamedTuple):
    """What is timed, and what is done untimed before and after it."""

    timed: Callable[[Engine], list[str]]
    before: Callable[[Engine], None] | None = None
    after: Callable[[Engine], None] | None = None


def command(engine: Engine, words: list[str]) -> float:
    """Run one command from start to exit; return milliseconds."""
    start = time.perf_counter()
    engines.call(engine, words)
    return (time.perf_counter() - start) * 1000


def interleaved(peers: Peers, step: Step, runs: int) -> dict[str, list[float]]:
    """Time `step` for each side in turn, `runs` times, the side that goes first alternating."""
    times: dict[str, list[float]] = {engine.name: [] for engine in peers.all}
    for turn in range(runs):
        for engine in in_turn(peers, turn):
            if step.before:
                step.before(engine)
            times[engine.name].append(command(engine, step.timed(engine)))
            if step.after:
                step.after(engine)
    return times


def in_turn(peers: Peers, turn: int) -> tuple[Engine, ...]:
    """Return both sides in the order of this turn: the one that goes first alternates."""
    return peers.all if turn % 2 == 0 else peers.all[::-1]


def compare(name: str, times: dict[str, list[float]], floor: str, note: str = "") -> Row:
    """Fold the figures of both sides, taken in pairs, into a row."""
    podman, podpy = times.get("podman", []), times.get("podpy", [])
    ratios = [theirs / ours for theirs, ours in zip(podman, podpy, strict=False)]
    return Row(
        name=name,
        unit="ms",
        podman=statistics.median(podman) if podman else None,
        podpy=statistics.median(podpy) if podpy else None,
        ratio=statistics.median(ratios) if ratios else None,
        floor=floor,
        runs=max(len(podman), len(podpy)),
        note=note,
    )
