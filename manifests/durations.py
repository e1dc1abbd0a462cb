"""Read spans and times as kubectl's flags take them. Pure."""

from __future__ import annotations

import re

from manifests.faults import Invalid

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration(text: str) -> float:
    """Read 90s, 5m, 1h30m as seconds."""
    if not re.fullmatch(r"(\d+(\.\d+)?(ms|[smh]))+", text):
        raise Invalid(f'"{text}" is no duration', hint="write it as 30s, 5m or 1h30m")
    found = re.findall(r"(\d+(?:\.\d+)?)(ms|[smh])", text)
    return sum(float(number) * UNITS[unit] for number, unit in found)


def seconds(text: str) -> float:
    """Read a span that may be a bare number, which is seconds, as Podman's flags are: 90, 1.5."""
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else duration(text)


def moment(text: str) -> float:
    """Read an RFC 3339 time as seconds since 1970."""
    import datetime

    try:
        read = datetime.datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise Invalid(f'"{text}" is no time', hint="write it as 2026-01-31T08:00:00Z")
    return read.timestamp()
