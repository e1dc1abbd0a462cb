"""Tell who holds a lock: an open, locked file in, processes and their commands out.

Imported only when a wait has been in vain. The kernel lists the locks of each open file in
/proc/PID/fdinfo/FD; open file description locks have no process in /proc/locks.
"""

from __future__ import annotations

import os

from manifests.faults import TimedOut
from runtime.kernel import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 120
_SECRET_FLAGS = ("--creds",)


def timed_out(descriptor: int, about: str, seconds: float, place: int | None = None) -> TimedOut:
    """Return the fault of having waited `seconds` for the lock on `descriptor`, at byte `place`."""
    pids = holders(descriptor, place)
    if not pids:
        return TimedOut(
            f"{about}: its lock was held for {seconds:.0f} s, by a process that cannot be seen "
            "from here",
            hint="another podpy command is at it: look in the other containers of this host",
        )
    return TimedOut(
        f"{about}: {named(pids)} has kept its lock for {seconds:.0f} s",
        hint=f"wait for it to end, or end it: kill {' '.join(map(str, pids))}",
    )


def named(pids: Iterable[int]) -> str:
    """Name processes by their commands."""
    return ", ".join(f"{command(pid)} (process {pid})" for pid in pids)


def holders(descriptor: int, place: int | None = None) -> tuple[int, ...]:
    """Return the processes that have the file open by which it is locked, or its byte `place`."""
    wanted = os.fstat(descriptor)
    pids = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return tuple(sorted(pid for pid in pids if pid != os.getpid() and _locks(pid, wanted, place)))


def command(pid: int) -> str:
    """Return the process's words, without the interpreter, what is secret, and the far end."""
    words = list(processes.command_line(pid))
    if "-c" in words:
        # An exit hook is `python -I -S -c PROGRAM internal exited UID`.
        words = ["podpy", *words[words.index("-c") + 2 :]]
    else:
        start = (i for i, word in enumerate(words) if os.path.basename(word).startswith("podpy"))
        words = words[next(start, 0) :]
    shown: list[str] = []
    for word in words:
        flag, equals, _ = word.partition("=")
        if shown and _is_secret(shown[-1]):
            shown.append("***")
        elif equals and _is_secret(flag):
            shown.append(f"{flag}=***")
        else:
            shown.append(word if shown else os.path.basename(word))
    text = " ".join(shown) or "a process"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _is_secret(flag: str) -> bool:
    # argparse takes any unambiguous beginning of a flag.
    return len(flag) > 3 and any(secret.startswith(flag) for secret in _SECRET_FLAGS)


def _locks(pid: int, wanted: os.stat_result, place: int | None) -> bool:
    directory = f"/proc/{pid}/fd"
    try:
        names = os.listdir(directory)
    except OSError:
        return False
    for name in names:
        try:
            if os.path.samestat(os.stat(f"{directory}/{name}"), wanted):
                with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as file:
                    if any(_is_at(line, place) for line in file):
                        return True
        except OSError:
            continue
    return False


def _is_at(line: str, place: int | None) -> bool:
    """Tell whether a line of fdinfo is about the lock at that byte, or, for None, any lock.

    "lock:   1: OFDLCK ADVISORY  WRITE -1 08:01:1234 17 17"
    """
    fields = line.split()
    return fields[0] == "lock:" and (place is None or fields[-2] == str(place))
