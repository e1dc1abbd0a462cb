"""Rows about memory: what running pods cost the host, and what stays resident.

MemFree is what the kernel has given to nobody. It falls by all that pods take: their processes and
page tables, what the kernel keeps of namespaces, cgroups, mounts and sockets, files on tmpfs, and
the page cache of what their start has read and written. The last of these it gives back when it
needs it, so the fall is told with the page cache, and without: before and after `drop_caches`.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import engines, measure, workload
from benchmarks.measure import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.engines import Engine, Peers

HELPERS = frozenset({"conmon", "catatonit", "aardvark-dns", "dnsmasq", "podman", "podpy"})
LOOK_SECONDS = 0.25
LOOKS = 4
"""So many looks at MemFree in turn must agree."""
REST_MIB = 1.0
"""To how much."""
RESTLESS_SECONDS = 6.0
"""What has not come to rest by then is taken as it is, and the row says so."""


class Sample(NamedTuple):
    """What the pods of one play took, in MiB. `restless` is how often memory did not settle."""

    free: float
    bare: float
    helpers: float
    resident: int
    restless: int


def of_pods(peers: Peers, count: int, runs: int) -> Iterator[Row]:
    """Measure both sides in turn, `runs` times: MemFree, the helpers' PSS, resident processes."""
    files = {engine.name: workload.pods(count, engine.name) for engine in peers.all}
    samples: dict[str, list[Sample]] = {engine.name: [] for engine in peers.all}
    for engine in peers.all:  # what only its first play makes is no cost of pods
        engines.call(engine, engine.play(files[engine.name]))
        engines.call(engine, engine.down(files[engine.name]))
    for turn in range(runs):
        for engine in measure.in_turn(peers, turn):
            samples[engine.name].append(_sample(engine, files[engine.name]))
    named = (
        (f"MemFree taken by {count} pods", "free", "2x"),
        ("the same without page cache", "bare", ""),
        (f"PSS of the helpers of {count} pods", "helpers", "1.5x"),
    )
    for name, field, floor in named:
        figures = {side: [getattr(one, field) for one in taken] for side, taken in samples.items()}
        note = _note(samples, figures)
        yield measure.compare(name, figures, floor, note)._replace(unit="MiB")
    if peers.podpy:
        most = max(one.resident for one in samples["podpy"])
        yield Row("resident podpy processes", "", None, most, None, "0", runs)


def _sample(engine: Engine, file: str) -> Sample:
    """Play, measure, and take down."""
    drop_caches()
    bare_before, first = settled()
    engines.call(engine, engine.pods())  # so that its own programs are no part of the fall
    before, second = settled()
    helpers_before = helpers_pss()
    engines.call(engine, engine.play(file))
    after, third = settled()
    drop_caches()
    bare_after, fourth = settled()
    taken = Sample(
        free=before - after,
        bare=bare_before - bare_after,
        helpers=helpers_pss() - helpers_before,
        resident=residents(),
        restless=(first, second, third, fourth).count(False),
    )
    engines.call(engine, engine.down(file))
    return taken


def _note(samples: dict[str, list[Sample]], figures: dict[str, list[float]]) -> str:
    ranges = [f"{side} {min(taken):.0f}-{max(taken):.0f}" for side, taken in figures.items()]
    restless = sum(one.restless for taken in samples.values() for one in taken)
    return ", ".join([*ranges, *([f"memory not at rest {restless} times"] if restless else [])])


def settled() -> tuple[float, bool]:
    """Return MemFree in MiB once it keeps still, or after a while; and whether it did.

    The kernel frees what has ended (namespaces, cgroups, dentries) a little later.
    """
    until = time.monotonic() + RESTLESS_SECONDS
    looks: list[float] = []
    while time.monotonic() < until:
        looks = [*looks, mem_free()][-LOOKS:]
        if _agree(looks):
            return looks[-1], True
        time.sleep(LOOK_SECONDS)
    return looks[-1], False


def _agree(looks: Sequence[float]) -> bool:
    return len(looks) == LOOKS and max(looks) - min(looks) <= REST_MIB


def drop_caches() -> None:
    os.sync()
    with contextlib.suppress(OSError), open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3")


def mem_free() -> float:
    """Return MemFree in MiB."""
    with open("/proc/meminfo", encoding="ascii") as file:
        kilobytes = next(int(line.split()[1]) for line in file if line.startswith("MemFree"))
    return kilobytes / 1024


def _processes() -> Iterator[tuple[str, str]]:
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as file:
                yield pid, file.read().strip()


def helpers_pss() -> float:
    """Return the proportional share of memory of all helper processes, in MiB."""
    total = 0
    for pid, name in _processes():
        if name in HELPERS:
            with (
                contextlib.suppress(OSError, StopIteration),
                open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file,
            ):
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total / 1024


def residents() -> int:
    """Count processes that are podpy itself: a Python with podpy's command as its script."""
    found = 0
    for pid, _ in _processes():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
            found += any(word.endswith((b"/podpy", b"podpy.__main__")) for word in words[:4])
    return found
