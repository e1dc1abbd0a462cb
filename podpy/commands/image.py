"""Images in podpy's own store: image ls, pull, rm, prune, build."""

from __future__ import annotations

import json
import os

from podpy import cli, json_at_end, registry_flags, sizes
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any

    from runtime.image.removal import Removed
    from runtime.image.store import Store

EXAMPLES = """
podpy image pull docker.io/library/nginx:1.27
podpy image pull oci:DIR:NAME
podpy image build -t localhost/web:1 web/
podpy image prune --all
"""


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = cli.verb(verbs, "ls", "list images")
    listing.add_argument("-q", "--quiet", action="store_true", help="ids only")
    listing.add_argument("--no-headers", action="store_true", help="leave out the head")
    pulling = cli.verb(verbs, "pull", "pull from a registry, or from oci:DIR[:NAME] ...")
    pulling.add_argument("names", nargs="+", metavar="IMAGE")
    pulling.add_argument("-q", "--quiet", action="store_true", help="no progress")
    registry_flags.add(pulling)
    pulling.add_argument("--arch", default="", help="architecture, as in the image's platform")
    removing = cli.verb(verbs, "rm", "remove images that no pod uses")
    removing.add_argument("names", nargs="+", metavar="IMAGE")
    removing.add_argument("-f", "--force", action="store_true", help="all names of an id")
    pruning = cli.verb(verbs, "prune", "remove images without a name")
    pruning.add_argument("-a", "--all", action="store_true", help="all that no pod uses")
    pruning.add_argument("-f", "--force", action="store_true", help="as always: nobody is asked")
    for verb in (removing, pruning):
        verb.add_argument(
            "--timeout", type=float, default=120.0, metavar="SECONDS", help="wait for pulls so long"
        )
    building = cli.verb(verbs, "build", "build a Containerfile with buildah")
    add = building.add_argument
    add("context", nargs="?", default=".", metavar="DIR", help="what COPY may take")
    add("-t", "--tag", required=True, action="append", metavar="NAME", help="a name of the image")
    add("-f", "--file", default="", metavar="CONTAINERFILE", help="DIR/Containerfile")
    add("--build-arg", action="append", default=[], metavar="KEY=VALUE", help="an ARG's value")
    registry_flags.add(building)
    for verb in (listing, pulling, removing, pruning, building):
        cli.add_output(verb)


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    match arguments.verb:
        case "ls":
            _list(context.base.store, arguments)
        case "pull":
            _pull(context.base.store, arguments)
        case "rm":
            _remove(context, arguments)
        case "prune":
            _prune(context, arguments)
        case _:
            _build(context.base.store, arguments)
    return 0


def _list(store: Store, arguments: argparse.Namespace) -> None:
    from podpy import image_table

    if arguments.output == "json":
        print(image_table.as_json(store))
    elif arguments.quiet:
        print(image_table.ids(store))
    else:
        print(image_table.text(store, headers=not arguments.no_headers))


def _pull(store: Store, arguments: argparse.Namespace) -> None:
    from podpy import progress
    from runtime.image import pull

    options = registry_flags.options(arguments).replace(architecture=arguments.arch)
    report = progress.reporter(quiet=arguments.quiet)
    pulled: list[dict[str, str]] = []
    with json_at_end.of(arguments, lambda: {"pulled": pulled}):
        for name in arguments.names:
            image = pull.pull(store, name, options, report)
            pulled.append({"name": name, "id": image.id})
            if arguments.output == "text":
                print(image.id, flush=True)


def _remove(context: Context, arguments: argparse.Namespace) -> None:
    from podpy import image_users
    from runtime.image import removal

    gone: list[Removed] = []
    with json_at_end.of(arguments, lambda: _wire(gone)):
        for name in arguments.names:
            removed = removal.remove(
                context.base.store,
                name,
                lambda: image_users.in_use(context),
                force=arguments.force,
                timeout=arguments.timeout,
            )
            gone.append(removed)
            if arguments.output == "text":
                _tell(removed)


def _prune(context: Context, arguments: argparse.Namespace) -> None:
    from podpy import image_users
    from runtime.image import removal

    gone = removal.prune(
        context.base.store,
        lambda: image_users.in_use(context),
        everything=arguments.all,
        timeout=arguments.timeout,
    )
    if arguments.output == "json":
        print(json.dumps(_wire([gone]), indent=2))
        return
    _tell(gone)
    print(f"freed {sizes.text(gone.freed)}")


def _wire(gone: Sequence[Removed]) -> dict[str, Any]:
    return {
        "untagged": [name for one in gone for name in one.names],
        "deleted": [image_id for one in gone for image_id in one.ids],
        "freedBytes": sum(one.freed for one in gone),
    }


def _tell(gone: Removed) -> None:
    for name in gone.names:
        print(f"untagged {name}")
    for image_id in gone.ids:
        print(f"deleted {image_id}")


def _build(store: Store, arguments: argparse.Namespace) -> None:
    from runtime.image import build

    image = build.build(
        store,
        arguments.context,
        arguments.tag,
        containerfile=arguments.file,
        arguments=_arguments(arguments.build_arg),
        options=registry_flags.options(arguments),
    )
    if arguments.output == "json":
        print(json.dumps({"id": image.id, "names": arguments.tag}, indent=2))
    else:
        print(image.id)


def _arguments(pairs: list[str]) -> dict[str, str]:
    """Read KEY=VALUE, or KEY for what podpy's own environment says, as Podman does."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if equals:
            found[key] = value
        elif key in os.environ:
            found[key] = os.environ[key]
    return found
