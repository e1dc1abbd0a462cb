"""Remove objects with their pods, as kubectl delete does: those in files, or those that are named.

Claims keep their data unless --volumes is said: then it can be brought back for a week (podpy
undo). A namespace goes with all that is in it, a Sync with what it has brought, unless that is more
than its pruneLimit lets go without consent.
"""

from __future__ import annotations

import sys

from manifests import load
from manifests.faults import Invalid
from manifests.meta import DEFAULT_NAMESPACE
from podpy import asking, changes, cli, wishes
from podpy.context import Context
from podpy.inventory import Inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from manifests.kinds import Object
    from manifests.ref import Ref
    from podpy.parser import Parser
    from reconciler.report import Report
    from reconciler.syncs.removal import Going

    Found = tuple[dict[Ref, Object], list[str]]

EXAMPLES = """
podpy delete -f app/
podpy delete pod web --grace-period 5
podpy delete deploy/web job/load cm/page --ignore-not-found
podpy delete pods -l app=web
"""


def configure(parser: Parser) -> None:
    add = parser.add_argument
    add("words", nargs="*", metavar="KIND NAME ...", help="or KIND/NAME ...; KIND with -l, --all")
    add("-f", "--filename", action="append", default=[], metavar="PATH", help="what it names")
    add("-R", "--recursive", action="store_true", help="as always: directories with all in them")
    asking.add_filter_options(parser)
    add("--all", action="store_true", help="all objects of the kind in the namespace")
    add("--volumes", action="store_true", help="move the data of removed claims to the trash")
    add("--grace-period", type=int, default=-1, metavar="SECONDS", help="in place of the pods' own")
    add("--now", action="store_true", help="as --grace-period=1")
    add("--force", action="store_true", help="kill at once, as --grace-period=0")
    add("--keep", action="store_true", help="leave what Syncs have brought")
    add("--ignore-not-found", action="store_true", help="what is not there is no error")
    parser.switch("--wait", ("true", "false"), "true", default="true", help="podpy always waits")
    parser.switch(
        "--cascade",
        ("background", "foreground"),
        "background",
        default="background",
        help="pods always go with their workload",
    )
    parser.switch(
        "--dry-run",
        ("none", "client", "server"),
        "client",
        default="none",
        help="say what would be removed, change nothing",
    )
    cli.add_output(parser, "name")


def run(arguments: argparse.Namespace) -> int:
    from podpy.commands import volume
    from reconciler import removing

    context = Context(settings={"grace_seconds": grace(arguments), "by": "podpy delete"})
    _refuse_mixed(arguments)
    found = _from_files if arguments.filename else _by_name
    things, missing = found(context, arguments)
    going = _syncs(context, things, keep=arguments.keep)
    if arguments.wait == "false":
        print("Warning: --wait=false: podpy has no daemon to go on, so it waits", file=sys.stderr)
    if not things and not missing:
        print("No resources found", file=sys.stderr)
    if arguments.dry_run != "none":
        _show_dry(context, things, arguments)
    else:
        told = {"text": changes.show_outcome, "name": changes.show_name}.get(arguments.output)
        notify = told or (lambda _outcome: None)
        if going is not None:
            from podpy import sync_removal

            report = sync_removal.remove(
                context, going, notify, others=things, data=arguments.volumes
            )
        else:
            report = removing.remove(context.host, things, data=arguments.volumes, notify=notify)
        if arguments.output == "json":
            print(changes.report_json(report))
        volume.tell_of_trash(context.paths, report.outcomes)
        if report.failed or not _replenish(context, report, things):
            return 1
    if missing and not arguments.ignore_not_found:
        raise Invalid(f"not found: {', '.join(missing)}", hint="podpy get all -A")
    return 0


def _syncs(context: Context, things: dict[Ref, Object], *, keep: bool) -> Going | None:
    """Add to `things` what goes with the Syncs among them; None where there are none."""
    names = [ref.name for ref in things if ref.kind == "Sync"]
    if not names:
        if keep:
            raise Invalid("delete: --keep is for Syncs, and none of these is one")
        return None
    from podpy import sync_removal
    from reconciler.syncs import removal

    going = sync_removal.of_delete(context, names, keep=keep)
    for row in removal.brought(context.base, going):
        things.setdefault(row.ref, row.object())
    return going


