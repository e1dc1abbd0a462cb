"""What podpy starts by itself: the hook that conmon runs when a container has ended."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("event", choices=("exited",))
    parser.add_argument("uid")


def run(arguments: argparse.Namespace) -> int:
    # conmon waits for the program that it starts, and the container is not over until conmon is:
    # so the work is a child's.
    if os.fork():
        return 0
    os.setsid()
    from podpy.context import Context, host_process
    from reconciler import hook
    from runtime.kernel import namespaces

    namespaces.leave(host_process())

    hook.exited(Context().host, arguments.uid)
    return 0
