"""Make the host follow manifests: create, change and repair what differs, and nothing else.

A line tells of each object: created, configured, replaced, repaired, deleted or unchanged.
"""

from __future__ import annotations

import sys

from podpy import changes, wishes
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from podpy.cli import Parser

EXAMPLES = """
podpy apply -f app.yaml
podpy apply -f app/ --prune
generate-manifests | podpy apply -f - --prune --applyset shop
podpy apply -f app/ --dry-run
"""


def configure(parser: Parser) -> None:
    wishes.add_source_options(parser)
    wishes.add_prune_options(parser, "remove what these sources held before and no longer do")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds until a pod must run")
    parser.switch(
        "--dry-run",
        ("none", "client", "server"),
        "client",
        default="none",
        help="show the plan, change nothing",
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", "name", "json"),
        default="text",
        help="for people or for programs",
    )


def run(arguments: argparse.Namespace) -> int:
    from reconciler import cycle

    context = Context(settings={"start_seconds": arguments.timeout})
    applyset = wishes.pruned_set(arguments)
    wished = wishes.load_wished(
        context,
        arguments.filename,
        wishes.apply_options(arguments),
        arguments.sha256,
        may_be_empty=arguments.prune,
    )
    options = cycle.Options(applyset=applyset, prune=arguments.prune)
    if arguments.dry_run != "none":
        plan = cycle.prospect(context.host, wished, options).plan
        if arguments.output == "json":
            print(changes.plan_json(plan))
        else:
            changes.show_plan(plan, kept=wishes.tells_set(arguments))
        return 0
    notify = {"text": changes.show_outcome, "name": changes.show_name}.get(arguments.output)
    report = cycle.converge(context.host, wished, options, notify or (lambda _outcome: None))
    changes.show_substitute(context.host)
    if arguments.output == "json":
        print(changes.report_json(report))
        return 1 if report.failed else 0
    for outcome in report.restored:
        changes.show_restored(outcome)
    if arguments.output == "text":
        changes.show_unchanged(report.plan)
    if arguments.output == "text" and not report.plan.effective():
        print(changes.nothing_done(len(wished)))
    for ref in report.plan.kept_back if wishes.tells_set(arguments) else ():
        print(f"{ref} is no longer in the source and stays (--prune removes it)", file=sys.stderr)
    if report.rebuilt and arguments.prune:
        print("Warning: the state database was lost: nothing was pruned", file=sys.stderr)
    return 1 if report.failed else 0
