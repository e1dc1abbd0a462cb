"""Tell what a cgroup uses, and how many of its processes the kernel has killed for memory."""

from __future__ import annotations

from manifests.value import Value
from runtime.kernel.cgroups import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.kernel.cgroups import View


class Usage(Value):
    """What a cgroup and all below it use; None where the host has no such controller.

    `memory` is bytes without page cache that can be dropped at once (what `kubectl top` shows);
    `cpu` is seconds since the cgroup was made.
    """

    memory: int | None
    cpu: float | None
    pids: int | None


def usage(seen: View, path: str) -> Usage:
    """Read what `path` uses now; all None when it is gone."""
    memory_dir, cpu_dir, pids_dir = (
        seen.directory(name, path) for name in ("memory", "cpu" if seen.v2 else "cpuacct", "pids")
    )
    if seen.v2:
        # cpu.stat counts time in every cgroup, with or without the cpu controller.
        base = seen.directories(path)[0]
        used = _field(f"{base}/cpu.stat", "usage_usec")
        cpu = None if used is None else used / 1e6
        memory = _memory(memory_dir, "memory.current", "inactive_file")
    else:
        used = _number(f"{cpu_dir}/cpuacct.usage") if cpu_dir else None
        cpu = None if used is None else used / 1e9
        memory = _memory(memory_dir, "memory.usage_in_bytes", "total_inactive_file")
    return Usage(
        memory=memory, cpu=cpu, pids=_number(f"{pids_dir}/pids.current") if pids_dir else None
    )


def oom_kills(seen: View, path: str) -> int | None:
    """Return how many processes of `path` the kernel killed for memory since it was made.

    Counts outlive the processes, until the cgroup is removed. None when it is gone, or the kernel
    does not count (v1 before 4.13).
    """
    directory = seen.directory("memory", path)
    if directory is None:
        return None
    return _field(
        f"{directory}/memory.events" if seen.v2 else f"{directory}/memory.oom_control", "oom_kill"
    )


def _memory(directory: str | None, file: str, cache: str) -> int | None:
    total = _number(f"{directory}/{file}") if directory else None
    if total is None:
        return None
    return max(0, total - (_field(f"{directory}/memory.stat", cache) or 0))


def _number(path: str) -> int | None:
    text = read(path)
    return None if text is None else int(text)


def _field(path: str, name: str) -> int | None:
    """Read the number behind `name` in a file of `name number` lines."""
    for line in (read(path) or "").splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return None
