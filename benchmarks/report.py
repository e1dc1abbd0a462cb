"""Rows in, a Markdown table and JSON out."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from typing import TYPE_CHECKING

from benchmarks.measure import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD = "| what | Podman | podpy | ratio | floor | runs | |\n|---|---|---|---|---|---|---|"


PAGE = """\
# podpy beside Podman

`make bench` on a machine that did nothing else: {machine}. Written by
`python -m benchmarks.run --table benchmarks/RESULTS.md`.

{table}

- Both sides run the same pods of two containers, on the same crun and conmon, in turn. Figures are
  medians, the ratio is the median of Podman's figure over podpy's, run by run; the floor is what
  podpy holds itself to.
- A time is that of the whole command, from its start to its end.
- A pull of podpy waits for the disk, so that an image that is there outlives a power cut.
- MemFree taken: processes and page tables, what the kernel keeps of namespaces, cgroups, mounts and
  sockets, files on tmpfs, and the page cache of what was read and written meanwhile. The row below
  it is the same after `drop_caches` on both ends.
- PSS: conmon, and catatonit, aardvark-dns (Podman) or dnsmasq (podpy); each page shared by several
  processes counts once in all.
"""


def line(row: Row) -> str:
    """Return one row of the table."""
    ratio = f"**{row.ratio:.1f}x**" if row.ratio is not None else "-"
    cells = (row.name, _figure(row.podman, row.unit), _figure(row.podpy, row.unit), ratio)
    return f"| {' | '.join(cells)} | {row.floor} | {row.runs} | {row.note} |"


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    digits = 1 if value < 100 and unit else 0
    return f"{value:.{digits}f} {unit}".strip()


def machine() -> dict[str, str]:
    """Return what the figures were taken on."""
    return {
        "kernel": platform.release().partition("-")[0],
        "cpus": str(os.cpu_count()),
        "python": platform.python_version(),
        **{tool: _version(tool) for tool in ("podman", "crun", "conmon")},
    }


def _version(tool: str) -> str:
    done = subprocess.run(
        [tool, "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout.splitlines()[0].split()[-1] if done.stdout else ""


def as_json(rows: Sequence[Row]) -> str:
    """Return all rows and the machine as one JSON document."""
    return json.dumps(
        {"machine": machine(), "rows": [row._asdict() for row in rows]}, indent=1, sort_keys=True
    )


def as_markdown(result: str) -> str:
    """Return what `as_json` gave as a page of Markdown."""
    found = json.loads(result)
    lines = [line(Row(**row)) for row in found["rows"]]
    about = ", ".join(f"{name} {value}" for name, value in found["machine"].items() if value)
    return PAGE.format(machine=about, table="\n".join([HEAD, *lines]))
