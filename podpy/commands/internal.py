"""What podpy starts by itself: the hook that goes on with a pod.

exited UID CONTAINER    conmon runs it at a container's end, in the pod's namespaces
attend UID              a pass runs it where the hook that waited for a back-off is gone
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from podpy.context import Context


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("event", choices=("exited", "attend"))
    parser.add_argument("uid")
    parser.add_argument("container", nargs="?", default="")


def run(arguments: argparse.Namespace) -> int:
    # conmon waits for the program that it starts, and the container is not over until conmon is:
    # so the work is a child's.
    if os.fork():
        return 0
    os.setsid()
    from podpy.context import Context

    context = Context()
    if arguments.event == "exited" and not _at_home(context, arguments.uid):
        return 1
    from reconciler import hook

    if arguments.event == "exited":
        hook.exited(context.host, arguments.uid, arguments.container)
    else:
        hook.attend(context.host, arguments.uid)
    return 0


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
