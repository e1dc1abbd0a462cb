"""This host goes down: who stops its pods then, and how long nothing is to be started.

A unit of systemd's is active while pods may run, and its end at shutdown is `podpy internal halt`
(reconciler.halting). It is transient, so a host where podpy only lies in a folder has it, too; and
it ends after the agent, which would take the ends of containers for drift, but before networks and
file systems go. Stopping it by hand is refused by systemd: its end would do nothing then.
"""

from __future__ import annotations

import os
import time

from manifests.faults import Fault, Retry
from manifests.ref import Ref
from runtime import files, systemd
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reconciler.targets.host.base import Base
    from runtime.paths import Paths

UNIT = "podpy-pods.service"
SECONDS = 90.0
"""How long all pods have together, whatever their grace periods: as systemd gives a unit."""
_SPARE_SECONDS = 30
"""For SIGKILL, for what podpy records, and for a pass that holds a pod."""


def arrange(base: Base) -> None:
    """See to it that pods are stopped in good order when this host goes down.

    Nothing to do where that is so, where systemd is not process 1, and for an instance beside the
    host's own. What systemd refuses keeps no pod from running: it is noted as an event.
    """
    if not base.hook or not base.paths.is_the_hosts or not systemd.booted():
        return
    if systemd.has_unit(UNIT):
        return
    try:
        systemd.start_unit(UNIT, properties(base.hook))
    except Fault as fault:
        if not systemd.has_unit(UNIT):  # Else another command was faster.
            _warn(base, fault)


def properties(hook: str) -> tuple[str, ...]:
    """Return what systemd.unit(5) and systemd.service(5) are to know of the unit. Pure."""
    return (
        "Description=podpy's pods: stopped in good order when the host goes down",
        "After=local-fs.target remote-fs.target network.target",
        "Before=podpy-agent.service",
        "RefuseManualStop=yes",
        "IgnoreOnIsolate=yes",
        f"ExecStop={hook} internal halt",
        f"TimeoutStopSec={SECONDS + _SPARE_SECONDS:.0f}",
    )


def begin(paths: Paths) -> None:
    """Have nothing of podpy's start containers from now on."""
    files.write(paths.halting, b"", temporary=f"{paths.halting}.{os.getpid()}.tmp")


def under_way(paths: Paths) -> bool:
    """Tell whether nothing is to be started any more.

    A shutdown may be taken back, and what it has stopped is to run again then. Where a user's pods
    were stopped, others are started in new namespaces alone (runtime.rootless.making).
    """
    if not os.path.exists(paths.halting):
        return False
    if mode.active() or systemd.state() not in systemd.UP:
        return True
    files.unlink(paths.halting)
    return False


def refuse(paths: Paths) -> None:
    """Raise Retry where this host goes down: what is stopped now was not taken off by anybody."""
    if under_way(paths):
        raise Retry(
            "this host is going down: nothing is started any more",
            hint="podpy agent starts it after the next boot; without an agent, this command again",
        )


def _warn(base: Base, fault: Fault) -> None:
    from reconciler.state import events
    from runtime.observe import facts

    event = events.Event(
        ref=Ref(kind="Node", name=facts.node_name()),
        reason="NoShutdownUnit",
        message=f"pods would be killed without grace when this host goes down: {fault}",
        type=events.EventType.WARNING,
    )
    events.record(base.database, [event], time.time())
