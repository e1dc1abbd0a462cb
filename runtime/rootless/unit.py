"""The user's systemd: a unit that has the namespaces and all pods, in a cgroup that is the user's.

With it containers have limits, and pods live as long as the user's systemd does: through a logout
where the user lingers. It is transient, and its end, whoever wants it, stops the pods in good order
(`podpy internal halt`). Without such a systemd, or with cgroup v1, there is none of this.

    UNIT/                   the root of the user's cgroup namespace
    UNIT/INSTANCE/helpers   holder, slirp4netns, name servers, commands that begin in a session
    UNIT/INSTANCE/POD/...   as root's podpy has them
"""

from __future__ import annotations

import os
import time

from manifests.faults import HostFault
from runtime import files, proc
from runtime.kernel import cgroups

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.paths import Paths

HELPERS = "helpers"
_KEPT = ("PODPY_", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")
_SECONDS = 120.0
_CALL_SECONDS = 30.0
_STOP_SECONDS = 120
_POLL = 0.2
_BUS = "org.freedesktop.systemd1"


def available() -> bool:
    """Say whether this user has a systemd that can give them a cgroup."""
    run_dir = os.environ.get("XDG_RUNTIME_DIR", "")
    return (
        bool(run_dir)
        and os.path.exists(f"{run_dir}/systemd/private")
        and os.path.exists(f"{cgroups.ROOT}/cgroup.controllers")
        and proc.find("systemd-run") is not None
    )


def name(paths: Paths) -> str:
    return f"{paths.instance}-pods.service"


def start(paths: Paths, program: str) -> None:
    """Have systemd run `PROGRAM internal hold` as the unit, and wait for it.

    Raises HostFault with what kept that from making the namespaces.
    """
    files.unlink(complaint(paths))
    command = ("systemd-run", "--user", "--quiet", "--collect", *_words(paths, program))
    deadline = time.monotonic() + _SECONDS
    while True:
        done = proc.run(*command, program, "internal", "hold", timeout=_SECONDS)
        if done.status == 0:
            return
        # The one before may be on its way out still.
        if "already" not in done.complaint or time.monotonic() > deadline:
            break
        time.sleep(_POLL)
    message, _, hint = _told(paths).partition("\n")
    raise HostFault(
        message or f"{name(paths)}: the user's systemd does not start it: {done.complaint}",
        hint=hint or f"see journalctl --user -u {name(paths)}",
    )


def _words(paths: Paths, program: str) -> Iterator[str]:
    yield f"--unit={name(paths)}"
    yield "--service-type=forking"
    for one in properties(paths, program):
        yield f"--property={one}"
    for variable, value in os.environ.items():
        if variable.startswith(_KEPT):
            yield f"--setenv={variable}={value}"


def properties(paths: Paths, program: str) -> tuple[str, ...]:
    """Return what systemd.service(5) and systemd.resource-control(5) are to know of it. Pure."""
    return (
        "Description=podpy's pods of this user",
        "Delegate=yes",
        f"PIDFile={pid_file(paths)}",
        f"ExecStop={program} internal halt",
        f"TimeoutStopSec={_STOP_SECONDS}",
        # Its end was asked for: SIGTERM of what is left when the pods are stopped.
        "SuccessExitStatus=SIGTERM",
    )


def pid_file(paths: Paths) -> str:
    return f"{paths.user_dir}/holder.pid"


def complaint(paths: Paths) -> str:
    """Where `internal hold` leaves why it failed, for the command that waits: message, hint."""
    return f"{paths.user_dir}/complaint"


def _told(paths: Paths) -> str:
    try:
        return files.read(complaint(paths)).decode(errors="replace")
    except OSError:
        return ""


def helpers(paths: Paths) -> str:
    """Make the cgroup for helpers below the unit's, which this process is in; return its files'
    directory."""
    directory = f"{cgroups.ROOT}{cgroups.own()}/{paths.instance}/{HELPERS}"
    os.makedirs(directory, exist_ok=True)
    return directory


def move_here(directory: str) -> None:
    """Move this process into the cgroup of that directory."""
    with open(f"{directory}/cgroup.procs", "w", encoding="ascii") as file:
        file.write(str(os.getpid()))


def adopt(paths: Paths) -> None:
    """Have systemd move this process into the unit, unless it is there already.

    Who is in a cgroup namespace can move nothing into it from outside (nsdelegate of cgroup2), so
    what this process starts could not get there. Before it leaves the host's namespaces. HostFault.
    """
    if f"/{name(paths)}/" in f"{cgroups.own()}/":
        return
    words = ("/org/freedesktop/systemd1", f"{_BUS}.Manager", "AttachProcessesToUnit", "ssau")
    done = proc.run(
        "busctl", "--user", "call", _BUS, *words, name(paths), f"/{paths.instance}/{HELPERS}", "1",
        str(os.getpid()), timeout=_CALL_SECONDS,
    )  # fmt: skip
    if done.status != 0:
        raise HostFault(
            f"{name(paths)}: the user's systemd does not take this command in: {done.complaint}",
            hint="try it from a unit of the user's: systemd-run --user --pty podpy ...",
        )
