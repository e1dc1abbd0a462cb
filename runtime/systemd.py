"""Speak to systemd where it is process 1, by its own programs: how it is, and units for this boot.

Nothing is asked of it on a host without it. Who wants which unit is the caller's to say.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

STOPPING = "stopping"
UP = frozenset({"initializing", "starting", "running", "degraded", "maintenance"})
"""What systemctl(1) calls a system that is not going down."""

_BOOTED = "/run/systemd/system"
_TRANSIENT = "/run/systemd/transient"
_SECONDS = 30.0


def booted() -> bool:
    """Tell whether systemd is this host's service manager, as sd_booted(3) does."""
    return os.path.isdir(_BOOTED)


def has_unit(name: str) -> bool:
    """Tell whether the transient unit `name` is there: its file goes with it."""
    return os.path.exists(f"{_TRANSIENT}/{name}")


def start_unit(name: str, properties: Iterable[str]) -> None:
    """Make and start a transient service that runs nothing while it is active.

    Returns before it has started: at boot that may take a while. HostFault where systemd will not.
    """
    from runtime import proc

    words = [word for one in properties for word in ("--property", one)]
    command = ("systemd-run", "--quiet", "--no-block", "--collect", f"--unit={name}", *words)
    proc.check(*command, "--service-type=oneshot", "--remain-after-exit", "true", timeout=_SECONDS)


def state() -> str:
    """Return the word for how the system is: STOPPING while the job that ends it is under way, one
    of UP, another where systemd takes no questions."""
    from runtime import proc

    return proc.run("systemctl", "is-system-running", timeout=_SECONDS).text.strip()
