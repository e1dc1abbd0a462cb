"""Take over what Podman runs: its containers, pods and Quadlets become pods of podpy.

The plan is shown first. Images come from Podman's storage, volumes become claims by a rename, and
each container is restarted once; where its pod does not become ready, Podman runs it again. What
was killed half-way goes on when the command is given again.
"""

from __future__ import annotations

import json
import sys

from manifests.faults import Invalid
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from podpy.adopting import Prospect
    from reconciler.adopting.journal import Journal, Manifest

EXAMPLES = """
podpy adopt web --dry-run
podpy adopt web db -o app/
podpy adopt --all --yes
podpy adopt --quadlets --dry-run -o json
"""
FORMS = ("json", "yaml")


def configure(parser: argparse.ArgumentParser) -> None:
    from manifests import durations

    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="containers, pods or units; a pod goes as a whole")
    add("--all", action="store_true", help="all that runs")
    add("--quadlets", action="store_true", help="all that units of Quadlet run")
    add("-n", "--namespace", default="default", help="of the pods; default if left out")
    add("--dry-run", action="store_true", help="show the plan, change nothing")
    add("--strict", action="store_true", help="do nothing where a field would be lost")
    add("-y", "--yes", action="store_true", help="do not ask")
    add("--copy", action="store_true", help="copy volumes, and leave Podman's as they are")
    add(
        "-o",
        "--output",
        default="",
        metavar="DIR",
        help="write the manifests there; - prints them, json and yaml the plan",
    )
    add(
        "--timeout",
        type=durations.seconds,
        default=120.0,
        metavar="SPAN",
        help="how long pods may take to be ready before it goes back: seconds, or as 2m",
    )


def run(arguments: argparse.Namespace) -> int:
    """Return 0 where all runs in podpy, 1 where something went back to Podman."""
    from reconciler.adopting import journal
    from runtime import locks
    from runtime.podman import asking
    from runtime.rootless import mode

    if mode.active():
        raise Invalid(
            "adopt: takes over what root's Podman runs, and not that of a user",
            hint="podman generate kube, podpy volume import, podpy kube play",
        )
    asking.program()
    context = Context(settings={"start_seconds": arguments.timeout, "by": "podpy adopt"})
    with locks.held(context.paths, ["adopt"]):
        left = journal.every(context.paths)
        if arguments.dry_run:
            for one in left:
                print(f"{one.group}: was begun; without --dry-run it goes on", file=sys.stderr)
        elif left:
            failed = _resume(context, left, arguments.output)
            if failed or not _names_something(arguments):
                return failed
        return _adopt(context, arguments)


def _names_something(arguments: argparse.Namespace) -> bool:
    return bool(arguments.names or arguments.all or arguments.quadlets)


def _adopt(context: Context, arguments: argparse.Namespace) -> int:
    from podpy import adopting, wishes

    if not _names_something(arguments):
        raise Invalid(
            "adopt: name containers or pods of Podman's, or say --all or --quadlets",
            hint="podpy adopt --all --dry-run",
        )
    directory = "" if arguments.output in ("", "-", *FORMS) else arguments.output
    wish = adopting.Wish(
        namespace=arguments.namespace,
        applyset=wishes.applyset([directory]) if directory else "",
        copy=arguments.copy,
        seconds=arguments.timeout,
    )
    subjects = adopting.find(arguments.names, quadlets=arguments.quadlets)
    found = adopting.prospects(context, subjects, wish)
    _show(found, arguments.output)
    _refuse(found, strict=arguments.strict)
    if arguments.dry_run:
        return 0
    if not arguments.yes and not _agreed(found):
        raise Invalid("adopt: nothing was changed", hint="say --yes to go on")
    return _carry_out(context, found, arguments.output, directory)


def _show(found: Sequence[Prospect], form: str) -> None:
    from podpy import adopt_output

    match form:
        case "json":
            print(json.dumps(adopt_output.wire(found), indent=2))
        case "yaml":
            from renderers import yaml_text

            print(yaml_text.dumps(adopt_output.wire(found)), end="")
        case _:
            manifests = form == "-"
            print(adopt_output.text(found), file=sys.stderr if manifests else sys.stdout)
            if manifests:
                texts = [one.text for each in found for one in _manifests(each)]
                print("---\n".join(texts), end="")


def _manifests(prospect: Prospect) -> tuple[Manifest, ...]:
    return (*prospect.secrets, *prospect.journal.manifests)


def _refuse(found: Sequence[Prospect], *, strict: bool) -> None:
    """Raise Invalid where something cannot be taken over, or --strict forbids it."""
    from podpy import changes

    refused = sum(len(one.refused) for one in found)
    if refused:
        raise Invalid(
            f"adopt: {changes.count(refused, 'reason')} against it above, nothing was changed",
            hint="name only what can go, or put that right",
        )
    lost = sum(len(one.group.losses) for one in found)
    if lost and strict:
        raise Invalid(f"adopt: {changes.count(lost, 'field')} would be lost, nothing was changed")


def _agreed(found: Sequence[Prospect]) -> bool:
    from podpy import adopt_output

    if not sys.stdin.isatty():
        return False
    asked = f"{adopt_output.summary(found)}. Go on? [y/N] "
    print(asked, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _carry_out(context: Context, found: Sequence[Prospect], form: str, directory: str) -> int:
    from podpy import adopt_output, adopting, progress

    report = progress.reporter(quiet=False)
    for one in found:
        adopting.bring_images(context.host.base.store, one.group, report)
    if directory:
        _write(directory, found)
    failed = 0
    for one in found:
        if _change_over(context, one.journal, form):
            for command in adopt_output.left(one):
                print(f"{one.group.name}: left with Podman, to remove: {command}", file=sys.stderr)
        else:
            failed = 1
    return failed


def _write(directory: str, found: Sequence[Prospect]) -> None:
    from podpy import rendered_files
    from renderers.quadlet.unit import File

    files = {
        one.file: File(name=one.file, content=one.text.encode(), mode=0o600)
        for each in found
        for one in _manifests(each)
    }
    rendered_files.put(directory, tuple(files.values()), "adopted", whole=False)


def _change_over(context: Context, journal: Journal, form: str) -> bool:
    """Change one group over; say how it went, and return whether podpy runs it now."""
    from reconciler.adopting import change_over

    def tell(text: str) -> None:
        print(f"{journal.group}: {text}", file=sys.stderr, flush=True)

    try:
        change_over.carry_out(context.host, journal, tell)
    except change_over.WentBack as fault:
        print(f"Error: {fault}", file=sys.stderr)
        return False
    # What a program or a file is to have of standard output is the plan alone.
    aside = form in ("-", *FORMS)
    print(f"{journal.group} adopted", file=sys.stderr if aside else sys.stdout)
    return True


def _resume(context: Context, left: Sequence[Journal], form: str) -> int:
    """Go on with what was killed, or back."""
    done = [_change_over(context, one, form) for one in left]
    return 0 if all(done) else 1
