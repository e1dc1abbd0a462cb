"""Make the host follow manifests: create, change and repair what differs, and nothing else.

A line tells of each object: created, configured, replaced, repaired, deleted or unchanged.
"""

from __future__ import annotations

import sys

from podpy import changes, cli, wishes
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from podpy.parser import Parser
    from reconciler.cycle import Prospect

EXAMPLES = """
podpy apply -f app.yaml
podpy apply -f app/ --prune
generate-manifests | podpy apply -f - --prune --applyset shop
podpy apply -f app/ --dry-run
"""


def configure(parser: Parser) -> None:
    wishes.add_source_options(parser)
    wishes.add_prune_options(parser, "remove what these sources held before and no longer do")
    cli.add_timeout(parser)
    parser.switch(
        "--dry-run",
        ("none", "client", "server"),
        "client",
        default="none",
        help="show the plan, change nothing",
    )
    parser.switch(
        "--validate",
        ("strict", "warn", "ignore", "true", "false"),
        "strict",
        default="strict",
        help="misspelt fields",
    )
    _declare_what_is_so_anyway(parser)
    cli.add_output(parser, "name")


def _declare_what_is_so_anyway(parser: Parser) -> None:
    """Take the words of kubectl's users that ask for what `apply` does without them."""
    add = parser.add_argument
    add("--server-side", action="store_true", help="as always: the manifest is the whole wish")
    add("--force-conflicts", action="store_true", help="as always: nobody else owns a field")
    add("--field-manager", default="", metavar="NAME", help="podpy keeps no owners of fields")
    add("--overwrite", action="store_true", help="as always: what differs is put right")
    parser.switch("--wait", ("true", "false"), "true", default="true", help="podpy always waits")


def run(arguments: argparse.Namespace) -> int:
    from reconciler import cycle

    context = Context(settings={"start_seconds": arguments.timeout})
    wished, options = wishes.pass_of(context, arguments, arguments.validate)
    if arguments.dry_run != "none":
        _show_prospect(cycle.prospect(context.host, wished, options), arguments)
        return 0
    options = options.replace(ready=True)
    notify = {"text": changes.show_outcome, "name": changes.show_name}.get(arguments.output)
    report = cycle.converge(context.host, wished, options, notify or (lambda _outcome: None))
    changes.show_substitute(context.host)
    if arguments.output == "json":
        print(changes.report_json(report))
        return 1 if report.failed else 0
    for outcome in report.restored:
        changes.show_restored(outcome)
    if arguments.output == "name":
        changes.show_names(changes.unchanged(report.plan))
    else:
        changes.show_unchanged(report.plan)
    if arguments.output == "text" and not report.plan.effective():
        print(changes.nothing_done(len(wished)))
    for ref in report.plan.kept_back if wishes.tells_set(arguments) else ():
        print(f"{ref} {changes.staying(report.plan, ref)}", file=sys.stderr)
    for one in report.plan.elsewhere:
        print(one, file=sys.stderr)
    changes.tell_of_schedules(context.paths, wished)
    if report.rebuilt and arguments.prune:
        print("Warning: the state database was lost: nothing was pruned", file=sys.stderr)
    return 1 if report.failed else 0


def _show_prospect(prospect: Prospect, arguments: argparse.Namespace) -> None:
    match arguments.output:
        case "json":
            print(changes.plan_json(prospect.plan))
        case "name":
            changes.show_names(item.ref for item in prospect.wish.objects)
        case _:
            changes.show_plan(prospect.plan, kept=wishes.tells_set(arguments))
