"""Tell of a kind's fields: their types, which values they take, and which of them podpy honours.

What is not honoured is refused by `apply`, and warned of by `kube play`. The types are those of
Kubernetes' own schemas; `podpy validate` tells of a manifest's values what no field tells.
"""

from __future__ import annotations

import json

from podpy import cli, field_help, names, tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any

    from podpy.field_help import Field, Place

EXAMPLES = """
podpy explain pod.spec.containers
podpy explain deploy.spec --recursive
podpy explain job -o json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("field", metavar="KIND[.FIELD...]", help="as pod.spec.volumes")
    parser.add_argument("--recursive", action="store_true", help="with all that is below")
    cli.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    word, *path = arguments.field.split(".")
    info = names.kind(word)
    place = field_help.find(info, path)
    fields = list(_listed(place, recursive=arguments.recursive))
    if arguments.output == "json":
        print(json.dumps([_wire(field) for field in fields], indent=2))
        return 0
    print(f"KIND:     {info.kind}\nVERSION:  {info.api_version}\n")
    if path:
        print(f"FIELD:    {'.'.join(path)} <{place.field.type}>{_after(place.field)}\n")
    depth = len(path) + 1
    rows = [
        (f"{'  ' * (len(field.path) - depth)}{field.path[-1]}", f"<{field.type}>", _told(field))
        for field in fields
    ]
    if rows:
        gaps = tables.widths(rows)
        print("FIELDS:")
        print("\n".join(f"  {tables.line(row, gaps)}" for row in rows))
    return 0


def _listed(place: Place, *, recursive: bool, above: tuple[Any, ...] = ()) -> Iterator[Field]:
    """Yield the fields below; a schema that holds itself is not gone through again."""
    for one in field_help.below(place):
        yield one.field
        if recursive and one.field.honoured and one.reader not in above:
            yield from _listed(one, recursive=True, above=(*above, one.reader))


def _after(field: Field) -> str:
    told = _told(field)
    return f"  {told}" if told else ""


def _told(field: Field) -> str:
    """Say what a type does not: required, the values, what podpy does not honour."""
    words = ["-required-"] if field.required else []
    if field.values:
        words.append(f"one of {', '.join(field.values)}")
    if field.note:
        words.append(field.note)
    return "; ".join(words)


def _wire(field: Field) -> dict[str, Any]:
    return {
        "path": ".".join(field.path),
        "type": field.type,
        "required": field.required,
        "values": list(field.values),
        "honoured": field.honoured,
        "note": field.note,
    }
