"""Print what of the listed objects changes, twice a second, until interrupted: `get -w`."""

from __future__ import annotations

import functools
import time

from podpy import listing, names, output_forms, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from podpy.asking import Answer
    from podpy.inventory import Inventory, Item
    from podpy.listing import Table

    Seen = tuple[Inventory, tuple[Answer, ...]]

POLL_SECONDS = 0.5
PASSING = ("AGE", "DURATION", "LAST SEEN")
"""Columns that change by themselves."""

ADDED, MODIFIED, DELETED = "ADDED", "MODIFIED", "DELETED"
EVENT_WIDTH = len(MODIFIED) + tables.GAP


class Line:
    """An object's present line, of `event` if that is shown; the same `told` is the same state."""

    def __init__(self, told: str, text: Callable[[str], str], head: str) -> None:
        self.told, self.text, self.head = told, text, head


def watch(look: Callable[[], Seen], first: Seen, table: Table, *, printed: bool) -> None:
    """Print an object's line again whenever it differs from the one before, and when it goes.

    `printed`: what was there at `first` stands above already, with its head.
    """
    before = _lines(first, table)
    headed = printed and bool(before)
    while True:
        time.sleep(POLL_SECONDS)
        after = _lines(look(), table)
        for event, line in _changes(before, after):
            if line.head and not headed:
                print(line.head)
                headed = True
            print(line.text(event), flush=True)
        before = after


def show(seen: Seen, table: Table) -> None:
    """Print what is there at first one by one, as the changes that follow."""
    for position, line in enumerate(_lines(seen, table).values()):
        if line.head and not position:
            print(line.head)
        print(line.text(ADDED), flush=True)


def _changes(before: dict[str, Line], after: dict[str, Line]) -> Iterator[tuple[str, Line]]:
    yield from ((DELETED, line) for key, line in before.items() if key not in after)
    for key, line in after.items():
        if key not in before:
            yield ADDED, line
        elif before[key].told != line.told:
            yield MODIFIED, line


def _lines(seen: Seen, table: Table) -> dict[str, Line]:
    """Return the line of each object; one that was made anew under its name is another."""
    inventory, answers = seen
    found: dict[str, Line] = {}
    for answer in answers:
        if table.tabular:
            lines = _rows(inventory, answer, table)
        else:
            lines = [_text(inventory, item, table) for item in answer.items]
        found |= {
            f"{item.ref} {_uid(item)}": line for item, line in zip(answer.items, lines, strict=True)
        }
    return found


def _uid(item: Item) -> str:
    if item.state is not None:
        return item.state.uid
    return item.applied.uid if item.applied is not None else ""


def _rows(inventory: Inventory, answer: Answer, table: Table) -> list[Line]:
    if table.form == "custom-columns":
        heads, rows = listing.custom(inventory, answer.items, table)
    else:
        heads = listing.heads_of(answer.info, table)
        rows = [listing.row(inventory, item, table) for item in answer.items]
    gaps = tables.widths([heads, *rows])

    def laid_out(row: tuple[str, ...], event: str) -> str:
        return (event.ljust(EVENT_WIDTH) if table.events else "") + tables.line(row, gaps)

    head = laid_out(heads, "EVENT") if table.headers else ""
    return [Line(_told(heads, row), functools.partial(laid_out, row), head) for row in rows]


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
        return Line(told, lambda _event: listing.full_name(item), "")
    (value,) = listing.wired(inventory, [item])

    def told_as(event: str) -> str:
        shown = {"type": event, "object": value} if table.events else value
        text = output_forms.text(shown, table.form, table.detail)
        return ("---\n" if table.form == "yaml" else "") + text.rstrip("\n")

    return Line(output_forms.text(value, "json"), told_as, "")
