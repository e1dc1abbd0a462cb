"""Run Kubernetes YAML: podman kube play's words and blocks, and a second run changes nothing."""

from __future__ import annotations

import argparse

from podpy import podman, registry_flags, wishes
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reconciler.plan.wish import Wished


def configure(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="file, directory, URL, or - for standard input")
    add("--sha256", default="", help="the digest that a URL's content must have")
    add("-n", "--namespace", default="", help="namespace of objects without one")
    add("--replace", action="store_true", help="make every pod anew, changed or not")
    add("--validate", choices=("strict", "warn", "ignore"), default="strict")
    add("--configmap", action="append", default=[], metavar="FILE", help="ConfigMaps to add")
    add("--network", action="append", default=[], metavar="NAME", help="host, none or a network")
    add("--publish", action="append", default=[], metavar="[[IP:]HOST:]CTR[/PROTO]")
    add("--publish-all", action="store_true", help="publish every containerPort")
    add("--annotation", action="append", default=[], metavar="K=V", help="added to every Pod")
    add("--ip", action="append", default=[], help="address of the first, second ... pod")
    add("--build", action=argparse.BooleanOptionalAction, default=False)
    add("--context-dir", default="", metavar="DIR", help="where --build looks for images")
    registry_flags.add(parser)
    add("--seccomp-profile-root", default="/var/lib/kubelet/seccomp")
    add("--timeout", type=float, default=120.0, help="seconds until a pod must run")
    add("--wait", "-w", action="store_true", help="stay until all pods have ended, then remove")
    add("--quiet", "-q", action="store_true", help="no pull progress")
    add("--down", action="store_true", help=argparse.SUPPRESS)
    add("--force", action="store_true", help=argparse.SUPPRESS)
    add("-o", "--output", choices=("text", "json"), default="text")
    add("--dry-run", action="store_true", help="show the plan, change nothing")


def run(arguments: argparse.Namespace) -> int:
    from podpy import changes, progress
    from reconciler import cycle

    if arguments.down:
        from podpy.commands import kube_down

        return kube_down.take_down(arguments.files, arguments)
    context = Context(
        pulling=podman.pulling(arguments, progress.reporter(quiet=arguments.quiet)),
        settings={
            "start_seconds": arguments.timeout,
            "seccomp_root": arguments.seccomp_profile_root,
        },
    )
    wished = podman.flagged(_load(context, arguments), arguments)
    if arguments.build:
        podman.build(context, wished, arguments)
    options = cycle.Options(
        applyset=wishes.applyset(arguments.files),
        recreate=arguments.replace,
        all_or_nothing=True,
    )
    if arguments.dry_run:
        changes.show_plan(cycle.prospect(context.host, wished, options).plan)
        return 0
    report = cycle.converge(context.host, wished, options, podman.complain)
    if report.failed:
        podman.show_rolled_back(report)
        return podman.FAILED
    if arguments.output == "json":
        print(changes.report_json(report))
    elif not report.plan.effective():
        print(f"unchanged: {len(wished)} objects are as they should be")
    else:
        podman.show_blocks(context, wished)
    if arguments.wait:
        return podman.wait_and_remove(context, wished)
    return 0


def _load(context: Context, arguments: argparse.Namespace) -> tuple[Wished, ...]:
    from manifests import load
    from manifests.problems import Severity

    unknown = {"strict": Severity.ERROR, "warn": Severity.WARNING, "ignore": None}
    options = load.KUBE_PLAY.replace(
        namespace=arguments.namespace, unknown=unknown[arguments.validate]
    )
    sources = [*arguments.files, *arguments.configmap]
    return wishes.load_wished(context, sources, options, arguments.sha256)
