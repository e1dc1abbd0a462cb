"""Take `git push` as a deployment: repositories on this host that answer a push themselves.

A push whose manifests are not valid is refused, with the place of every problem. Any other is
followed at once, and the pusher sees how that goes. No forge and no agent is needed: each is a
Sync of its own, whose source is the repository.
"""

from __future__ import annotations

import os

from manifests.faults import Invalid
from podpy import cli, sync_adding
from podpy import context as contexts
from podpy.context import Context
from reconciler.source import receiving

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

EXAMPLES = """
podpy receive init shop
git push root@host:shop main
podpy receive ls
podpy receive rm shop
"""

INTERVAL = "1h"
"""Pushes tell of themselves: in between only drift is looked for."""


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = cli.verb(verbs, "init", "make a repository that is pushed to, and its Sync")
    making.add_argument("name", metavar="NAME")
    making.add_argument("--branch", default="main", help="the branch that is followed")
    making.add_argument("--path", default="", help="the directory of the manifests in it")
    making.add_argument("--no-link", action="store_true", help="no link to it in your home")
    cli.verb(verbs, "ls", "list the repositories that are pushed to")
    removing = cli.verb(verbs, "rm", "remove a repository; what it has brought stays with its Sync")
    removing.add_argument("name", metavar="NAME")


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    match arguments.verb:
        case "init":
            return _init(context, arguments)
        case "ls":
            for name in receiving.names(context.paths):
                print(f"{name}\t{receiving.path_of(context.paths, name)}")
        case _:
            if arguments.name not in receiving.names(context.paths):
                raise Invalid(f'there is no repository "{arguments.name}"', hint="podpy receive ls")
            receiving.remove(context.paths, arguments.name, _home())
            hint = f"podpy sync rm {arguments.name} removes what it has brought"
            print(f"receive/{arguments.name} removed; {hint}")
    return 0


def _init(context: Context, arguments: argparse.Namespace) -> int:
    name, paths = arguments.name, context.paths
    path = receiving.path_of(paths, name)
    place = path
    if not arguments.no_link:
        receiving.link(paths, name, _home())
        place = name
    if not os.path.exists(sync_adding.file_of(paths, name)):
        told = {"url": path, "branch": arguments.branch, "path": arguments.path}
        sync_adding.add(paths, sync_adding.options(name, **told, interval=INTERVAL))
    receiving.make(paths, name, arguments.branch, _command())
    user, host = os.environ.get("USER", "root"), os.uname().nodename
    print(f"push to it: git push {user}@{host}:{place} {arguments.branch}")
    return 0


def _command() -> str:
    """The command that the hooks run: this podpy, for this instance."""
    named = [name for name in ("PODPY_ROOT", "PODPY_INSTANCE") if os.environ.get(name)]
    exports = "".join(f"export {name}={contexts.quoted(os.environ[name])}\n" for name in named)
    return f"{exports}{contexts.program()} internal"


def _home() -> str:
    return os.path.expanduser("~")
