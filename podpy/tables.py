"""Print rows in columns, as kubectl does."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def lines(heads: Sequence[str], rows: Sequence[Sequence[str]], *, headers: bool = True) -> str:
    """Return the table as text without a last newline; columns are three blanks apart."""
    shown = [list(heads), *map(list, rows)] if headers else [list(row) for row in rows]
    if not shown:
        return ""
    widths = [max(len(row[column]) for row in shown) for column in range(len(heads))]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )
