"""Remove what kube play has made from these files; claims keep their data unless --force."""

from __future__ import annotations

from manifests import load
from podpy import cli, podman, wishes
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


EXAMPLES = """
podpy kube down app.yaml
podpy kube down --force app.yaml
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="file, directory, URL, or - for standard input"
    )
    parser.add_argument("-n", "--namespace", default="", help="namespace of objects without one")
    parser.add_argument("--force", action="store_true", help="delete the claims' data as well")
    cli.add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    return take_down(arguments.files, arguments)


def take_down(files: Sequence[str], arguments: argparse.Namespace) -> int:
    """Remove the objects of these files, and those that earlier versions of them have brought."""
    from podpy import changes
    from reconciler import removing

    # Podman's --force deletes volumes at once.
    context = Context(settings={"trash_seconds": 0.0})
    # As kube play's, so that what that has read is not read again.
    options = load.KUBE_PLAY.replace(namespace=arguments.namespace)
    refs = wishes.refs(files, options, context.paths.cache)
    things = wishes.present(context, refs, files)
    report = removing.remove(context.host, things, data=arguments.force)
    if arguments.output == "json":
        print(changes.report_json(report))
    else:
        podman.show_removed(report)
    for outcome in report.failed:
        podman.complain(outcome)
    return podman.FAILED if report.failed else 0
