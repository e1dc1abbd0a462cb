"""Tell who holds a lock: an open, locked file in, processes and their commands out.

Imported only when a wait has been in vain. The kernel lists locks in /proc/locks by inode.
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


def timed_out(descriptor: int, about: str, seconds: float) -> TimedOut:
    """Return the fault of having waited `seconds` for the lock on `descriptor`."""
    pids = holders(descriptor)
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


def holders(descriptor: int) -> tuple[int, ...]:
    """Return the processes that hold a lock on the file which `descriptor` has open."""
    wanted = os.fstat(descriptor)
    pids: set[int] = set()
    with open("/proc/locks", encoding="ascii") as file:
        for line in file:
            fields = line.split()
            # "1: FLOCK ADVISORY WRITE 4711 08:01:1234 0 EOF"; one that waits has "->" after "1:".
            if fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == str(wanted.st_ino):
                pids.add(int(fields[4]))
    return tuple(sorted(pid for pid in pids if pid != os.getpid() and _has_open(pid, wanted)))


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


def _has_open(pid: int, wanted: os.stat_result) -> bool:
    directory = f"/proc/{pid}/fd"
    try:
        for name in os.listdir(directory):
            try:
                if os.path.samestat(os.stat(f"{directory}/{name}"), wanted):
                    return True
            except OSError:
                continue
    except OSError:
        return False
    return False
