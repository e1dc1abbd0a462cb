"""Show what Syncs would change on this host, and why; nothing is changed.

With --ref it is a pass of another branch or commit of the source: what merging it would do. Ends
with 0 where nothing would change, with 1 where something would, and with 2 where that cannot be
told.
"""

from __future__ import annotations

import json
import sys

from manifests.faults import Fault, Invalid
from podpy import changes, plan_output
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from reconciler.syncs.declared import Declared

EXAMPLES = """
podpy plan
podpy plan shop --ref feature
podpy plan shop --ref feature -o markdown > comment.md
"""

CHANGES, FAILED = 1, 2


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="of Syncs; left out, all")
    parser.add_argument(
        "--ref",
        default="",
        help="a branch or a commit (tag or digest of an artifact) in place of the Sync's own",
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("text", "json", "markdown"),
        default="text",
        help="for people, for programs, or for a comment on a pull request",
    )


def run(arguments: argparse.Namespace) -> int:
    from reconciler.syncs import declared

    context = Context()
    found = declared.read(context.paths, context.database)
    for problem in found.problems:
        print(problem, file=sys.stderr)
    chosen = [found.named(name) for name in arguments.names] or list(found.syncs)
    if not chosen:
        raise Invalid("there are no Syncs", hint="podpy sync add")
    names = [one.sync.metadata.name for one in found.syncs]
    told = [_told(context, one, names, arguments) for one in chosen]
    if arguments.output == "json":
        print(json.dumps([what for _, what in told], indent=2))
    return max([FAILED if found.problems else 0, *(status for status, _ in told)])


def _told(
    context: Context, one: Declared, names: list[str], arguments: argparse.Namespace
) -> tuple[int, object]:
    """Tell the plan of a Sync; return the exit status for it, and what JSON has of it."""
    from reconciler.syncs import preview, revisions

    name, output = one.sync.metadata.name, arguments.output
    try:
        seen = preview.preview(context.host, one.sync, names, arguments.ref)
    except revisions.UnusableError as error:
        problems = [problem.shown for problem in error.problems] or [str(error)]
        plan_output.show_problems(name, problems, output)
        return FAILED, {"sync": name, "problems": problems}
    except Fault as fault:
        plan_output.show_problems(name, [str(fault)], output)
        return FAILED, {"sync": name, "problems": [str(fault)]}
    plan_output.show(name, seen, output)
    what = {
        "sync": name,
        "revision": seen.revision,
        "consent": seen.consent,
        "hooks": list(seen.hooks),
        **json.loads(changes.plan_json(seen.plan)),
    }
    return (CHANGES if seen.plan.effective() else 0), what
