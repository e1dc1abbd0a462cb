"""What is not called by people: the hook that goes on with a pod, systemd's, and git's.

exited UID CONTAINER    conmon runs it at a container's end, in the pod's namespaces
attend UID              a pass runs it where nobody waits for a back-off or a deadline yet
halt                    systemd runs it as this host goes down (reconciler.targets.host.shutdown)
hold                    a user's systemd runs it: makes the user's namespaces (runtime.rootless)
unit VERB FILE ...      units of systemd's run it (podpy.unit_runs)
pre-receive NAME        git runs it before it takes a push, and refuses the push if it fails
post-receive NAME       git runs it after a push; what it prints is the pusher's to read
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from podpy.context import Context


UNIT = "unit"
PUSHES = ("pre-receive", "post-receive")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("event", choices=("exited", "attend", "halt", "hold", UNIT, *PUSHES))
    parser.add_argument("subject", nargs="?", default="", metavar="UID|NAME|VERB")
    parser.add_argument("words", nargs="*")


def run(arguments: argparse.Namespace) -> int:
    if arguments.event == UNIT:
        from podpy import unit_runs

        return unit_runs.run(arguments.subject, arguments.words)
    if arguments.event in PUSHES:
        return _push(arguments.event, arguments.subject)
    if arguments.event == "halt":
        return _halt()
    if arguments.event == "hold":
        return _hold()
    # conmon waits for the program that it starts, and the container is not over until conmon is:
    # so the work is a child's.
    if os.fork():
        return 0
    os.setsid()
    from podpy.context import Context

    context = Context()
    if arguments.event == "exited" and not _at_home(context, arguments.subject):
        return 1
    from reconciler import hook

    if arguments.event == "exited":
        hook.exited(context.host, arguments.subject, *arguments.words)
    else:
        hook.attend(context.host, arguments.subject)
    return 0


def _hold() -> int:
    from runtime import paths
    from runtime.rootless import making

    making.hold_in_unit(paths.default())
    return 0


def _halt() -> int:
    """Stop all pods, if the host really is going down; a user's whenever their unit is stopped."""
    import sys

    from runtime import systemd
    from runtime.rootless import mode

    if os.geteuid() != 0:
        return 0  # Nobody holds this user's namespaces any more.
    found = systemd.STOPPING if mode.active() else systemd.state()
    if found != systemd.STOPPING:
        print(f"nothing is stopped: the host is {found or 'not known to systemd'}")
        return 0
    from podpy.context import Context
    from reconciler import halting

    faults = halting.halt(Context().host)
    for fault in faults:
        print(f"Error: {fault}", file=sys.stderr)
    return 1 if faults else 0


def _push(event: str, name: str) -> int:
    import sys

    from podpy import pushes
    from podpy.context import Context

    answer = pushes.check if event == "pre-receive" else pushes.follow
    return answer(Context(), name, pushes.updates(sys.stdin))


def _at_home(context: Context, uid: str) -> bool:
    """Go back to the host's namespaces; False, and noted, where that is impossible."""
    from manifests.faults import Fault
    from runtime.kernel import home

    try:
        home.go(os.environ.get(home.VARIABLE, ""), context.paths.pod(uid))
    except Fault as fault:
        _note(context, uid, fault)
        return False
    return True


def _note(context: Context, uid: str, fault: Exception) -> None:
    """Record why nobody goes on with the pod: the pod's namespaces see podpy's files, too."""
    import time

    from manifests import kinds
    from reconciler.state import events
    from runtime.observe import records

    record = records.read_pod(context.paths, uid)
    if record is None or record.deleting or record.finished:
        return  # Nothing was to be done: another hook, or a removal, was faster.
    event = events.Event(
        ref=kinds.ref(record.pod),
        reason="FailedRestart",
        message=str(fault),
        type=events.EventType.WARNING,
    )
    events.record(context.database, [event], time.time())