def _replenish(context: Context, report: Report, things: dict[Ref, Object]) -> bool:
    """Give workloads a pod again for each that went alone, as Kubernetes' controllers do.

    Returns whether that worked; what failed has been told.
    """
    from reconciler import cycle, remembered

    owners = {change.of for change in report.plan.changes if change.of is not None} - set(things)
    wished = remembered.wished(context.base, owners)
    if not wished:
        return True
    again = cycle.converge(context.host, wished)
    for outcome in again.failed:
        changes.show_outcome(outcome)
    return not again.failed


def _show_dry(context: Context, things: dict[Ref, Object], arguments: argparse.Namespace) -> None:
    from reconciler import removing

    match arguments.output:
        case "json":
            print(changes.plan_json(removing.plan(context.host, things, data=arguments.volumes)))
        case "name":
            changes.show_names(things)
        case _:
            changes.show_dry(things)


def _refuse_mixed(arguments: argparse.Namespace) -> None:
    """Raise Invalid for words of which one would be passed over: what goes must be clear."""
    if bool(arguments.filename) == bool(arguments.words):
        raise Invalid("delete: name either files (-f) or objects", hint="podpy delete --help")
    if arguments.filename and (arguments.selector or arguments.field_selector or arguments.all):
        raise Invalid("delete: -f excludes -l, --field-selector and --all")


def grace(arguments: argparse.Namespace) -> float | None:
    """Return how long pods may take to end; None for what each of them says."""
    if arguments.force or arguments.grace_period == 0:
        return 0.0
    if arguments.now:
        return 1.0
    return None if arguments.grace_period < 0 else float(arguments.grace_period)


def _from_files(context: Context, arguments: argparse.Namespace) -> Found:
    """The objects in the files, and what earlier versions of the files have brought."""
    options = load.APPLY.replace(namespace=arguments.namespace)
    refs = wishes.refs(arguments.filename, options, context.paths.cache)
    if not refs:
        raise Invalid(f"no objects in {', '.join(arguments.filename)}, nothing was changed")
    asked = arguments.namespace
    others = [str(ref) for ref in refs if asked and ref.namespace not in ("", asked)]
    if others:
        raise Invalid(
            f"{', '.join(others)}: the command is for namespace {asked}, nothing was changed",
            hint="without -n each object is looked for where its manifest says",
        )
    things = wishes.present(context, refs, arguments.filename)
    missing = [str(ref) for ref in refs if ref not in things]
    _add_inhabitants(Inventory(context), things)
    return things, missing


def _by_name(context: Context, arguments: argparse.Namespace) -> Found:
    questions = asking.questions_of(arguments.words)
    chosen = bool(arguments.selector or arguments.field_selector or arguments.all)
    if any(bool(question.names) == chosen for question in questions):
        raise Invalid(
            "delete: name the objects, or choose them by -l, --field-selector or --all",
            hint="podpy delete pod web; podpy delete pods -l app=web",
        )
    inventory = Inventory(context)
    answers = asking.ask(inventory, questions, asking.filter_of(arguments))
    things = {item.ref: item.thing for answer in answers for item in answer.items}
    if any(ref.kind == "Namespace" and ref.name == DEFAULT_NAMESPACE for ref in things):
        raise Invalid(
            f"namespace {DEFAULT_NAMESPACE} may not be deleted",
            hint="podpy delete all,cm,secret,pvc --all removes what is in it",
        )
    _add_inhabitants(inventory, things)
    return things, asking.missing(answers)


def _add_inhabitants(inventory: Inventory, things: dict[Ref, Object]) -> None:
    """Add all that is in the namespaces among `things`."""
    from manifests import kinds

    going = {ref.name for ref in things if ref.kind == "Namespace"} - {DEFAULT_NAMESPACE}
    if not going:
        return
    for info in kinds.KINDS:
        for item in inventory.items(info) if info.namespaced else ():
            if item.ref.namespace in going:
                things.setdefault(item.ref, item.thing)
