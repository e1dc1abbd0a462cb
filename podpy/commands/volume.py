"""The directories of PersistentVolumeClaims: volume ls, rm, import, prune.

Their data is the user's: `rm` wants each claim by its name, and --yes or a terminal's answer. What
it removes can be brought back for a week (podpy undo), and `prune` empties that trash.
"""

from __future__ import annotations

import json
import sys

from manifests.faults import Invalid
from manifests.ref import Ref
from podpy import changes, cli, json_at_end, tables, volume_import
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any

    from reconciler.execute.run import Outcome
    from reconciler.report import Report
    from runtime.paths import Paths
    from runtime.volume.claims import Claim

EXAMPLES = """
podpy volume ls
podpy volume rm data --yes
podpy volume rm data --yes --now
podpy volume prune
podpy volume import --from-podman pgdata
"""

HEADS = ("NAMESPACE", "NAME", "REQUESTED", "USED", "PODS", "DIRECTORY")


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = cli.verb(verbs, "ls", "list claims' directories")
    listing.add_argument("-n", "--namespace", default="", help="all of them if left out")
    listing.add_argument("-q", "--quiet", action="store_true", help="names only")
    listing.add_argument("--no-headers", action="store_true", help="leave out the head")
    removing = cli.verb(verbs, "rm", "delete claims with their data")
    removing.add_argument("names", nargs="+", metavar="NAME")
    removing.add_argument("-n", "--namespace", default="default", help="the claims'")
    removing.add_argument("-y", "--yes", action="store_true", help="delete the data, do not ask")
    removing.add_argument("--now", action="store_true", help="for good: past the trash")
    clearing = cli.verb(verbs, "prune", "delete from the trash what is past its time")
    clearing.add_argument("-a", "--all", action="store_true", help="all that is in the trash")
    clearing.add_argument("-f", "--force", "-y", "--yes", action="store_true", help="do not ask")
    bringing = cli.verb(
        verbs, "import", "copy a volume of Podman's into a claim that holds nothing"
    )
    volume_import.declare(bringing)
    for verb in (listing, removing, bringing, clearing):
        cli.add_output(verb)


def run(arguments: argparse.Namespace) -> int:
    settings: dict[str, Any] = {"by": "podpy volume rm"}
    if arguments.verb == "rm" and arguments.now:
        settings["trash_seconds"] = 0.0
    context = Context(settings=settings)
    match arguments.verb:
        case "prune":
            _prune(context.paths, arguments)
        case "ls":
            _list(context.paths, arguments)
        case "import":
            volume_import.run(context, arguments)
        case _:
            _remove(context, arguments)
    return 0


def users(paths: Paths) -> dict[tuple[str, str], list[str]]:
    """Return (namespace, claim) -> the pods that mount it."""
    from runtime.observe import records

    found: dict[tuple[str, str], list[str]] = {}
    for record in records.read_pods(paths):
        metadata = record.pod.metadata
        for volume in record.pod.spec.volumes:
            if volume.persistent_volume_claim is not None and not record.finished:
                key = metadata.namespace, volume.persistent_volume_claim.claim_name
                found.setdefault(key, []).append(metadata.name)
    return found


def _list(paths: Paths, arguments: argparse.Namespace) -> None:
    from runtime.volume import claims

    used = users(paths)
    found = [claim for claim in claims.every(paths) if arguments.namespace in ("", claim.namespace)]
    if arguments.quiet:
        print("".join(f"{claim.namespace}/{claim.name}\n" for claim in found), end="")
        return
    listed = [_wire(claim, used.get((claim.namespace, claim.name), [])) for claim in found]
    if arguments.output == "json":
        print(json.dumps(listed, indent=2))
        return
    rows = [
        (
            one["namespace"],
            one["name"],
            one["requested"] or tables.NONE,
            tables.size(one["usedBytes"]),
            ",".join(one["pods"]) or tables.NONE,
            one["directory"],
        )
        for one in listed
    ]
    print(tables.lines(HEADS, rows, headers=not arguments.no_headers))
    said = in_trash(paths)
    if said:
        print(f"{said}: podpy undo", file=sys.stderr)


