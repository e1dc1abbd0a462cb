"""Make the host follow manifests: create, change and repair what differs, and nothing else."""

from __future__ import annotations

import sys

from podpy import changes, wishes
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    wishes.add_source_options(parser)
    parser.add_argument(
        "--prune",
        action="store_true",
        help="remove what these sources held before and no longer do",
    )
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds until a pod must run")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")


def run(arguments: argparse.Namespace) -> int:
    from reconciler import cycle

    context = Context(settings={"start_seconds": arguments.timeout})
    wished = wishes.load_wished(
        context, arguments.filename, wishes.apply_options(arguments), arguments.sha256
    )
    options = cycle.Options(applyset=wishes.applyset(arguments.filename), prune=arguments.prune)
    if arguments.dry_run:
        plan = cycle.prospect(context.host, wished, options).plan
        if arguments.output == "json":
            print(changes.plan_json(plan))
        else:
            changes.show_plan(plan)
        return 0
    text = arguments.output == "text"
    notify = changes.show_outcome if text else lambda _outcome: None
    report = cycle.converge(context.host, wished, options, notify)
    if not text:
        print(changes.report_json(report))
        return 1 if report.failed else 0
    for outcome in report.restored:
        changes.show_restored(outcome)
    if not report.plan.effective():
        print(f"unchanged: {len(wished)} objects are as they should be")
    for ref in report.plan.kept_back:
        print(f"{ref} is no longer in the source and stays (--prune removes it)", file=sys.stderr)
    if report.rebuilt and arguments.prune:
        print("Warning: the state database was lost: nothing was pruned", file=sys.stderr)
    return 1 if report.failed else 0
