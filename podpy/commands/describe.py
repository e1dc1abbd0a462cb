"""Tell all about objects: podpy describe KIND [NAME ...], as kubectl does; events at the end."""

from __future__ import annotations

import sys

from manifests.faults import Invalid
from podpy import asking, descriptions, outline, tables
from podpy.commands import events as events_command
from podpy.context import Context
from podpy.inventory import Inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from podpy.inventory import Item

EXAMPLES = """
podpy describe pod web
podpy describe deploy/web job/load
podpy describe pods -l app=web --show-events=false
"""

EVENT_HEADS = ("LAST SEEN", "TYPE", "REASON", "COUNT", "MESSAGE")


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("words", nargs="*", metavar="KIND [NAME ...]", help="pod web, or pod/web")
    add("-f", "--filename", action="append", default=[], metavar="PATH", help="what it names")
    asking.add_filter_options(parser)
    add(
        "--show-events",
        choices=("true", "false"),
        default="true",
        help="end with what happened to the object",
    )


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    inventory = Inventory(context)
    if arguments.filename:
        questions = asking.questions_of_files(arguments.filename, arguments.namespace)
    else:
        questions = asking.questions_of(arguments.words)
    wanted = asking.filter_of(arguments)
    answers = asking.ask(inventory, questions, wanted)
    items = [item for answer in answers for item in answer.items]
    for position, item in enumerate(items):
        if position:
            print("\n")
        print(outline.text(descriptions.described(inventory, _with_drift(context, item))))
        if arguments.show_events == "true":
            _events(context, inventory, item)
    missing = asking.missing(answers)
    if missing:
        raise Invalid(f"not found: {', '.join(missing)}", hint="podpy get all -A")
    if not items:
        place = "" if wanted.everywhere else f" in {wanted.namespace} namespace"
        print(f"No resources found{place}.", file=sys.stderr)
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
