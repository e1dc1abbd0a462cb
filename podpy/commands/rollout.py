"""Follow, repeat, hold or take back how a workload's pods are replaced.

`restart` replaces every pod of the workload, step by step, as for a change of its template; it is
marked there as by kubectl (kubectl.kubernetes.io/restartedAt), and the next apply of the manifest,
or pass of its Sync, finds nothing changed. `undo`, `pause` and `resume` change what was applied:
they last until the manifest is applied again, which is the whole wish.
"""

from __future__ import annotations

import time

from manifests.faults import HostFault, Invalid, TimedOut
from manifests.workloads import DaemonSet, Deployment
from podpy import asking, cli, listing
from podpy.context import Context
from podpy.inventory import Inventory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from podpy.counts import Counts
    from podpy.inventory import Item

POLL_SECONDS = 0.2
SPOKEN = {"Deployment": "deployment", "DaemonSet": "daemon set"}
"""The kinds that roll out, as kubectl's sentences name them."""

EXAMPLES = """
podpy rollout status deploy/web --timeout 2m
podpy rollout restart deploy/web
podpy rollout restart deploy -l app=web
podpy rollout history deploy/web
podpy rollout undo deploy/web --to-revision 2
podpy rollout pause deploy/web
"""


def configure(parser: argparse.ArgumentParser) -> None:
    from manifests import durations

    verbs = parser.add_subparsers(dest="verb", required=True)
    following = cli.verb(verbs, "status", "wait until all pods are as they are wanted, and ready")
    restarting = cli.verb(verbs, "restart", "replace every pod, step by step")
    undoing = cli.verb(verbs, "undo", "go back to an earlier template of a Deployment")
    steady = [
        cli.verb(verbs, "history", "list the templates that a Deployment has had"),
        cli.verb(verbs, "pause", "keep a Deployment's pods, whatever its template becomes"),
        cli.verb(verbs, "resume", "replace the pods of a Deployment that was paused"),
    ]
    for verb in (following, restarting, undoing, *steady):
        add = verb.add_argument
        add("words", nargs="*", metavar="KIND [NAME ...]", help="deploy web, or deploy/web")
        add("-f", "--filename", action="append", default=[], metavar="PATH", help="what it names")
        asking.add_filter_options(verb)
    following.add_argument(
        "-w", "--watch", action="store_true", default=True, help="--watch=false looks once"
    )
    following.add_argument(
        "--timeout",
        type=durations.seconds,
        default=600.0,
        metavar="SPAN",
        help="seconds, or as 2m; ten minutes if left out",
    )
    undoing.add_argument(
        "--to-revision", type=int, default=0, metavar="NUMBER", help="the one before, if left out"
    )
    for verb in (restarting, undoing, steady[2]):
        cli.add_timeout(verb)


def run(arguments: argparse.Namespace) -> int:
    changing = arguments.verb in ("restart", "undo", "resume")
    context = Context(settings={"start_seconds": arguments.timeout} if changing else {})
    chosen = _chosen(context, arguments)
    if arguments.verb == "restart":
        for item in chosen:
            _restart(context, item)
        return 0
    if arguments.verb != "status":
        from podpy import rollout_steering

        for item in chosen:
            rollout_steering.steer(context, item, arguments)
        return 0
    until = time.monotonic() + arguments.timeout
    for item in chosen:
        _follow(context, item, until, watch=arguments.watch)
    return 0


def _chosen(context: Context, arguments: argparse.Namespace) -> list[Item]:
    """Return the workloads that are meant. Raises Invalid for what does not roll out."""
    questions = (
        asking.questions_of_files(arguments.filename, arguments.namespace)
        if arguments.filename
        else asking.questions_of(arguments.words)
    )
    answers = asking.ask(Inventory(context), questions, asking.filter_of(arguments))
    missing = asking.missing(answers)
    if missing:
        raise Invalid(f"not found: {', '.join(missing)}", hint="podpy get deploy,ds -A")
    found = [item for answer in answers for item in answer.items]
    for ref in [item.ref for item in found if item.ref.kind not in SPOKEN]:
        raise Invalid(
            f"rollout: {ref} does not roll out: deployments and daemonsets do",
            hint="podpy wait; kube play --replace makes pods and Jobs anew",
        )
    if not found:
        raise Invalid("rollout: no such workloads are there", hint="podpy get deploy,ds -A")
    return found


