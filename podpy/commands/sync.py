"""Follow sources: say which Syncs there are, have them followed, see how they are.

A Sync (podpy.dev/v1) says where manifests come from and how the host follows them. `reconcile`
does one pass, and ends with 0 where the host follows the source, 3 where it went back to the last
good revision, 4 where removals wait for consent, 1 where something else is wrong.
"""

from __future__ import annotations

import json
import sys
import time

from manifests import digests, durations
from manifests.faults import Invalid
from podpy import changes, cli, sync_adding, sync_output, sync_pushing
from podpy.commands import plan
from podpy.context import Context
from reconciler.state import syncs
from reconciler.syncs import decide, declared
from runtime import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from reconciler.syncs.declared import Declared, Found
    from reconciler.syncs.steering import Steering

EXAMPLES = """
podpy sync add shop --url https://git.example/shop.git --branch main --path deploy
podpy sync add local --directory /srv/manifests
podpy sync add site --oci oci://registry.example/team/site --semver "^1"
podpy sync push oci://registry.example/team/site:1.4.0 -f deploy
podpy sync diff shop
podpy sync reconcile shop
podpy sync ls
podpy sync approve shop
podpy sync rollback shop
"""

_WORST_FIRST = (1, 3, 4, 0)


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    sync_adding.configure(cli.verb(verbs, "add", "follow a source: write the file of a Sync"))
    pushing = cli.verb(verbs, "push", "push a directory to a registry, for Syncs to follow")
    sync_pushing.configure(pushing)
    removing = cli.verb(verbs, "rm", "follow a Sync no more, and remove what it has brought")
    removing.add_argument("name", metavar="NAME")
    removing.add_argument("--keep", action="store_true", help="leave what it has brought")
    listing = cli.verb(verbs, "ls", "list Syncs")
    telling = cli.verb(verbs, "status", "tell all about Syncs")
    telling.add_argument("names", nargs="*", metavar="NAME")
    past = cli.verb(verbs, "history", "list what a Sync's revisions came to")
    past.add_argument("name", metavar="NAME")
    following = cli.verb(verbs, "reconcile", "do a pass of these Syncs, or of all")
    following.add_argument("names", nargs="*", metavar="NAME")
    for verb in (listing, telling, past, following):
        cli.add_output(verb)
    comparing = cli.verb(verbs, "diff", "show what the next pass would change: as podpy diff does")
    comparing.add_argument("name", metavar="NAME")
    cli.add_output(comparing)
    planning = cli.verb(
        verbs, "plan", "show what Syncs would change: podpy plan, under another name"
    )
    plan.configure(planning)
    stopping = cli.verb(verbs, "suspend", "leave a Sync alone")
    stopping.add_argument("name", metavar="NAME")
    stopping.add_argument("--for", dest="span", default="", metavar="SPAN", help="as 30m or 8h")
    steering = [stopping]
    for word, what in (
        ("resume", "follow a suspended Sync again"),
        ("approve", "consent to what the present revision removes"),
        ("retry", "try revisions again that have failed"),
        ("rollback", "go back to an earlier revision, until there is a new one"),
    ):
        steering.append(cli.verb(verbs, word, what))
        steering[-1].add_argument("name", metavar="NAME")
    for verb in steering:
        cli.add_output(verb)
    back = steering[-1]
    back.add_argument("revision", nargs="?", default="", help="left out, the last other good one")


def run(arguments: argparse.Namespace) -> int:
    if arguments.verb == "push":
        return sync_pushing.push(arguments)
    context = Context()
    if arguments.verb == "add":
        return sync_adding.add(context.paths, arguments)
    if arguments.verb == "plan":
        return plan.run(arguments)
    found = declared.read(context.paths, context.database)
    for problem in found.problems:
        print(problem, file=sys.stderr)
    match arguments.verb:
        case "ls" | "status":
            _tell(context, found, arguments)
        case "history":
            _history(context, found.named(arguments.name), arguments.output)
        case "diff":
            return _diff(context, found, arguments)
        case "reconcile":
            return _reconcile(context, found, arguments)
        case "rm":
            return _remove(context, found, arguments)
        case _:
            return _steer(context, found, arguments)
    return 0


def _tell(context: Context, found: Found, arguments: argparse.Namespace) -> None:
    names = getattr(arguments, "names", ())
    for name, count in declared.left_behind(found, context.database).items() if not names else ():
        print(
            f"Sync/{name} is declared no more, and {changes.count(count, 'object')} that it has"
            f" brought stay (hint: podpy sync rm {name} removes them; with --keep it lets go)",
            file=sys.stderr,
        )
    chosen = [found.named(name) for name in names] or list(found.syncs)
    database = context.database
    if arguments.output == "json":
        print(json.dumps([sync_output.wire(database, one) for one in chosen], indent=2))
    elif not chosen:
        print("No Syncs found", file=sys.stderr)
    elif arguments.verb == "ls":
        print(sync_output.table(database, chosen))
    else:
        print("\n\n".join(sync_output.described(database, one) for one in chosen))


