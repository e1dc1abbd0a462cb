"""Lay out what `get` lists: answers in, tables and lines out."""

from __future__ import annotations

from manifests.value import Value
from podpy import columns, names, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from manifests.kinds import KindInfo
    from podpy.asking import Answer
    from podpy.inventory import Inventory, Item


class Table(Value):
    """How objects are shown: the form and detail of -o, and what tables have besides.

    `kinds`: names carry their kind, as in kubectl where there are several. `labels`: a column for
    each of these keys. `events`: what is watched comes with what has happened to it.
    """

    form: str = ""
    detail: str = ""
    everywhere: bool = False
    kinds: bool = False
    headers: bool = True
    labels: tuple[str, ...] = ()
    all_labels: bool = False
    sort_by: str = ""
    events: bool = False

    @property
    def tabular(self) -> bool:
        """Tell a table from the forms that programs read."""
        return self.form in ("", "wide", "custom-columns")


def tables_of(inventory: Inventory, answers: Sequence[Answer], table: Table) -> Iterator[str]:
    """Yield the lines of each kind's table, an empty one between two; custom columns have one."""
    if table.form == "custom-columns":
        items = [item for answer in answers for item in sorted_items(inventory, answer, table)]
        heads, rows = custom(inventory, items, table)
        if table.headers or rows:
            yield tables.lines(heads, rows, headers=table.headers)
        return
    for position, answer in enumerate(answers):
        if position:
            yield ""
        rows = [row(inventory, item, table) for item in sorted_items(inventory, answer, table)]
        yield tables.lines(heads_of(answer.info, table), rows, headers=table.headers)


def custom(
    inventory: Inventory, items: Sequence[Item], table: Table
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the heads and rows of -o custom-columns."""
    from podpy import output_forms

    heads, paths = output_forms.custom_columns(table.detail)
    return heads, [output_forms.cells(paths, one) for one in wired(inventory, items)]


def sorted_items(inventory: Inventory, answer: Answer, table: Table) -> tuple[Item, ...]:
    """Return what was found, in the order that --sort-by asks for."""
    if not table.sort_by:
        return answer.items
    from podpy import output_forms

    found = output_forms.order(table.sort_by, wired(inventory, answer.items))
    return tuple(answer.items[position] for position in found)


def heads_of(info: KindInfo, table: Table) -> tuple[str, ...]:
    front = ("NAMESPACE",) if table.everywhere and info.namespaced else ()
    behind = tuple(key.rpartition("/")[2].upper() for key in table.labels)
    last = ("LABELS",) if table.all_labels else ()
    return *front, *columns.heads(info.kind, wide=table.form == "wide"), *behind, *last


def row(inventory: Inventory, item: Item, table: Table) -> tuple[str, ...]:
    """Return one object's cells."""
    name, *rest = columns.cells(inventory, item, wide=table.form == "wide")
    info = names.kind(item.ref.kind)
    front = (item.ref.namespace,) if table.everywhere and info.namespaced else ()
    behind = tuple(item.labels.get(key, "") for key in table.labels)
    last = (tables.pairs(item.labels),) if table.all_labels else ()
    return *front, names.full(info, name) if table.kinds else name, *rest, *behind, *last


def full_name(item: Item) -> str:
    """Return what -o name prints: pod/web, deployment.apps/web."""
    return names.full(names.kind(item.ref.kind), item.ref.name)


def wired(inventory: Inventory, items: Iterable[Item]) -> list[dict[str, Any]]:
    """Return objects in Kubernetes' shape, with their status."""
    from runtime.observe import facts

    host = facts.addresses()[0]
    return [inventory.wire(item, host) for item in items]
