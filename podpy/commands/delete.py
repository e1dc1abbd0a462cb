"""Remove objects with their pods: those in manifests, or those named by kind and name."""

from __future__ import annotations

from podpy import changes, wishes
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from manifests.kinds import Object
    from manifests.ref import Ref


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--filename", action="append", default=[], metavar="PATH")
    parser.add_argument("-n", "--namespace", default="", help="namespace of the named objects")
    parser.add_argument("names", nargs="*", metavar="KIND NAME", help="or KIND/NAME")
    parser.add_argument(
        "--volumes", action="store_true", help="delete the data of removed claims as well"
    )
    parser.add_argument("--ignore-not-found", action="store_true")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    from manifests.faults import Invalid
    from reconciler import cycle

    context = Context()
    if bool(arguments.filename) == bool(arguments.names):
        raise Invalid("delete: name either files (-f) or objects", hint="podpy delete --help")
    if arguments.filename:
        things, missing = _from_files(context, arguments)
    else:
        things, missing = _by_name(context, arguments)
    text = arguments.output == "text"
    notify = changes.show_outcome if text else lambda _outcome: None
    report = cycle.remove(context.host, things, cycle.Options(data=arguments.volumes), notify)
    if not text:
        print(changes.report_json(report))
    if missing and not arguments.ignore_not_found:
        raise Invalid(f"not found: {', '.join(str(ref) for ref in missing)}")
    return 1 if report.failed else 0


def _from_files(
    context: Context, arguments: argparse.Namespace
) -> tuple[dict[Ref, Object], list[Ref]]:
    """The objects in the files, and what earlier versions of the files have brought."""
    from reconciler.state import objects

    refs = wishes.refs(arguments.filename, arguments.namespace)
    present = wishes.present(context)
    things = {ref: present[ref] for ref in refs if ref in present}
    for item in objects.read(context.database, applyset=wishes.applyset(arguments.filename)):
        things.setdefault(item.ref, item.object())
    return things, [ref for ref in refs if ref not in present]


def _by_name(
    context: Context, arguments: argparse.Namespace
) -> tuple[dict[Ref, Object], list[Ref]]:
    from podpy import names

    present = wishes.present(context)
    wanted = names.parse(arguments.names, arguments.namespace)
    return (
        {ref: present[ref] for ref in wanted if ref in present},
        [ref for ref in wanted if ref not in present],
    )
