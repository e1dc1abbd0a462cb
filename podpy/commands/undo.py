"""List removed claims whose data can be brought back, and bring one back.

What `delete --volumes`, `volume rm` and the pruning of a claim with podpy.dev/reclaim: trash take
away is kept for a week ([volumes] trash in podpy.toml), and deleted by a pass after that.
"""

from __future__ import annotations

import json
import sys
import time

from manifests.faults import Invalid
from podpy import cli, names, tables
from podpy.context import Context
from runtime import locks
from runtime.volume import trash

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from runtime.paths import Paths
    from runtime.volume.trash import Entry

EXAMPLES = """
podpy undo
podpy undo pvc/data
podpy undo pvc/data --as data-before
podpy undo --last
"""

HEADS = ("NAMESPACE", "CLAIM", "REMOVED", "KEPT FOR", "USED", "BY")


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("claim", nargs="?", default="", metavar="pvc/NAME", help="its last removal; none: list")
    add("--last", action="store_true", help="the last removal of all")
    add("--as", dest="name", default="", metavar="NAME", help="under another name")
    add("-n", "--namespace", default="", help="the claim's; default if left out")
    cli.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    if arguments.claim or arguments.last:
        _bring_back(context, arguments)
    else:
        _list(context.paths, arguments)
    return 0


def _list(paths: Paths, arguments: argparse.Namespace) -> None:
    found = [one for one in trash.every(paths) if arguments.namespace in ("", one.namespace)]
    if arguments.output == "json":
        print(json.dumps([_wire(paths, one) for one in found], indent=2))
    elif not found:
        print("Nothing to undo: no removed claims are in the trash", file=sys.stderr)
    else:
        now = time.time()
        rows = [
            (
                one.namespace,
                one.name,
                tables.since(one.removed_at, now),
                tables.age(max(0.0, one.until - now)),
                tables.size(_used(paths, one)),
                one.by,
            )
            for one in found
        ]
        print(tables.lines(HEADS, rows))


def _used(paths: Paths, entry: Entry) -> int:
    from runtime.volume import claims

    return claims.disk_usage(trash.data(paths, entry))


def _wire(paths: Paths, entry: Entry) -> dict[str, object]:
    return {
        "id": entry.id,
        "kind": "PersistentVolumeClaim",
        "namespace": entry.namespace,
        "name": entry.name,
        "by": entry.by,
        "removedAt": entry.removed_at,
        "until": entry.until,
        "usedBytes": _used(paths, entry),
    }


def _bring_back(context: Context, arguments: argparse.Namespace) -> None:
    from manifests.checks import names as checks
    from podpy.commands import volume

    paths = context.paths
    with locks.held(paths, [trash.LOCK]):
        entry = _chosen(paths, arguments)
        name = arguments.name or entry.name
        said = checks.dns_subdomain(name)
        if said:
            raise Invalid(f'--as "{name}": {said}')
        ref = f"PersistentVolumeClaim/{name}"
        pods = volume.users(paths).get((entry.namespace, name), [])
        if pods:
            raise Invalid(
                f"{ref} is there again, and in use by {', '.join(pods)}",
                hint="bring it back under another name: podpy undo --as NAME",
            )
        trash.restore(paths, entry, name)
    if arguments.output == "json":
        print(json.dumps({"namespace": entry.namespace, "name": name, "id": entry.id}, indent=2))
    else:
        print(f"{ref} is back in namespace {entry.namespace}: apply its manifest to use it")


def _chosen(paths: Paths, arguments: argparse.Namespace) -> Entry:
    """The removal that is meant: the last of the claim, or the last of all."""
    if arguments.last and arguments.claim:
        raise Invalid("undo: --last and a claim exclude each other")
    wanted = ""
    if arguments.claim:
        kind, slash, wanted = arguments.claim.rpartition("/")
        if slash and names.kind(kind).kind != "PersistentVolumeClaim":
            raise Invalid(f"undo: {arguments.claim}: only claims can be brought back")
    namespace = arguments.namespace or ("" if arguments.last else "default")
    for entry in trash.every(paths):
        if namespace in ("", entry.namespace) and wanted in ("", entry.name):
            return entry
    about = f'claim "{wanted}" in namespace {namespace}' if wanted else "claim"
    raise Invalid(f"no removed {about} is in the trash", hint="podpy undo")
