"""Write a number of bytes as people read it."""

from __future__ import annotations


def text(count: int) -> str:
    """Return "12 MB": powers of a thousand, as Docker and Podman count an image's size."""
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
