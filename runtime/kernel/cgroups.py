"""Read and change control groups: which kinds this host has, a pod's tree, its use and its end.

    <controller's mount>/<instance>/<pod uid>/<container>   on v1, once for each hierarchy
    /sys/fs/cgroup/<instance>/<pod uid>/<container>         on v2

A path here ("/podpy/UID/app") is the part below the mount, the same in every hierarchy. The OCI
runtime makes and limits a container's cgroup; podpy makes what stands above it (v2), reads it and
removes it. Everything is idempotent: what is gone already is success.
"""

from __future__ import annotations

import errno
import os
import time

from manifests.faults import HostFault
from manifests.strenum import StrEnum
from manifests.value import Value
from runtime import files
from runtime.kernel import signals
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "/sys/fs/cgroup"
_POLL = 0.002
"""Seconds between looks at a cgroup that is emptying: dead processes leave it a little later."""

_LEAF_LINKS = 2
_UNITS = (".slice", ".service", ".scope")
"""What ends the names of systemd's cgroups: nobody else makes those or hands down to them."""

_ABSENT = (errno.ENOENT, errno.ENODEV, errno.ENOTDIR, errno.EOPNOTSUPP, errno.ESRCH)


class Version(StrEnum):
    V1 = "v1"
    V2 = "v2"
    HYBRID = "hybrid"
    NONE = "none"  # a user's who has been given no part of them


class Hierarchy(Value):
    """One cgroup mount: its directory, and the controllers (or "name=systemd") it carries."""

    directory: str
    controllers: tuple[str, ...]


class View(Value):
    """What a mount namespace sees. A pod's sees v1 on a hybrid host: its v2 mount is not there.

    `hierarchies` are those that containers are put in: on a hybrid host the v1 ones.
    """

    version: Version
    hierarchies: tuple[Hierarchy, ...]

    @property
    def v2(self) -> bool:
        return self.version is Version.V2

    def in_pod(self) -> View:
        """What a pod sees where this thread sees `self`: on a hybrid host v1 alone."""
        return self.replace(version=Version.V1) if self.version is Version.HYBRID else self

    @property
    def controllers(self) -> frozenset[str]:
        """All controllers, under the kernel's names (memory, cpu, pids...)."""
        return frozenset(name for one in self.hierarchies for name in one.controllers)

    def directory(self, controller: str, path: str) -> str | None:
        """Return where `path` lies in the hierarchy of `controller`; None without one."""
        for hierarchy in self.hierarchies:
            if controller in hierarchy.controllers:
                return f"{hierarchy.directory}{path}"
        return None

    def directories(self, path: str) -> tuple[str, ...]:
        """Return where `path` lies, in every hierarchy."""
        return tuple(f"{hierarchy.directory}{path}" for hierarchy in self.hierarchies)


def view(root: str = ROOT) -> View:
    """Look at the cgroup mounts of the calling thread's mount namespace.

    Raises HostFault when there are none.
    """
    if mode.without_cgroups():
        return View(version=Version.NONE, hierarchies=())
    unified = read(f"{root}/cgroup.controllers")
    if unified is not None:
        only = Hierarchy(directory=root, controllers=tuple(unified.split()))
        return View(version=Version.V2, hierarchies=(only,))
    found: list[Hierarchy] = []
    for line in (read("/proc/thread-self/cgroup") or "").splitlines():
        number, names, _path = line.split(":", 2)
        directory = f"{root}/{names.removeprefix('name=')}"
        if number != "0" and os.path.exists(f"{directory}/cgroup.procs"):
            found.append(Hierarchy(directory=directory, controllers=tuple(names.split(","))))
    if not found:
        raise HostFault(
            f"{root}: no cgroup hierarchy is mounted",
            hint="mount one: mount -t cgroup2 cgroup2 /sys/fs/cgroup",
        )
    hybrid = os.path.exists(f"{root}/unified/cgroup.procs")
    return View(version=Version.HYBRID if hybrid else Version.V1, hierarchies=tuple(found))


def create(seen: View, path: str) -> None:
    """Make the cgroup `path` and those above it; on v2 hand every controller down to it.

    The cgroups above `path` must hold no processes (v2's rule for what hands controllers down), so
    only leaves get any. A controller that the root cannot hand down (podpy in a container whose
    root cgroup is in use) is left out: the OCI runtime then refuses limits that need it.
    """
    for hierarchy in seen.hierarchies:
        directory = hierarchy.directory
        for name in path.strip("/").split("/"):
            if name.endswith(_UNITS):
                directory = f"{directory}/{name}"
                continue
            if seen.v2:
                _hand_down(directory, hierarchy.controllers)
            parent, directory = directory, f"{directory}/{name}"
            _make(parent, directory, hierarchy)


