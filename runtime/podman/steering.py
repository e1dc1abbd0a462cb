"""Stop and start what Podman runs, so that it stays stopped: also through a reboot of the host.

    hold      take away what would start it again: its restart policy, its unit's file
    stop      end it, in its own time
    back      give it back what `hold` took, and start it

Each does nothing where it has been done already, so that it may be done again after a kill.
"""

from __future__ import annotations

import functools
import os

from manifests.faults import HostFault
from manifests.value import Value
from runtime import proc, systemd
from runtime.podman import asking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MARGIN_SECONDS = 60.0
_START_SECONDS = 120.0
_ASIDE = ".adopted"
_AT_BOOT = "podman-restart.service"


class Running(Value):
    """A container that Podman runs, with what is needed to stop it and to start it again.

    `files` are the files that systemd starts it from: Quadlet's, which are moved aside, or a unit,
    which is disabled. `stop_seconds` is how long it may take to end.
    """

    id: str
    name: str
    restart: str = ""
    stop_seconds: int = 10
    unit: str = ""
    file: str = ""
    quadlet: bool = False
    running: bool = True


def check(one: Running) -> None:
    """Raise HostFault where the container would come back at the next boot in spite of `hold`."""
    if one.unit or one.restart in ("", "no") or _can_update():
        return
    if systemd.booted() and _enabled(_AT_BOOT):
        raise HostFault(
            f"{one.name}: its restart policy {one.restart} would start it at the next boot, and "
            "this Podman cannot change it",
            hint=f"systemctl disable {_AT_BOOT}",
        )


def stop(ones: Sequence[Running]) -> None:
    """End these containers and see to it that nothing starts them. Raises HostFault."""
    for one in ones:
        if not one.unit and one.restart not in ("", "no") and _can_update():
            _podman_if_there("update", "--restart=no", one.id)
    for one in ones:
        _stop(one)
    for one in ones:
        _put_aside(one)
    alive = [one.name for one in ones if runs(one)]
    if alive:
        raise HostFault(f"Podman still runs {', '.join(alive)}", hint="podman ps")


def back(ones: Sequence[Running]) -> None:
    """Let Podman run these again, as before. Raises HostFault."""
    for one in ones:
        _put_back(one)
    for one in ones:
        if not one.unit and one.restart not in ("", "no") and _can_update():
            _podman_if_there("update", f"--restart={one.restart}", one.id)
        if not one.running or runs(one):
            continue
        if one.unit:
            proc.check("systemctl", "start", "--", one.unit, timeout=_START_SECONDS)
        else:
            proc.check(asking.program(), "start", one.id, timeout=_START_SECONDS)


def runs(one: Running) -> bool:
    """Tell whether the container runs; one of a unit has another id each time."""
    name = one.name if one.unit else one.id
    words = ("container", "inspect", "--format", "{{.State.Status}}", name)
    told = proc.run(asking.program(), *words, timeout=asking.ASK_SECONDS)
    return told.status == 0 and told.text.strip() in ("running", "stopping", "paused")


def _stop(one: Running) -> None:
    seconds = one.stop_seconds + _MARGIN_SECONDS
    if one.unit:
        proc.check("systemctl", "stop", "--", one.unit, timeout=seconds)
    elif runs(one):
        told = proc.run(asking.program(), "stop", one.id, timeout=seconds)
        # Podman fails, too, where only what it wanted to clear up afterwards was gone.
        if told.status != 0 and runs(one):
            raise HostFault(f"{one.name}: Podman cannot stop it: {told.complaint}")


def _put_aside(one: Running) -> None:
    """Let systemd no longer start the unit: Quadlet passes over the other name."""
    if one.quadlet and os.path.exists(one.file):
        os.rename(one.file, one.file + _ASIDE)
        proc.check("systemctl", "daemon-reload", timeout=_START_SECONDS)
    elif one.unit and not one.quadlet:
        proc.check("systemctl", "disable", "--", one.unit, timeout=_START_SECONDS)


def _put_back(one: Running) -> None:
    if one.quadlet and os.path.exists(one.file + _ASIDE):
        os.rename(one.file + _ASIDE, one.file)
        proc.check("systemctl", "daemon-reload", timeout=_START_SECONDS)
    elif one.unit and not one.quadlet:
        proc.check("systemctl", "enable", "--", one.unit, timeout=_START_SECONDS)


def _podman_if_there(*words: str) -> None:
    """Run podman on a container, the last word, unless this is gone."""
    told = proc.run(asking.program(), *words, timeout=asking.ASK_SECONDS)
    if told.status != 0 and "no such container" not in told.complaint.lower():
        raise HostFault(f"podman {' '.join(words)}: {told.complaint}")


@functools.cache
def _can_update() -> bool:
    """Tell whether `podman update` changes restart policies, as it does since 5.3."""
    told = proc.run(asking.program(), "update", "--help", timeout=asking.ASK_SECONDS)
    return "--restart" in told.text


def _enabled(unit: str) -> bool:
    return proc.run("systemctl", "is-enabled", "--quiet", unit, timeout=30.0).status == 0
