"""Print what of the listed objects changes, twice a second, until interrupted: `get -w`."""

from __future__ import annotations

import time

from podpy import listing, names, output_forms, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from podpy.asking import Answer
    from podpy.inventory import Inventory, Item
    from podpy.listing import Table

    Look = Callable[[], tuple[Inventory, tuple[Answer, ...]]]

POLL_SECONDS = 0.5
PASSING = ("AGE", "DURATION", "LAST SEEN")
"""Columns that change by themselves."""


class Line:
    """An object's present line; two with the same `told` are the same state of it."""

    def __init__(self, told: str, text: str, head: str) -> None:
        self.told, self.text, self.head = told, text, head


def watch(look: Look, table: Table, *, quiet: bool) -> None:
    """Print an object's line again whenever it differs from the one before.

    What `look` finds at first has been printed already, or (`quiet`) need not be. A table that
    was empty so far gets its head with its first line.
    """
    before = _lines(look, table)
    headed = bool(before) and not quiet
    while True:
        time.sleep(POLL_SECONDS)
        after = _lines(look, table)
        for key, line in after.items():
            if key in before and before[key].told == line.told:
                continue
            if line.head and not headed:
                print(line.head)
                headed = True
            print(line.text, flush=True)
        before = after


def _lines(look: Look, table: Table) -> dict[str, Line]:
    inventory, answers = look()
    found: dict[str, Line] = {}
    for answer in answers:
        if table.form in ("", "wide", "custom-columns"):
            lines = _rows(inventory, answer, table)
        else:
            lines = [_text(inventory, item, table) for item in answer.items]
        found |= {str(item.ref): line for item, line in zip(answer.items, lines, strict=True)}
    return found


def _rows(inventory: Inventory, answer: Answer, table: Table) -> list[Line]:
    if table.form == "custom-columns":
        heads, rows = listing.custom(inventory, answer.items, table)
    else:
        heads = listing.heads_of(answer.info, table)
        rows = [listing.row(inventory, item, table) for item in answer.items]
    gaps = tables.widths([heads, *rows])
    head = tables.line(heads, gaps) if table.headers else ""
    return [Line(_told(heads, row), tables.line(row, gaps), head) for row in rows]


def _told(heads: tuple[str, ...], row: tuple[str, ...]) -> str:
    """What of a row counts as a change: `3 (10s ago)` is as good as `3 (11s ago)`."""
    return "|".join(
        cell.partition(" (")[0] if head == "RESTARTS" else cell
        for head, cell in zip(heads, row, strict=True)
        if head not in PASSING
    )


def _text(inventory: Inventory, item: Item, table: Table) -> Line:
    if table.form == "name":
        heads = listing.heads_of(names.kind(item.ref.kind), table)
        told = _told(heads, listing.row(inventory, item, table))
        return Line(told, listing.full_name(item), "")
    (value,) = listing.wired(inventory, [item])
    text = output_forms.text(value, table.form, table.detail)
    front = "---\n" if table.form == "yaml" else ""
    return Line(text, front + text.rstrip("\n"), "")
