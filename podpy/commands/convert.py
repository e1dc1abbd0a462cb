"""Turn manifests of one form into another: Quadlet's unit files, Compose files, Kubernetes YAML.

What a form cannot express is told with its place, and is an error with --strict.
"""

from __future__ import annotations

import sys

from podpy import render_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from manifests.loaded import Loaded
    from renderers.quadlet.unit import File

EXAMPLES = """
podpy convert -f /etc/containers/systemd --to kubernetes -o app/
podpy convert -f compose.yaml --to kubernetes -o - | podpy apply -f -
podpy convert -f app/ --to quadlet -o ~/.config/containers/systemd --user
"""
KUBERNETES, QUADLET = "kubernetes", "quadlet"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f",
        "--filename",
        action="append",
        required=True,
        metavar="PATH",
        help="unit files, YAML, a directory of them, or a Compose file",
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="where files are written; - prints"
    )
    parser.add_argument("--to", required=True, choices=(KUBERNETES, QUADLET), help="the form")
    parser.add_argument("-n", "--namespace", default="", help="namespace of objects without one")
    render_flags.add_podman_version(parser)
    render_flags.add_user(parser)
    render_flags.add_strict(parser)


def run(arguments: argparse.Namespace) -> int:
    """Return 0 where all is written; Invalid where something is wrong, or --strict forbids it."""
    from manifests.faults import Invalid
    from podpy import converting, rendered_files, wishes

    loaded = converting.load_all(
        arguments.filename, arguments.namespace, rendered=arguments.to == QUADLET
    )
    rendered_files.check(loaded)
    if not loaded.objects:
        raise Invalid(f"no objects in {', '.join(arguments.filename)}, nothing was written")
    files, lost = _files(arguments, loaded)
    if arguments.strict:
        rendered_files.refuse_losses(lost + len(loaded.unsupported))
    if arguments.output == "-":
        sys.stdout.write(converting.in_one(files))
        return 0
    applyset = wishes.applyset(arguments.filename)
    rendered_files.put(arguments.output, files, applyset, whole=True)
    return 0


def _files(arguments: argparse.Namespace, loaded: Loaded) -> tuple[tuple[File, ...], int]:
    """Return the files of the form that was asked for, and how many fields are lost in it."""
    from podpy import converting

    if arguments.to == KUBERNETES:
        return converting.kubernetes(loaded, arguments.namespace), 0
    return converting.quadlet(loaded, arguments.podman_version, user=arguments.user)