def die_as_one(seen: View, path: str) -> None:
    """Have all of `path` be killed where the kernel kills one of it for memory, as Kubernetes does.

    Only v2 knows that. Without the memory controller nothing is done.
    """
    directory = seen.directory("memory", path) if seen.v2 else None
    if directory is None:
        return
    file = f"{directory}/memory.oom.group"
    try:
        _write(file, "1")
    except OSError as error:
        if error.errno not in _ABSENT:
            raise HostFault(f"{file}: cannot be set: {error.strerror}") from error


def enter(seen: View, path: str, pid: int) -> None:
    """Move the process `pid` with all its threads into `path`, which exists, in every hierarchy.

    The first move after a quiet time waits 5-10 ms for an RCU grace period.
    """
    for directory in seen.directories(path):
        try:
            _write(f"{directory}/cgroup.procs", str(pid))
        except ProcessLookupError:
            return


def own() -> str:
    """Return the cgroup that this process is in, on v2; "" on hosts without."""
    for line in (read("/proc/self/cgroup") or "").splitlines():
        number, _names, path = line.split(":", 2)
        if number == "0":
            return path
    return ""


def step_down(seen: View, above: str, name: str) -> None:
    """Move this process from the cgroup `above`, where it is, into `name` below it; on v2.

    Before anything is handed down: with processes in it, `above` would become threaded by that,
    and take no others.
    """
    bare = seen.hierarchies[0].replace(controllers=())
    parent = f"{bare.directory}{above}"
    _make(parent, f"{parent}/{name}", bare)
    enter(seen, f"{above}/{name}", os.getpid())


def sheltered(seen: View, instance: str, process: int | None = None) -> bool:
    """Say whether `process`, or what this thread starts now, will outlive the session it is in.

    A service manager ends a unit or a login session by killing its cgroup. Nobody kills the root
    cgroup, or podpy's own; from anywhere else what is to stay has to be moved.
    """
    if not seen.hierarchies:
        return True  # Nothing can be moved out of anything.
    watched = "" if seen.v2 else "name=systemd"
    told = f"/proc/{'thread-self' if process is None else process}/cgroup"
    for line in (read(told) or "").splitlines():
        _number, names, path = line.split(":", 2)
        if names == watched:
            return path == "/" or f"{path}/".startswith(f"/{instance}/")
    return True


def shelter(seen: View, instance: str, process: int) -> None:
    """Move `process` to where nobody's end is its own: beside the pods' cgroups."""
    home = f"/{instance}/helpers"
    create(seen, home)
    enter(seen, home, process)


def processes(seen: View, path: str) -> tuple[int, ...]:
    """Return the processes in `path` and below; none when it is gone."""
    found: set[int] = set()
    for directory in seen.directories(path):
        for one in _tree(directory):
            found.update(int(pid) for pid in (read(f"{one}/cgroup.procs") or "").split())
        if seen.v2 or found:
            break
    return tuple(sorted(found - {0}))


def kill(seen: View, path: str, *, timeout: float = 5.0) -> None:
    """Kill everything in `path` and below, and wait until it is empty; TimedOut is not raised.

    Raises HostFault when something survives `timeout` seconds (in uninterruptible sleep).
    """
    deadline = time.monotonic() + timeout
    while True:
        left = processes(seen, path)
        if not left:
            return
        if time.monotonic() > deadline:
            raise HostFault(
                f"cgroup {path}: processes {_listed(left)} survive SIGKILL",
                hint="they hang in the kernel: see /proc/PID/stack, and dmesg",
            )
        _kill_once(seen, path, left)
        unthrottle(seen, path)
        time.sleep(_POLL)


def unthrottle(seen: View, path: str) -> None:
    """Let what is in `path` and below have all the processor time that it needs to end.

    A killed process that has used up its cgroup's quota ends no sooner than it is given more: a
    thousand of them take minutes.
    """
    directory = seen.directory("cpu", path)
    for one in _tree(directory) if directory else ():
        try:
            if seen.v2:
                _write(f"{one}/cpu.max", "max")
            else:
                _write(f"{one}/cpu.cfs_quota_us", "-1")
        except OSError as error:
            # Gone, without the controller, or a part of a real-time group: then it waits.
            if error.errno not in (*_ABSENT, errno.EINVAL, errno.EACCES, errno.EPERM):
                raise HostFault(f"{one}: quota cannot be lifted: {error.strerror}") from error


