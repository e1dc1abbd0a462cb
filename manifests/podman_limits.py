"""Limits of containers that Podman reads from annotations, and Kubernetes has no field for.

io.podman.annotations.ulimit               nofile=1024:2048,nproc=64, of all containers of the pod
io.podman.annotations.pids-limit/NAME      processes of one container
io.podman.annotations.cpuset/NAME          the cpus that it may use: 0-3,7
io.podman.annotations.memory-nodes/NAME    and the memory nodes
"""

from __future__ import annotations

from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "io.podman.annotations."
ULIMIT, PIDS, CPUS, NODES = "ulimit", "pids-limit", "cpuset", "memory-nodes"
HONOURED = frozenset({ULIMIT, PIDS, CPUS, NODES})
UNLIMITED = 2**64 - 1
_ULIMITS = frozenset({
    "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile",
    "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
})  # fmt: skip


class Ulimit(Value):
    """A limit of setrlimit(2): `name` as in ulimits, nofile."""

    name: str
    soft: int
    hard: int


class Limits(Value):
    """What the annotations say of one container; None and "" where they say nothing."""

    ulimits: tuple[Ulimit, ...] = ()
    pids: int | None = None
    cpus: str = ""
    nodes: str = ""


NOTHING = Limits()


def of_container(annotations: Mapping[str, str], name: str) -> Limits:
    """Return the limits of the container `name`. What is malformed was refused when it was read."""
    if not any(key.startswith(PREFIX) for key in annotations):
        return NOTHING
    pids = annotations.get(f"{PREFIX}{PIDS}/{name}", "")
    return Limits(
        ulimits=ulimits(annotations.get(f"{PREFIX}{ULIMIT}", "")) or (),
        # Podman's 0 and -1 are no limit.
        pids=int(pids) if pids.isdigit() and int(pids) else None,
        cpus=annotations.get(f"{PREFIX}{CPUS}/{name}", ""),
        nodes=annotations.get(f"{PREFIX}{NODES}/{name}", ""),
    )


def ulimits(text: str) -> tuple[Ulimit, ...] | None:
    """Read nofile=1024:2048,nproc=64; None where it is no such list."""
    found = []
    for word in filter(None, text.split(",")):
        name, equals, amounts = word.partition("=")
        soft, _, hard = amounts.partition(":")
        low, high = _amount(soft), _amount(hard or soft)
        if not equals or name.lower() not in _ULIMITS or low is None or high is None:
            return None
        found.append(Ulimit(name=name.lower(), soft=low, hard=high))
    return tuple(found)


def _amount(text: str) -> int | None:
    if text in ("-1", "unlimited"):
        return UNLIMITED
    return int(text) if text.isdigit() else None


def fault(name: str, value: str) -> str:
    """Return what is wrong with the value of the annotation `name`; "" if nothing is."""
    if name == ULIMIT:
        return "" if ulimits(value) else f'"{value}" is no list of limits, as nofile=1024:2048'
    if name == PIDS:
        return "" if value.removeprefix("-").isdigit() else f'"{value}" must be a number'
    return "" if _is_list(value) else f'"{value}" is no list of numbers, as 0-3,7'


def _is_list(text: str) -> bool:
    parts = [part.split("-") for part in text.split(",")]
    return all(len(part) <= 2 and all(one.isdigit() for one in part) for part in parts)
