"""Images in podpy's own store: image ls, pull, rm, prune, build."""

from __future__ import annotations

from podpy import cli, registry_flags, sizes
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from runtime.image.store import Image

EXAMPLES = """
podpy image pull docker.io/library/nginx:1.27
podpy image pull oci:DIR:NAME
podpy image build -t localhost/web:1 web/
podpy image prune --all
"""

SHORT_ID = 12
NO_NAME = "<none>"


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = cli.verb(verbs, "ls", "list images")
    listing.add_argument("-q", "--quiet", action="store_true", help="ids only")
    listing.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="how to tell"
    )
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
    building = cli.verb(verbs, "build", "build a Containerfile with buildah")
    building.add_argument(
        "context", nargs="?", default=".", metavar="DIR", help="what COPY may take"
    )
    building.add_argument(
        "-t", "--tag", required=True, metavar="NAME", help="what the image is called"
    )
    building.add_argument(
        "-f", "--file", default="", metavar="CONTAINERFILE", help="DIR/Containerfile"
    )


def run(arguments: argparse.Namespace) -> int:
    context = Context()
    match arguments.verb:
        case "ls":
            return _list(context, arguments)
        case "pull":
            return _pull(context, arguments)
        case "rm":
            for name in arguments.names:
                gone = context.base.store.remove(
                    name, in_use=_in_use(context), force=arguments.force
                )
                print("\n".join(gone))
            return 0
        case "prune":
            ids, freed = context.base.store.prune(_in_use(context), everything=arguments.all)
            print("\n".join([*ids, f"freed {sizes.text(freed)}"]))
            return 0
        case _:
            from runtime.image import build

            image = build.build(
                context.base.store,
                arguments.context,
                arguments.tag,
                containerfile=arguments.file,
            )
            print(image.id)
            return 0


def _pull(context: Context, arguments: argparse.Namespace) -> int:
    from podpy import progress
    from runtime.image import pull

    options = registry_flags.options(arguments).replace(architecture=arguments.arch)
    for name in arguments.names:
        report = progress.reporter(quiet=arguments.quiet)
        print(pull.pull(context.base.store, name, options, report).id)
    return 0


def _list(context: Context, arguments: argparse.Namespace) -> int:
    store = context.base.store
    images = store.images()
    names: dict[str, list[str]] = {image.id: [] for image in images}
    for name, owner in sorted(store.names().items()):
        names.setdefault(owner, []).append(name)
    if arguments.output == "json":
        import json

        print(json.dumps([_described(image, names[image.id]) for image in images], indent=2))
        return 0
    if arguments.quiet:
        print("\n".join(image.id for image in images))
        return 0
    rows = [("NAME", "IMAGE ID", "SIZE")]
    for image in images:
        for name in names[image.id] or [NO_NAME]:
            rows.append((name, image.id[:SHORT_ID], sizes.text(image.size)))
    width = max(len(row[0]) for row in rows)
    for name, image_id, size in rows:
        print(f"{name:{width}}  {image_id:{SHORT_ID}}  {size}")
    return 0


def _described(image: Image, names: list[str]) -> dict[str, object]:
    return {
        "id": image.id,
        "names": names,
        "digest": image.digest,
        "size": image.size,
        "created": image.created,
        "architecture": image.architecture,
    }


def _in_use(context: Context) -> frozenset[str]:
    """The images of every pod on this host."""
    from runtime.observe import records

    return frozenset(
        image_id
        for record in records.read_pods(context.paths)
        for image_id in record.images.values()
    )
