"""Read spans and sizes as Podman's flags and systemd's settings have them. Pure."""

from __future__ import annotations

import re

_UNITS = {
    "us": 1e-6,
    "ms": 1e-3,
    "": 1,
    "s": 1,
    "sec": 1,
    "second": 1,
    "seconds": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "minutes": 60,
    "h": 3600,
    "hr": 3600,
    "hour": 3600,
    "hours": 3600,
    "d": 86400,
    "day": 86400,
    "days": 86400,
    "w": 604800,
    "week": 604800,
    "weeks": 604800,
}
_SHIFTS = {"": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40}


def seconds(text: str) -> float:
    """Read 90, 1m30s or 5min 20s. Raises ValueError."""
    found = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)\s*", text)
    whole = re.fullmatch(r"(\d+(\.\d+)?\s*[a-z]*\s*)+", text)
    if not whole or any(unit not in _UNITS for _, unit in found):
        raise ValueError(f'"{text}" is no span of time, as 90s or 1m30s')
    return sum(float(number) * _UNITS[unit] for number, unit in found)


def size(text: str) -> int:
    """Read 64m, 1GB or 65536 as bytes. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?", text.strip(), re.IGNORECASE)
    if not found:
        raise ValueError(f'"{text}" is no size, as 64m or 1g')
    return int(float(found[1]) * (1 << _SHIFTS[found[2].lower()]))


def amount(bytes_: int) -> str:
    """Write bytes as a quantity of Kubernetes', as short as it is exact."""
    for shift, unit in ((30, "Gi"), (20, "Mi"), (10, "Ki")):
        if bytes_ and bytes_ % (1 << shift) == 0:
            return f"{bytes_ >> shift}{unit}"
    return str(bytes_)
