"""Tell all about objects: podpy describe KIND [NAME ...], as kubectl does; events at the end."""

from __future__ import annotations

from manifests.faults import Invalid
from podpy import descriptions, outline, tables
from podpy.commands import events as events_command
from podpy.commands import get
from podpy.context import Context
from podpy.inventory import Inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from podpy.inventory import Item

EVENT_HEADS = ("LAST SEEN", "TYPE", "REASON", "COUNT", "MESSAGE")


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("words", nargs="+", metavar="KIND [NAME ...]", help="pod web, or pod/web")
    add("-n", "--namespace", default="default")
    add("-A", "--all-namespaces", action="store_true")
    add("-l", "--selector", default="", metavar="KEY=VALUE,...")


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    inventory = Inventory(context)
    answers = get.ask(inventory, get.questions_of(arguments.words), arguments)
    items = [item for answer in answers for item in answer.items]
    for position, item in enumerate(items):
        if position:
            print("\n")
        print(outline.text(descriptions.described(inventory, _with_drift(context, item))))
        _events(context, inventory, item)
    missing = [f"{answer.info.names[1]} {name}" for answer in answers for name in answer.missing]
    if missing:
        raise Invalid(f"not found: {', '.join(missing)}", hint=f"podpy get {arguments.words[0]} -A")
    if not items:
        raise Invalid("nothing of that kind is there", hint=f"podpy get {arguments.words[0]} -A")
    return 0


def _with_drift(context: Context, item: Item) -> Item:
    """The item with what of its pod is broken, which only a look at the whole host tells."""
    if item.state is None:
        return item
    from reconciler.targets.host import observing

    states = observing.observe(context.base).pods
    return item.replace(
        state=next((state for state in states if state.uid == item.state.uid), item.state)
    )


def _events(context: Context, inventory: Inventory, item: Item) -> None:
    from reconciler.state import events

    found = [event for _, event in events.read(context.database, ref=item.ref)]
    if not found:
        print("Events:  <none>")
        return
    rows = [
        (seen, kind, reason, count, message)
        for seen, kind, reason, _object, count, message in events_command.rows(found, inventory.now)
    ]
    print("Events:")
    for line in tables.lines(EVENT_HEADS, rows).split("\n"):
        print(f"  {line}")
