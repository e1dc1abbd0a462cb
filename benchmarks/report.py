"""Rows in, a Markdown table and JSON out."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.measure import Row

HEAD = "| what | Podman | podpy | ratio | floor | runs | |\n|---|---|---|---|---|---|---|"


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
        "kernel": platform.release(),
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
