"""List what happened to objects, the oldest first; repeated events are counted."""

from __future__ import annotations

import time

from podpy import names, status, tables
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any

    from reconciler.state.events import Event

HEADS = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE")
POLL_SECONDS = 0.5


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", "--namespace", default="", help="all of them if left out")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="as without -n")
    parser.add_argument("--for", dest="target", default="", metavar="KIND/NAME")
    parser.add_argument("--types", default="", metavar="TYPE,...", help="Normal, Warning")
    parser.add_argument("-w", "--watch", action="store_true", help="go on as events come")
    parser.add_argument("--no-headers", action="store_true")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    found = _read(context, arguments)
    if arguments.output == "json" and not arguments.watch:
        _print_json({"apiVersion": "v1", "kind": "List", "items": [wire(e) for _, e in found]})
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
    kinds = {word.strip().lower() for word in arguments.types.split(",") if word.strip()}
    return tuple(
        pair
        for pair in events.read(context.database, ref=ref, namespace=place)
        if not kinds or pair[1].type.value.lower() in kinds
    )


def _show(arguments: argparse.Namespace, found: Iterable[Event], *, headers: bool) -> None:
    listed = list(found)
    if arguments.output == "json":
        for event in listed:
            _print_json(wire(event))
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


def _print_json(value: dict[str, Any]) -> None:
    import json

    print(json.dumps(value, indent=4, ensure_ascii=False), flush=True)
