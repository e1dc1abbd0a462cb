"""Watch and signal processes that are not podpy's children, without racing against pid reuse.

A process is remembered as its pid and its start time (clock ticks after boot); a pidfd, once
opened and checked, means that process for ever. Reads /proc; starts nothing (runtime.proc does).
"""

from __future__ import annotations

import os
import select
import time

from runtime import files
from runtime.kernel import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator


MARK = "RLIMIT_RTTIME"
"""The limit that is a mark: microseconds that a realtime process may run without a pause, of which
no process has ever had so many."""
_UNLIMITED = 1 << 62


def start_time(pid: int) -> int | None:
    """Return when `pid` started, in clock ticks after boot; None when it is gone or a zombie."""
    try:
        text = files.read(f"/proc/{pid}/stat")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The program's name stands in brackets and may itself hold brackets and spaces.
    fields = text[text.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def alive(pid: int, started: int) -> bool:
    """Say whether the process that had `pid` and started then still runs (a zombie does not)."""
    return start_time(pid) == started


def opened(pid: int, started: int | None = None) -> int | None:
    """Return a pidfd of `pid`, None when it is gone or no longer the one that started then."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if started is not None and not alive(pid, started):
        os.close(fd)
        return None
    return fd


def opened_where(pid: int | None, holds: Callable[[int], bool]) -> int | None:
    """Return a pidfd of `pid` if `holds` says so of that number; None without one.

    Asked once it is open: what held before may have been another process of that number.
    """
    fd = None if pid is None else opened(pid)
    if fd is None or pid is None or holds(pid):
        return fd
    os.close(fd)
    return None


def signal(pidfd: int, number: int) -> bool:
    """Send signal `number`; False when the process is gone."""
    try:
        signals.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    return True


def wait(pidfds: Collection[int], seconds: float) -> set[int]:
    """Wait until all have ended or `seconds` have passed; return those that have ended."""
    ended: set[int] = set()
    for pidfd in ends(pidfds, seconds):
        ended.add(pidfd)
    return ended


def ends(pidfds: Collection[int], seconds: float) -> Iterator[int]:
    """Yield each pidfd as its process ends, until all have or `seconds` have passed."""
    if not pidfds:
        return
    deadline = time.monotonic() + seconds
    with select.epoll() as poll:
        waiting = set(pidfds)
        for pidfd in waiting:
            poll.register(pidfd, select.EPOLLIN)
        while waiting:
            left = deadline - time.monotonic()
            ready = poll.poll(max(left, 0.0))
            if not ready and left <= 0:
                return
            for pidfd, _event in ready:
                poll.unregister(pidfd)
                waiting.discard(pidfd)
                yield pidfd


def cgroups(pid: int) -> dict[str, str]:
    """Return the cgroup of `pid` by controller ("memory", "name=systemd"; "" is cgroup v2's).

    Empty when the process is gone.
    """
    try:
        lines = os.fsdecode(files.read(f"/proc/{pid}/cgroup")).splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    found: dict[str, str] = {}
    for line in lines:
        _hierarchy, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            found[controller] = path
    return found


def is_below(pid: int, cgroup: str) -> bool:
    """Say whether `pid` is in the cgroup of that path, or in one below it, in any hierarchy."""
    try:
        text = files.read(f"/proc/{pid}/cgroup")
    except (FileNotFoundError, ProcessLookupError):
        return False
    # Lines are NUMBER:CONTROLLERS:PATH, and the names of controllers hold no slash.
    return any(f"{cgroup}/" in f"{line}/" for line in os.fsdecode(text).split("\n"))


def children(pid: int) -> tuple[int, ...]:
    """Return the pids of the children of every thread of `pid`."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found.extend(int(word) for word in file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return tuple(found)


def new_mark() -> int:
    """Return a number that no other process of this host bears as MARK."""
    return _UNLIMITED | int.from_bytes(os.urandom(7), "big")


def marked(mark: int) -> tuple[int, ...]:
    """Return the living processes that bear the mark: all that was started by one that did.

    The limit is inherited whatever a process does to its parents, session, name or environment;
    only one that may raise limits could take it off.
    """
    wanted = str(mark).encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            limits = files.read(f"/proc/{name}/limits")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if wanted in limits and start_time(int(name)) is not None:
            found.append(int(name))
    return tuple(found)


def command_line(pid: int) -> tuple[str, ...]:
    """Return the words that `pid` was started with; empty when it is gone."""
    try:
        text = files.read(f"/proc/{pid}/cmdline")
    except (FileNotFoundError, ProcessLookupError):
        return ()
    return tuple(os.fsdecode(word) for word in text.split(b"\0")[:-1])
