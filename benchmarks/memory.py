"""Rows about memory: what running pods cost the host, and what stays resident."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from benchmarks import engines, workload
from benchmarks.measure import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.engines import Peers

HELPERS = frozenset({"conmon", "catatonit", "aardvark-dns", "dnsmasq", "podman", "podpy"})


def of_pods(peers: Peers, count: int) -> Iterator[Row]:
    """Measure one side after the other: MemFree, the helpers' PSS, resident podpy processes.

    MemFree falls by what the pods' start has read and written, too, which the kernel gives back
    when it needs it: so it is told with the page cache, and without.
    """
    free: dict[str, float] = {}
    bare: dict[str, float] = {}
    shares: dict[str, float] = {}
    resident = 0
    for engine in peers.all:
        file = workload.pods(count, engine.name)
        drop_caches()
        engines.call(engine, engine.pods())  # so that its own programs are no part of the fall
        before, helpers_before = mem_free(), helpers_pss()
        engines.call(engine, engine.play(file))
        time.sleep(2)  # what was started settles, and the kernel frees what has ended
        free[engine.name] = before - mem_free()
        drop_caches()
        bare[engine.name] = before - mem_free()
        shares[engine.name] = helpers_pss() - helpers_before
        if engine.name == "podpy":
            resident = residents()
        engines.call(engine, engine.down(file))
    yield _row(f"MemFree taken by {count} pods", free, "2x")
    yield _row("the same without page cache", bare, "")
    yield _row(f"PSS of the helpers of {count} pods", shares, "1.5x")
    if peers.podpy:
        yield Row("resident podpy processes", "", None, resident, None, "0", 1)


def _row(name: str, figures: dict[str, float], floor: str) -> Row:
    podman, podpy = figures.get("podman"), figures.get("podpy")
    ratio = podman / podpy if podman and podpy else None
    return Row(name, "MiB", podman, podpy, ratio, floor, 1)


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
