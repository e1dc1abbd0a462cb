"""Run Kubernetes YAML: podman kube play's words and blocks, and a second run changes nothing."""

from __future__ import annotations

import os
import sys

from manifests.faults import Invalid
from podpy import flagged, play_flags, podman, wishes
from podpy.context import Context

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from reconciler.plan.wish import Wished

EXAMPLES = """
podpy kube play app.yaml
podpy kube play --network shop --publish 8080:80 app.yaml
podpy kube play --replace --build app.yaml
"""

configure = play_flags.declare


def run(arguments: argparse.Namespace) -> int:
    from podpy import changes, progress
    from reconciler import cycle

    play_flags.check(arguments)
    # systemd's socket is podpy's to speak to; crun would put one of its own before it.
    notify = os.environ.pop("NOTIFY_SOCKET", "")
    if arguments.down:
        from podpy.commands import kube_down

        return kube_down.take_down(arguments.files, arguments)
    context = Context(
        pulling=podman.pulling(arguments, progress.reporter(quiet=arguments.quiet)),
        settings={
            "start_seconds": arguments.timeout,
            "seccomp_root": arguments.seccomp_profile_root,
            "start": arguments.start,
        },
    )
    wished = flagged.apply(_load(context, arguments), arguments)
    wishes.warn_of_other_hosts(context, wished)
    if arguments.build is not False:
        podman.build(context, wished, arguments)
    options = cycle.Options(
        applyset=wishes.applyset(arguments.files),
        recreate=arguments.replace,
        all_or_nothing=True,
    )
    if arguments.dry_run:
        plan = cycle.prospect(context.host, wished, options).plan
        if arguments.output == "json":
            print(changes.plan_json(plan))
        else:
            changes.show_plan(plan)
        return 0
    report = cycle.converge(context.host, wished, options, podman.complain)
    changes.show_substitute(context.host)
    if arguments.output == "json":
        print(changes.report_json(report))
    if report.failed:
        podman.show_rolled_back(report)
        return podman.FAILED
    changes.tell_of_schedules(context.paths, wished)
    if arguments.output == "text":
        if not report.plan.effective():
            print(changes.nothing_done(len(wished)), file=sys.stderr)
        podman.show_blocks(context, wished)
    serving = notify if arguments.service_container else ""
    return _stay(context, wished, arguments, serving)


def _stay(
    context: Context, wished: tuple[Wished, ...], arguments: argparse.Namespace, notify: str
) -> int:
    """Stay in the foreground, where --wait or a unit of systemd (`notify`) asks for it."""
    if not arguments.wait and not notify:
        return 0
    from podpy import foreground

    sys.stdout.flush()
    propagation = arguments.service_exit_code_propagation
    if arguments.wait:
        return foreground.wait_and_remove(context, wished, propagation)
    return foreground.serve(context, wished, propagation, notify)


def _load(context: Context, arguments: argparse.Namespace) -> tuple[Wished, ...]:
    from manifests import kinds, load

    options = load.KUBE_PLAY.replace(
        namespace=arguments.namespace, unknown=wishes.UNKNOWN_FIELDS[arguments.validate]
    )
    # A comma parts files, as Podman takes them, unless a file has one in its name.
    configmaps = [path for word in arguments.configmap for path in wishes.listed(word)]
    sources = [*arguments.files, *configmaps]
    wished = wishes.load_wished(context, sources, options, arguments.sha256)
    for item in wished:
        if item.file in configmaps and item.ref.kind != "ConfigMap":
            raise Invalid(
                f"--configmap {item.file}: {item.where}: {item.ref} is no ConfigMap",
                hint="name the file without the flag to play it as well",
            )
    # As Podman, which passes over what it does not know only beside what it does.
    if all(item.file in configmaps for item in wished):
        raise Invalid(
            f"no object in {', '.join(arguments.files)} is of a kind that podpy runs, "
            "nothing was changed",
            hint=f"it runs {', '.join(info.kind for info in kinds.KINDS)}",
        )
    return wished
