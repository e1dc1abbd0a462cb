"""Stay until pods have ended: `kube play --wait`, and the service that systemd's unit asks for."""

from __future__ import annotations

import os
import signal
import time

from manifests.observed import Phase
from podpy import podman
from reconciler import removing
from reconciler.state import results
from reconciler.workloads.expand import phase_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from podpy.context import Context
    from reconciler.plan.wish import Wished

POLL_SECONDS = 0.2
SERVICE_POLL_SECONDS = 2.0
OVER = (Phase.SUCCEEDED, Phase.FAILED)


def wait_and_remove(context: Context, wished: Sequence[Wished], propagation: str) -> int:
    """Stay until every pod has ended or a signal comes, then remove what was made.

    Claims keep their data: only `kube down --force` deletes it. Returns the exit status.
    """
    phases = _until_over(context, wished, POLL_SECONDS)
    removing.remove(context.host, {item.ref: item.object for item in wished})
    return status(phases, propagation or "any")


def serve(context: Context, wished: Sequence[Wished], propagation: str, socket: str) -> int:
    """Be what Podman's service container is: tell systemd that all is up, live while pods live.

    `socket` is where systemd waits for that word: $NOTIFY_SOCKET of a unit of Type=notify. What
    was made stays: the unit's ExecStop, `kube down`, removes it. Returns the exit status.
    """
    _notify(socket, f"READY=1\nMAINPID={os.getpid()}\n")
    return status(_until_over(context, wished, SERVICE_POLL_SECONDS), propagation or "none")


def status(phases: Sequence[Phase], propagation: str) -> int:
    """Return the exit status as --service-exit-code-propagation has it: none, any or all."""
    failed = [phase is Phase.FAILED for phase in phases]
    if propagation == "all":
        return int(bool(failed) and all(failed))
    return int(propagation == "any" and any(failed))


def _until_over(context: Context, wished: Sequence[Wished], seconds: float) -> list[Phase]:
    """Return the phases of the pods once all have ended or are gone, or a signal has come."""
    jobs = {item.ref for item in wished if item.ref.kind == "Job"}
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda caught, _frame: asked.append(caught))
    while True:
        now = time.time()
        phases = [phase_of(state, now) for state in podman.pods_of(context, wished)]
        # Between two pods of a Job all of them have ended, and it has not.
        ended = not phases or jobs <= results.read_jobs(context.database).keys()
        if asked or (ended and all(phase in OVER for phase in phases)):
            return phases
        _pause(asked, seconds)


def _pause(asked: Sequence[int], seconds: float) -> None:
    """Sleep in parts: a signal's handler ends no sleep (PEP 475)."""
    until = time.monotonic() + seconds
    while not asked and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, POLL_SECONDS))


def _notify(address: str, message: str) -> None:
    """Send systemd a message; `@` starts the name of an abstract socket."""
    import socket

    if address.startswith("@"):
        address = f"\0{address[1:]}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sending:
        sending.connect(address)
        sending.sendall(message.encode())