def in_trash(paths: Paths) -> str:
    """Say how much is in the trash; "" for nothing."""
    from runtime.volume import claims, trash

    found = list(trash.every(paths))
    if not found:
        return ""
    used = sum(claims.disk_usage(trash.data(paths, one)) for one in found)
    return f"{changes.count(len(found), 'removed claim')} in the trash, {tables.size(used)}"


def tell_of_trash(paths: Paths, outcomes: Iterable[Outcome]) -> None:
    """Say how the data that these changes have removed can be brought back, if there was any."""
    lost = [
        one.change.ref for one in outcomes if one.fault is None and one.change.effect == "data loss"
    ]
    if not lost:
        return
    from runtime.volume import trash

    kept = {(one.namespace, one.name) for one in trash.every(paths)}
    for ref in lost:
        if (ref.namespace, ref.name) not in kept:
            continue  # It held nothing.
        where = "" if ref.namespace == "default" else f" -n {ref.namespace}"
        print(
            f"{ref}: its data can be brought back: podpy undo pvc/{ref.name}{where}",
            file=sys.stderr,
        )


def _prune(paths: Paths, arguments: argparse.Namespace) -> None:
    """Empty the trash. Claims that are there are never touched, used or not."""
    from runtime import locks
    from runtime.volume import trash

    if arguments.all and not arguments.force and not _agreed(["the trash"]):
        raise Invalid("volume prune: nothing was deleted", hint="say --yes to delete the data")
    with locks.held(paths, [trash.LOCK]):
        gone = trash.empty(paths, everything=arguments.all)
    if arguments.output == "json":
        names = [{"namespace": one.namespace, "name": one.name} for one in gone]
        print(json.dumps({"removed": names}, indent=2))
    else:
        print("".join(f"{one.namespace}/{one.name}\n" for one in gone), end="")


def _wire(claim: Claim, pods: list[str]) -> dict[str, Any]:
    from runtime.volume import claims

    return {
        "namespace": claim.namespace,
        "name": claim.name,
        "requested": str(claim.record.spec.resources.requests.get("storage", "")),
        "usedBytes": claims.disk_usage(claim.path),
        "pods": pods,
        "directory": claim.path,
    }


def _remove(context: Context, arguments: argparse.Namespace) -> None:
    from runtime.volume import claims

    used = users(context.paths)
    for name in arguments.names:
        if not claims.known(context.paths, arguments.namespace, name):
            raise Invalid(
                f'there is no claim "{name}" in namespace {arguments.namespace}',
                hint="podpy volume ls",
            )
        pods = used.get((arguments.namespace, name), [])
        if pods:
            raise Invalid(
                f"claim {name} is in use by {', '.join(pods)}", hint="delete these pods first"
            )
    if not arguments.yes and not _agreed(arguments.names):
        raise Invalid("volume rm: nothing was deleted", hint="say --yes to delete the data")
    gone: list[str] = []
    with json_at_end.of(arguments, lambda: {"removed": gone}):
        for name in arguments.names:
            report = _delete(context, arguments.namespace, name)
            gone.append(name)
            if arguments.output == "text":
                print(name, flush=True)
            if not arguments.now:
                tell_of_trash(context.paths, report.outcomes)


def _delete(context: Context, namespace: str, name: str) -> Report:
    """Delete a claim's data, and forget the object that asked for it."""
    from manifests.config import PersistentVolumeClaim
    from manifests.faults import HostFault
    from manifests.meta import ObjectMeta
    from reconciler import removing

    thing = PersistentVolumeClaim(metadata=ObjectMeta(name=name, namespace=namespace))
    ref = Ref(kind=thing.kind, namespace=namespace, name=name)
    report = removing.remove(context.host, {ref: thing}, data=True)
    if report.failed:
        raise HostFault(f"{ref}: {report.failed[0].fault}")
    return report


def _agreed(names: list[str]) -> bool:
    if not sys.stdin.isatty():
        return False
    print(f"Delete {', '.join(names)} with all data? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
