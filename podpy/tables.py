"""Lay out tables, ages and amounts as kubectl prints them. Pure.

The gaps between columns and the words are kubectl's, so that scripts which cut its tables can cut
these.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GAP = 3
NARROWEST = 6
"""The least that a column takes, its gap included, as in kubectl's tables."""

NONE = "<none>"
UNKNOWN = "<unknown>"

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_YEAR = 365 * _DAY
_MIB = 1024 * 1024


def lines(heads: Sequence[str], rows: Sequence[Sequence[str]], *, headers: bool = True) -> str:
    """Return the table as text without a last newline."""
    shown = [heads, *rows] if headers else list(rows)
    gaps = widths(shown)
    return "\n".join(line(row, gaps) for row in shown)


def widths(rows: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Return what each column takes with its gap; rows that come later may be wider."""
    columns = len(rows[0]) if rows else 0
    return tuple(
        max(NARROWEST, GAP + max(len(row[column]) for row in rows)) for column in range(columns)
    )


def line(row: Sequence[str], gaps: Sequence[int]) -> str:
    """Return one line of a table, with no blanks at its end."""
    return "".join(cell.ljust(gap) for cell, gap in zip(row, gaps, strict=True)).rstrip()


def age(seconds: float) -> str:
    """Return a span as kubectl's AGE column writes it: 45s, 3m20s, 5h12m, 2d3h, 3y40d."""
    span = max(0, int(seconds))
    if span < 2 * _MINUTE:
        return f"{span}s"
    if span < 10 * _MINUTE:
        return _two(span, _MINUTE, "m", 1, "s")
    if span < 3 * _HOUR:
        return f"{span // _MINUTE}m"
    if span < 8 * _HOUR:
        return _two(span, _HOUR, "h", _MINUTE, "m")
    if span < 2 * _DAY:
        return f"{span // _HOUR}h"
    if span < 8 * _DAY:
        return _two(span, _DAY, "d", _HOUR, "h")
    if span < 2 * _YEAR:
        return f"{span // _DAY}d"
    if span < 8 * _YEAR:
        return _two(span, _YEAR, "y", _DAY, "d")
    return f"{span // _YEAR}y"


def _two(span: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = span % large // small
    return f"{span // large}{large_name}" + (f"{rest}{small_name}" if rest else "")


def since(then: float, now: float) -> str:
    """Return how long ago `then` was; a time that nobody wrote down is unknown."""
    return age(now - then) if then else UNKNOWN


def mebibytes(amount: int | None) -> str:
    """Return bytes as `kubectl top` writes memory."""
    return UNKNOWN if amount is None else f"{-(-amount // _MIB)}Mi"


def millicores(cores: float | None) -> str:
    """Return cores as `kubectl top` writes cpu."""
    return UNKNOWN if cores is None else f"{max(0, round(cores * 1000))}m"


def size(amount: int) -> str:
    """Return bytes in the largest binary unit that leaves a number of at least one."""
    value = float(amount)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def pairs(labels: Mapping[str, str]) -> str:
    """Return labels as KEY=VALUE,KEY=VALUE."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or NONE
