"""End what is left in a user's namespaces that nobody holds any more: nobody can enter them again.

Pods there have lost their network with the holder, and podpy in new namespaces has no rights over
them: what is left is killed, and the next pass makes the pods anew.
"""

from __future__ import annotations

import os
import time

from manifests.faults import HostFault
from runtime.kernel import processes, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.paths import Paths

_SECONDS = 10.0
_POLL = 0.02


def end(paths: Paths, user: int) -> None:
    """Kill all that is in the user namespace of that number, if it is podpy's. HostFault where
    something survives.

    Who made a user namespace has every right over what is in it. The kernel gives numbers out
    again: a process that works for `paths` proves that it is still the one.
    """
    left = _inside(user)
    if not any(_works_for(paths, pid) for pid in left):
        return
    deadline = time.monotonic() + _SECONDS
    while left:
        if time.monotonic() > deadline:
            raise HostFault(
                f"processes {', '.join(map(str, left[:5]))} of pods that are lost survive SIGKILL",
                hint="they hang in the kernel: see /proc/PID/stack, and dmesg",
            )
        for pid in left:
            try:
                os.kill(pid, signals.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(_POLL)
        left = _inside(user)


def _inside(user: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            inside = os.stat(f"/proc/{name}/ns/user").st_ino == user
        except OSError:
            continue
        if inside and processes.start_time(int(name)) is not None:
            found.append(int(name))
    return found


def _works_for(paths: Paths, pid: int) -> bool:
    """Say whether it is a conmon, a name server or a hook of this instance."""
    words = processes.command_line(pid)
    return any(f"{paths.run_dir}/" in word for word in words)
