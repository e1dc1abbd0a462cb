"""Show what apply would change: per object and field, from what to what, why, and its effect.

The exit status is 0 when nothing would change, 1 when something would, 2 on an error.
"""

from __future__ import annotations

from podpy import changes, cli, wishes
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EXAMPLES = """
podpy diff -f app/
podpy diff -f app/ --prune -o json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    wishes.add_source_options(parser)
    wishes.add_prune_options(parser, "show what apply --prune removes, too")
    cli.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Return 0 when nothing would change, 1 when something would, as kubectl diff does."""
    from reconciler import cycle

    context = Context()
    wished, options = wishes.pass_of(context, arguments)
    plan = cycle.prospect(context.host, wished, options).plan
    if arguments.output == "json":
        print(changes.plan_json(plan))
    else:
        changes.show_plan(plan, kept=wishes.tells_set(arguments))
    return 1 if plan.effective() else 0
