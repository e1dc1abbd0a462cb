"""List what happened to objects, the oldest first; repeated events are counted."""

from __future__ import annotations

import json
import time

from podpy import names, status, tables
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

HEADS = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "COUNT", "MESSAGE")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", "--namespace", default="")
    parser.add_argument("--for", dest="target", default="", metavar="KIND/NAME")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    from manifests import codec
    from reconciler.state import events

    ref = names.parse([arguments.target], arguments.namespace)[0] if arguments.target else None
    found = [
        event
        for _, event in events.read(
            Context().database, ref=ref, namespace="" if ref else arguments.namespace
        )
    ]
    if arguments.output == "json":
        print(json.dumps([codec.encode(event) for event in found], indent=2))
        return 0
    now = time.time()
    rows = [
        (
            status.age(now - event.last_at),
            event.type.value,
            event.reason,
            str(event.ref),
            str(event.count),
            event.message,
        )
        for event in found
    ]
    print(tables.lines(HEADS, rows))
    return 0
