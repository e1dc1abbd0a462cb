"""The rows about reading and rendering manifests: a thousand documents, first and unchanged."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from benchmarks import measure, workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.engines import Podpy
    from benchmarks.measure import Row

COUNT = 1000


def read(podpy: Podpy, runs: int) -> Iterator[Row]:
    """Time `podpy validate` of one file, with its cache removed before and then kept."""
    words = [podpy.version()[0], "validate", workload.documents(COUNT)]
    cold, warm = [], []
    for _ in range(runs):
        root = podpy.environment()["PODPY_ROOT"]
        shutil.rmtree(f"{root}/lib/cache", ignore_errors=True)
        cold.append(measure.command(podpy, words))
        warm.append(measure.command(podpy, words))
    for name, times, floor in (("cold", cold, "1500 ms"), ("unchanged", warm, "50 ms")):
        row = measure.compare(f"validate {COUNT} documents, {name}", {"podpy": times}, floor)
        yield row._replace(note=f"best {min(times):.0f}, worst {max(times):.0f}")


def rendered(podpy: Podpy, runs: int) -> Iterator[Row]:
    """Time `podpy render quadlet` of the same documents: reading, rendering and writing.

    Each run into a directory of its own, removed at the end: ext4 takes no inode that was freed in
    the last minute, and to pass over four thousand of them makes each file cost a millisecond.
    """
    program, path = podpy.version()[0], workload.documents(COUNT)
    root = podpy.environment()["PODPY_ROOT"]
    times = []
    for run in range(runs):
        shutil.rmtree(f"{root}/lib/cache", ignore_errors=True)
        words = [program, "render", "quadlet", "-f", path, "-o", f"{root}/units/{run}"]
        times.append(measure.command(podpy, words))
    shutil.rmtree(f"{root}/units", ignore_errors=True)
    row = measure.compare(f"render {COUNT} documents as Quadlet", {"podpy": times}, "1500 ms")
    yield row._replace(note=f"best {min(times):.0f}, worst {max(times):.0f}")
