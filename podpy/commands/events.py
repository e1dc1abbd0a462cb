"""List what happened to objects, the oldest first; repeated events are counted."""

from __future__ import annotations

import time

from podpy import cli, names, output_forms, status, tables
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any

    from reconciler.state.events import Event

EXAMPLES = """
podpy events -w
podpy events --for pod/web --types Warning
podpy events -o json
"""

HEADS = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE")
POLL_SECONDS = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-n", "--namespace", default="", help="all of them if left out")
    add("-A", "--all-namespaces", action="store_true", help="as without -n")
    add(
        "--for", dest="target", default="", metavar="KIND/NAME", help="what happened to that object"
    )
    add("--types", default="", metavar="TYPE,...", help="Normal, Warning")
    add("-w", "--watch", action="store_true", help="go on as events come")
    add("--no-headers", action="store_true", help="leave out the head of the table")
    cli.add_output(parser, "yaml")


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    found = _read(context, arguments)
    if arguments.output != "text" and not arguments.watch:
        listed = output_forms.listed([wire(event) for _, event in found], single=False)
        print(output_forms.text(listed, arguments.output), end="")
        return 0
    _show(arguments, (event for _, event in found), headers=not arguments.no_headers)
    seen = {number: event.count for number, event in found}
    while arguments.watch:
        time.sleep(POLL_SECONDS)
        fresh = [pair for pair in _read(context, arguments) if seen.get(pair[0]) != pair[1].count]
        _show(arguments, (event for _, event in fresh), headers=False)
        seen.update((number, event.count) for number, event in fresh)
    return 0


def _read(context: Context, arguments: argparse.Namespace) -> tuple[tuple[int, Event], ...]:
    from reconciler.state import events

    ref = names.parse([arguments.target], arguments.namespace)[0] if arguments.target else None
    place = "" if ref or arguments.all_namespaces else arguments.namespace
    kinds = _types(arguments.types)
    return tuple(
        pair
        for pair in events.read(context.database, ref=ref, namespace=place)
        if not kinds or pair[1].type.value.lower() in kinds
    )


def _types(text: str) -> set[str]:
    """Read --types, in any case of letters. Raises Invalid."""
    from reconciler.state.events import EventType

    known = {one.value.lower(): one.value for one in EventType}
    wanted = {word.strip().lower() for word in text.split(",") if word.strip()}
    for word in sorted(wanted - set(known)):
        from podpy import unknown

        raise unknown.choice("type of event", word, known.values())
    return wanted


def _show(arguments: argparse.Namespace, found: Iterable[Event], *, headers: bool) -> None:
    listed = list(found)
    if arguments.output != "text":
        mark = "---\n" if arguments.output == "yaml" else ""
        for event in listed:
            text = output_forms.text(wire(event), arguments.output)
            print(mark + text, end="", flush=True)
        return
    if listed or (headers and arguments.watch):
        print(tables.lines(HEADS, rows(listed, time.time()), headers=headers), flush=True)
    elif not arguments.watch:
        import sys

        print("No events found.", file=sys.stderr)


def rows(found: Iterable[Event], now: float) -> list[tuple[str, ...]]:
    """Return the events' cells, one for each of HEADS."""
    return [
        (
            tables.since(event.last_at, now),
            event.type.value,
            event.reason,
            str(event.ref),
            str(event.count),
            " ".join(event.message.split("\n")),
        )
        for event in found
    ]


def wire(event: Event) -> dict[str, Any]:
    """Return the event in Kubernetes' shape."""
    involved = {"kind": event.ref.kind, "name": event.ref.name}
    if event.ref.namespace:
        involved["namespace"] = event.ref.namespace
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "involvedObject": involved,
        "type": event.type.value,
        "reason": event.reason,
        "message": event.message,
        "count": event.count,
        "firstTimestamp": status.stamp(event.first_at),
        "lastTimestamp": status.stamp(event.last_at),
    }
