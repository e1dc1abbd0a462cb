"""Take this process into the namespaces of its user, where it is root; make them where there are
none. What podpy does from then on it does as on a host of its own.
"""

from __future__ import annotations

import os
import pwd

from manifests.faults import HostFault
from runtime import files, locks
from runtime.kernel import processes, syscalls
from runtime.rootless import making, mode, record, remains, slirp, unit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.paths import Paths
    from runtime.rootless.record import Record

# The user's first: it gives the right to enter the others. The mount namespace last: /proc is read
# until then.
_KINDS = {
    "user": syscalls.CLONE_NEWUSER,
    "net": syscalls.CLONE_NEWNET,
    "ipc": syscalls.CLONE_NEWIPC,
    "uts": syscalls.CLONE_NEWUTS,
    "cgroup": syscalls.CLONE_NEWCGROUP,
    "mnt": syscalls.CLONE_NEWNS,
}
_SECONDS = 120.0
_FIRST_PORT = "/proc/sys/net/ipv4/ip_unprivileged_port_start"


def enter(paths: Paths, program: Callable[[], str], *, starts: bool = True) -> None:
    """Move the calling process, which has one thread. Raises HostFault, and TimedOut.

    `program` gives the path of a program that is this podpy (see making.make). What `starts`
    processes in pods has to be in a cgroup of the user's, too, where there is one.
    """
    place, home = os.getcwd(), os.environ.get("HOME") or pwd.getpwuid(os.getuid()).pw_dir
    uid, gid = os.getuid(), os.getgid()
    # Of the host's network, before it is left.
    first_port = files.number(_FIRST_PORT)
    held = _held(paths, program)
    if starts and held.delegated:
        unit.adopt(paths)
    _join(held)
    try:
        os.chdir(place)
    except OSError as error:
        raise HostFault(f"{place}: cannot be seen from the user's namespaces: {error}") from error
    os.environ["HOME"] = home
    os.environ[mode.VARIABLE] = mode.name(uid, delegated=held.delegated)
    os.environ[mode.FIRST_PORT] = str(first_port or "")
    # What containers/storage and containers/image go by, in skopeo and buildah: whose files.
    os.environ["_CONTAINERS_USERNS_CONFIGURED"] = "done"
    os.environ["_CONTAINERS_ROOTLESS_UID"] = str(uid)
    os.environ["_CONTAINERS_ROOTLESS_GID"] = str(gid)
    making.cover_resolver(paths)


def _held(paths: Paths, program: Callable[[], str]) -> Record:
    """Return the record of a holder with a network; see to it that there is one."""
    found = record.read(paths)
    if found is not None and record.networked(found):
        return found
    _make_private(paths.user_dir)
    lock = os.open(f"{paths.user_dir}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        locks.wait(lock, "the namespaces of this user", timeout=_SECONDS)
        found = record.read(paths)
        if found is None:
            lost = record.last(paths)
            if lost is not None:
                remains.end(paths, lost.user)
            return making.make(paths, program)
        return found if record.networked(found) else _connected(paths, found)
    finally:
        os.close(lock)


def _make_private(directory: str) -> None:
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
    except OSError as error:
        raise HostFault(
            f"{directory}: cannot be made: {error.strerror}",
            hint="log in by ssh, at a console or with machinectl shell, so that XDG_RUNTIME_DIR is "
            "there; or: loginctl enable-linger, and export XDG_RUNTIME_DIR=/run/user/$(id -u)",
        ) from error
    status = os.stat(directory)
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise HostFault(f"{directory}: is not this user's alone", hint=f"remove {directory}")


def _connected(paths: Paths, held: Record) -> Record:
    """Start slirp4netns again for namespaces whose own has died."""
    # The holder has the end whose loss is to end it; a pipe can be opened anew at its other one.
    exit_end = os.open(f"/proc/{held.pid}/fd/{held.exit}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        network = slirp.start(paths, held.pid, exit_end)
    finally:
        os.close(exit_end)
    started = processes.start_time(network) or 0
    connected = held.replace(network=network, network_started=started)
    record.write(paths, connected)
    return connected


def _join(held: Record) -> None:
    opened: dict[str, int] = {}
    try:
        for kind in _KINDS:
            if kind == "cgroup" and not held.delegated:
                continue
            opened[kind] = os.open(f"/proc/{held.pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)
        if not record.holds(held):
            raise HostFault("the holder of this user's namespaces has just ended", hint="try again")
        for kind, descriptor in opened.items():
            syscalls.setns(descriptor, _KINDS[kind])
    except OSError as error:
        raise HostFault(
            f"the user's namespaces, held by process {held.pid}, cannot be entered: "
            f"{error.strerror}",
            hint=f"end them with all that runs there: kill {held.pid}",
        ) from error
    finally:
        for descriptor in opened.values():
            os.close(descriptor)