def _history(context: Context, one: Declared, output: str) -> None:
    lines = syncs.history(context.database, one.sync.metadata.name)
    show = sync_output.history_json if output == "json" else sync_output.history
    print(show(lines))


def _diff(context: Context, found: Found, arguments: argparse.Namespace) -> int:
    """Show what the next pass would change, in the source and on the host, and end as diff does."""
    from reconciler.syncs import preview, revisions

    one = found.named(arguments.name)
    names = [other.sync.metadata.name for other in found.syncs]
    try:
        seen = preview.preview(context.host, one.sync, names)
    except revisions.UnusableError as error:
        for problem in error.problems:
            print(problem.shown, file=sys.stderr)
        said = f"{changes.count(len(error.problems), 'problem')} found" if error.problems else error
        raise Invalid(f"Sync/{arguments.name} cannot be followed: {said}") from error
    if arguments.output == "json":
        print(changes.plan_json(seen.plan))
    else:
        changes.show_plan(seen.plan, kept=False)
        for ref in seen.plan.kept_back:
            print(f"    {ref}  is no longer in the source and stays: the Sync's prune is false")
        if seen.consent:
            said = f"{seen.consent}: that waits for podpy sync approve {arguments.name}"
            print(said, file=sys.stderr)
    return 1 if seen.plan.effective() else 0


def _reconcile(context: Context, found: Found, arguments: argparse.Namespace) -> int:
    """Do a pass of each, in the order of their dependencies: one that fails stops no other."""
    from reconciler.syncs.reconcile import Follower

    chosen = [found.named(name) for name in arguments.names] or list(found.syncs)
    if not chosen:
        raise Invalid("there are no Syncs", hint="podpy sync add")
    quiet = arguments.output == "json"
    exits, told = [1] if found.problems else [], []
    for one in (one for one in found.syncs if one in chosen):
        ready = declared.readiness(found, context.database)
        notify = (lambda _outcome: None) if quiet else changes.show_outcome
        _tell_of_wait(context, one)
        follower = Follower(context.host, one.sync, ready, notify)
        passed = follower.reconcile()
        exits.append(sync_output.exit_status(passed.outcome))
        if quiet:
            told.append(sync_output.wire(context.database, one))
        else:
            sync_output.show(one.sync.metadata.name, passed)
        follower.close()
    if quiet:
        print(json.dumps(told, indent=2))
    return next(status for status in _WORST_FIRST if status in exits)


def _tell_of_wait(context: Context, one: Declared) -> None:
    """Say whom this command waits for, if somebody does a pass of the Sync already."""
    name = one.sync.metadata.name
    holder = locks.holder(context.paths, decide.lock(name))
    if holder:
        print(f"sync/{name}: waits for the pass of {holder}", file=sys.stderr, flush=True)


def _steer(context: Context, found: Found, arguments: argparse.Namespace) -> int:
    """Tell a Sync what people want of it, and do the pass that acts on it."""
    from reconciler.syncs.steering import Steering

    one = found.named(arguments.name)
    name = one.sync.metadata.name
    steering = Steering(context.paths, context.database, name)
    said: list[str] = []
    match arguments.verb:
        case "suspend":
            return _suspend(context, one, steering, arguments)
        case "resume":
            steering.resume()
        case "approve":
            said = [f"{ref} may go" for ref in steering.approve()]
        case "retry":
            again = [digests.short(revision) for revision in steering.retry()]
            said = [f"revision {revision} is tried again" for revision in again]
        case _:
            target = steering.go_back(arguments.revision)
            said = [f"sync/{name} goes back to revision {digests.short(target)}"]
    if arguments.output != "json":
        for line in said:
            print(line, flush=True)
    arguments.names = [name]
    status = _reconcile(context, found, arguments)
    if arguments.verb == "rollback" and status == sync_output.ROLLED_BACK:
        return 0  # That is what was asked for.
    return status


def _suspend(
    context: Context, one: Declared, steering: Steering, arguments: argparse.Namespace
) -> int:
    name = one.sync.metadata.name
    span = durations.duration(arguments.span) if arguments.span else 0.0
    steering.suspend(time.time() + span if span else 0.0)
    if arguments.output == "json":
        print(json.dumps([sync_output.wire(context.database, one)], indent=2))
    else:
        print(f"sync/{name} suspended" + (f" for {arguments.span}" if span else ""))
    holder = locks.holder(context.paths, decide.lock(name))
    if holder:
        print(f"the pass of {holder} is under way and goes on to its end", file=sys.stderr)
    return 0


def _remove(context: Context, found: Found, arguments: argparse.Namespace) -> int:
    """Remove a Sync with what it has brought; killed on the way, the command is given again."""
    from podpy import sync_removal

    going = sync_removal.of_rm(context, found, arguments.name, keep=arguments.keep)
    report = sync_removal.remove(context, going, changes.show_outcome)
    if report.failed:
        return 1
    print(f"sync/{arguments.name} removed")
    return 0