def _restart(context: Context, item: Item) -> None:
    """Mark the workload as restarted, and take its rollout to the end. Raises HostFault where it
    comes to none: old pods stay then, and the next pass goes on."""
    from podpy import changes
    from reconciler import cycle, remembered
    from reconciler.workloads import restarting

    known = next(iter(remembered.wished(context.base, [item.ref])), None)
    thing = known.object if known is not None else None
    if known is None or not isinstance(thing, Deployment | DaemonSet):
        raise Invalid(f"rollout: {item.ref} has gone")
    if isinstance(thing, Deployment) and thing.spec.paused:
        raise Invalid(f"rollout restart: {item.ref} is paused", hint="podpy rollout resume first")
    while (at := restarting.mark(time.time())) == restarting.mark_of(thing):
        time.sleep(POLL_SECONDS)  # A mark has seconds, and tells one restart from the next.
    again = known.replace(object=restarting.marked(thing, at))
    report = cycle.converge(context.host, [again], cycle.Options(ready=True))
    changes.show_substitute(context.host)
    for outcome in report.failed:
        raise HostFault(f"{outcome.change.ref}: {outcome.fault}")
    print(f"{listing.full_name(item)} restarted", flush=True)


def _follow(context: Context, item: Item, until: float, *, watch: bool) -> None:
    """Print how far the workload is, each time that is another, until it is all there."""
    told = ""
    while True:
        found = _counted(Inventory(context), item)
        what = worded(SPOKEN[item.ref.kind], item.ref.name, found)
        if what != told:
            print(what, flush=True)
            told = what
        if rolled_out(found) or not watch:
            return
        _heed_deadline(context, item)
        if time.monotonic() >= until:
            raise TimedOut(f"rollout status: {item.ref} has not got so far within --timeout")
        time.sleep(POLL_SECONDS)


def _heed_deadline(context: Context, item: Item) -> None:
    """Raise HostFault where the rollout has made no progress for as long as it may."""
    from podpy import counts

    if not isinstance(item.thing, Deployment):
        return
    progressing = counts.progressing(item.thing, Inventory(context), item)
    if progressing["status"] == "False":
        raise HostFault(
            f"rollout status: {item.ref} exceeded its progress deadline: {progressing['message']}",
            hint=f"podpy describe deploy {item.ref.name}",
        )


def _counted(inventory: Inventory, item: Item) -> Counts:
    from podpy import counts, names

    there = {one.ref: one for one in inventory.items(names.kind(item.ref.kind))}.get(item.ref)
    if there is None or not isinstance(there.thing, (Deployment, DaemonSet)):
        raise Invalid(f"rollout: {item.ref} has gone")
    return counts.replicas(there.thing, inventory.owned(item.ref), inventory.now)


def rolled_out(found: Counts) -> bool:
    """Tell whether all pods that are wanted are there, of the present template, and no others."""
    return found.wanted == found.there == found.updated == found.ready


def worded(kind: str, name: str, found: Counts) -> str:
    """Say how far it is, in kubectl's words. Pure."""
    if rolled_out(found):
        return f'{kind} "{name}" successfully rolled out'
    pods = "pods" if kind == "daemon set" else "replicas"
    waiting = f'Waiting for {kind} "{name}" rollout to finish: '
    if found.updated < found.wanted:
        updated = f"{found.updated} out of {found.wanted} new {pods}"
        return f"{waiting}{updated} have been updated..."
    if found.there > found.updated:
        return f"{waiting}{found.there - found.updated} old {pods} are pending termination..."
    return f"{waiting}{found.ready} of {found.wanted} updated {pods} are available..."