def removed_at_once(seen: View, path: str) -> bool:
    """Remove `path` and the cgroups below it if no process is in any; False where one is.

    The kernel refuses to remove a cgroup that is in use: nothing need be read to find that out,
    in up to a dozen hierarchies.
    """
    try:
        for directory in seen.directories(path):
            for one in reversed(list(_tree(directory))):
                try:
                    os.rmdir(one)
                except FileNotFoundError:
                    continue
    except OSError:
        return False  # `kill` and `remove` find out what is in the way, and tell.
    return True


def remove(seen: View, path: str, *, timeout: float = 2.0) -> None:
    """Remove `path` and the cgroups below it, from every hierarchy.

    What was killed a moment ago may still be leaving: EBUSY is tried again for `timeout` seconds
    and then raised as HostFault with the pids that are in the way.
    """
    deadline = time.monotonic() + timeout
    for directory in seen.directories(path):
        for one in reversed(list(_tree(directory))):
            _remove_one(one, deadline, seen, path)


def _hand_down(directory: str, wanted: tuple[str, ...]) -> None:
    control = f"{directory}/cgroup.subtree_control"
    given = (read(control) or "").split()
    for controller in wanted:
        if controller not in given:
            try:
                _write(control, f"+{controller}")
            except OSError as error:
                if error.errno not in (errno.EBUSY, errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP):
                    raise HostFault(
                        f"{control}: cannot enable {controller}: {error.strerror}"
                    ) from error


def _make(parent: str, directory: str, hierarchy: Hierarchy) -> None:
    try:
        os.mkdir(directory, 0o755)
    except FileExistsError:
        return
    except OSError as error:
        raise HostFault(f"{directory}: cannot make cgroup: {error.strerror}") from error
    if "cpuset" in hierarchy.controllers and os.path.exists(f"{parent}/cpuset.cpus"):
        # On v1 a new cpuset is empty and takes no process before it has cpus and memory nodes.
        for name in ("cpuset.cpus", "cpuset.mems"):
            if not (read(f"{directory}/{name}") or "\n").strip():
                _write(f"{directory}/{name}", (read(f"{parent}/{name}") or "").strip())


def _kill_once(seen: View, path: str, pids: tuple[int, ...]) -> None:
    if seen.v2:
        try:
            _write(f"{seen.directories(path)[0]}/cgroup.kill", "1")
            return
        except FileNotFoundError:
            pass  # before Linux 5.14, or gone
    freezer = seen.directory("freezer", path)
    if freezer:
        _set_frozen(freezer, "FROZEN")  # nothing can fork away from the loop below
    try:
        for pid in processes(seen, path) or pids:
            try:
                os.kill(pid, signals.SIGKILL)
            except ProcessLookupError:
                continue
    finally:
        if freezer:
            _set_frozen(freezer, "THAWED")


def _set_frozen(directory: str, state: str) -> None:
    try:
        _write(f"{directory}/freezer.state", state)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENODEV):
            raise HostFault(f"{directory}: cannot be {state}: {error.strerror}") from error


def _remove_one(directory: str, deadline: float, seen: View, path: str) -> None:
    while True:
        try:
            os.rmdir(directory)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                pids = _listed(processes(seen, path))
                raise HostFault(
                    f"cgroup {directory}: cannot be removed: {error.strerror}; processes: {pids}"
                ) from error
        time.sleep(_POLL)


def _tree(directory: str) -> Iterator[str]:
    """Yield `directory` and all cgroups below it, parents first."""
    try:
        # Each cgroup below is a link to this one, beside its own two: forty files need no listing.
        if os.lstat(directory).st_nlink == _LEAF_LINKS:
            children = []
        else:
            with os.scandir(directory) as entries:
                children = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    yield directory
    for child in children:
        yield from _tree(child)


def read(path: str) -> str | None:
    """Return what a file of a cgroup, or of /proc, says; None where it, or the cgroup, is gone."""
    try:
        return files.read(path).decode()
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise


def _write(path: str, text: str) -> None:
    # A cgroup file takes one write(2); open() with "w" would add O_CREAT and hide a missing file.
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _listed(pids: tuple[int, ...]) -> str:
    shown = ", ".join(str(pid) for pid in pids[:5])
    return shown + (", ..." if len(pids) > 5 else "") if pids else "none"
