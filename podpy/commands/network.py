"""Make, list, inspect and remove podpy's networks: network create, ls, inspect, rm, prune."""

from __future__ import annotations

import json

from manifests.faults import Invalid
from podpy import cli, columns, names, tables
from podpy.context import Context
from podpy.inventory import Inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any

    from manifests.kinds import Object
    from podpy.inventory import Item

KIND = "Network"

EXAMPLES = """
podpy network create backroom --subnet 10.77.0.0/24 --internal
podpy network ls
podpy network inspect default -o json
podpy network prune
"""


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = cli.verb(verbs, "create", "make a network, as a manifest of the kind Network does")
    making.add_argument("name", metavar="NAME")
    making.add_argument("-d", "--driver", choices=("bridge",), default="bridge", help="the kind")
    making.add_argument("--subnet", default="", help="as 10.77.0.0/24; left out, a free one")
    making.add_argument("--gateway", default="", help="left out, the subnet's first address")
    making.add_argument("--internal", action="store_true", help="no way out")
    making.add_argument("--mtu", type=int, default=0, help="left out, that of the default route")
    making.add_argument("--ignore", action="store_true", help="there already is success")
    listing = cli.verb(verbs, "ls", "list networks")
    listing.add_argument("-q", "--quiet", action="store_true", help="names only")
    listing.add_argument("--no-headers", action="store_true", help="leave out the head")
    telling = cli.verb(verbs, "inspect", "tell all about networks")
    telling.add_argument("names", nargs="+", metavar="NAME")
    removing = cli.verb(verbs, "rm", "remove networks that no pod uses")
    removing.add_argument("names", nargs="+", metavar="NAME")
    pruning = cli.verb(verbs, "prune", "remove all networks that no pod uses")
    pruning.add_argument("-f", "--force", action="store_true", help="as always: nobody is asked")
    for verb in (making, listing, telling, removing, pruning):
        cli.add_output(verb)


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    inventory = Inventory(context)
    items = {item.ref.name: item for item in inventory.items(names.kind(KIND))}
    match arguments.verb:
        case "create":
            _create(context, inventory, items, arguments)
        case "ls":
            _list(inventory, items.values(), arguments)
        case "inspect":
            _inspect(inventory, [_known(items, name) for name in arguments.names], arguments)
        case "rm":
            chosen = [_known(items, name) for name in arguments.names]
            for item in chosen:
                _refuse_used(inventory, item)
            _remove(context, chosen, arguments)
        case _:
            unused = [item for item in items.values() if not users(inventory, item.ref.name)]
            _remove(context, unused, arguments)
    return 0


def _create(
    context: Context, inventory: Inventory, items: dict[str, Item], arguments: argparse.Namespace
) -> None:
    """Apply a Network of these settings. It is no source's, so no pass prunes it.

    One that is on record alone, as its making was killed or the host has been down, is made.
    """
    name = arguments.name
    known = items.get(name)
    wanted = _declared(arguments) if known is None or not arguments.ignore else known.thing
    made = name in inventory.networks
    if known is not None and not arguments.ignore and (made or known.thing != wanted):
        raise Invalid(f'there is a network "{name}" already', hint="podpy network inspect " + name)
    if not made:
        _make(context, wanted, is_new=known is None)
    print(json.dumps({"name": name}) if arguments.output == "json" else name)


def _declared(arguments: argparse.Namespace) -> Object:
    """Return the Network that the flags say. Raises Invalid."""
    from manifests import kinds
    from manifests.checks import objects
    from manifests.problems import path_text

    given = ("driver", "subnet", "gateway", "internal", "mtu")
    spec = {field: value for field in given if (value := getattr(arguments, field))}
    metadata = {"name": arguments.name}
    wanted = kinds.load(
        {"apiVersion": "podpy.dev/v1", "kind": KIND, "metadata": metadata, "spec": spec}
    )
    flaws = objects.check(wanted)
    if flaws:
        said = "; ".join(f"{path_text(flaw.path)}: {flaw.message}" for flaw in flaws)
        raise Invalid(f"Network/{arguments.name}: {said}")
    return wanted


def _make(context: Context, wanted: Object, *, is_new: bool) -> None:
    """Make it on this host; a new one that cannot be made is forgotten."""
    from manifests import kinds
    from manifests.load import spec_digest
    from reconciler import cycle, removing
    from reconciler.plan.wish import Wished

    report = cycle.converge(context.host, [Wished.of(wanted, spec_digest(wanted))])
    faults = [outcome.fault for outcome in report.failed if outcome.fault is not None]
    if faults:
        if is_new:
            removing.remove(context.host, {kinds.ref(wanted): wanted})
        raise faults[0]


def users(inventory: Inventory, name: str) -> list[str]:
    """Return the pods made for a network, as NAMESPACE/NAME: ended ones too."""
    return [
        f"{state.pod.metadata.namespace}/{state.pod.metadata.name}"
        for state in inventory.pods
        if state.record.network == name
    ]


def _known(items: dict[str, Item], name: str) -> Item:
    if name not in items:
        raise Invalid(f'there is no network "{name}"', hint="podpy network ls")
    return items[name]


def _refuse_used(inventory: Inventory, item: Item) -> None:
    found = users(inventory, item.ref.name)
    if found:
        raise Invalid(f"{item.ref}: in use by {', '.join(found)}", hint="delete these pods first")


def _list(inventory: Inventory, items: Iterable[Item], arguments: argparse.Namespace) -> None:
    listed = list(items)
    if arguments.output == "json":
        print(json.dumps([_wire(inventory, item) for item in listed], indent=2))
    elif arguments.quiet:
        print("".join(f"{item.ref.name}\n" for item in listed), end="")
    else:
        rows = [columns.cells(inventory, item, wide=False) for item in listed]
        heads = columns.heads(KIND, wide=False)
        print(tables.lines(heads, rows, headers=not arguments.no_headers))


def _inspect(inventory: Inventory, items: list[Item], arguments: argparse.Namespace) -> None:
    if arguments.output == "json":
        print(json.dumps([_wire(inventory, item) for item in items], indent=2))
        return
    from podpy import descriptions, outline

    print("\n\n".join(outline.text(descriptions.described(inventory, item)) for item in items))


def _wire(inventory: Inventory, item: Item) -> dict[str, Any]:
    name = item.ref.name
    bridge = inventory.networks.get(name)
    told = inventory.wire(item, "")
    return {
        "name": name,
        "driver": told.get("spec", {}).get("driver", "bridge"),
        "subnet": bridge.subnet if bridge else "",
        "gateway": bridge.gateway if bridge else "",
        "mtu": bridge.mtu if bridge else 0,
        "internal": bridge.internal if bridge else False,
        "link": bridge.link if bridge else "",
        "pods": [
            {
                "namespace": state.pod.metadata.namespace,
                "name": state.pod.metadata.name,
                "address": state.record.address,
            }
            for state in inventory.on_network(name)
        ],
    }


def _remove(context: Context, items: list[Item], arguments: argparse.Namespace) -> None:
    from reconciler import removing

    report = removing.remove(context.host, {item.ref: item.thing for item in items})
    faults = [str(outcome.fault) for outcome in report.failed]
    gone = [outcome.change.ref.name for outcome in report.outcomes if outcome.fault is None]
    if arguments.output == "json":
        print(json.dumps({"removed": gone, "failed": faults}, indent=2))
    else:
        print("".join(f"{name}\n" for name in gone), end="")
    if faults:
        from manifests.faults import HostFault

        raise HostFault("; ".join(faults))
