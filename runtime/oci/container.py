"""Start and signal containers, and read how they are, from files and /proc.

    BUNDLE/config.json, rootfs/    the OCI bundle
    BUNDLE/pid, conmon.pid         written by conmon
    BUNDLE/exit/{exit,oom}         how it ended: conmon's record, and the container's own message
    OCI_ROOT/ID/exec.fifo          there while the container is created and not yet started

`start` runs inside the pod's namespaces (inside.Inside.call); the rest anywhere. Creating one
is runtime.oci.creation, stopping and removing it runtime.oci.ending.
Reading a state starts no process. Gone already is success, everywhere.
"""

from __future__ import annotations

import errno
import os

from manifests.faults import HostFault
from manifests.strenum import StrEnum
from manifests.value import Value
from runtime import files
from runtime.kernel import cgroup_usage, cgroups, processes, signals
from runtime.oci import conmon
from runtime.oci.conmon import NotCreated
from runtime.oci.options import options
from runtime.rootless import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.oci.engine import Engine
    from runtime.paths import Paths

_SIGNALLED = 128
_KILLED = _SIGNALLED + signals.SIGKILL
_TIMED_OUT = -1
"""What conmon records of a container that it has killed after the time it was given."""

_RECORDS = (
    "pid",
    "conmon.pid",
    "oom",
    "ctl",
    "winsz",
    "attach",
    "exit/exit",
    "exit/oom",
    "exit/message",
)


class State(StrEnum):
    GONE = "gone"  # never created, or removed
    CREATED = "created"  # set up, its program not yet started
    RUNNING = "running"
    STOPPED = "stopped"


class Container(Value):
    """Where a container is found: nothing but names, so it can be made anew from its pod's uid."""

    id: str
    name: str
    bundle: str
    cgroup: str
    oci_root: str

    @classmethod
    def of(cls, paths: Paths, uid: str, name: str) -> Container:
        return cls(
            id=f"{uid}.{name}",
            name=name,
            bundle=paths.container(uid, name),
            cgroup=cgroup_of(paths, uid, name),
            oci_root=paths.oci_state,
        )

    @property
    def state_dir(self) -> str:
        """What the OCI runtime keeps of it."""
        return f"{self.oci_root}/{self.id}"

    @property
    def fifo(self) -> str:
        return f"{self.state_dir}/exec.fifo"

    @property
    def config(self) -> str:
        return f"{self.bundle}/config.json"


def cgroup_of(paths: Paths, uid: str, name: str) -> str:
    """Return the container's cgroup: below the pod's, or where its supervisor has given it one."""
    try:
        return os.readlink(paths.given_cgroup(uid, name))
    except FileNotFoundError:
        return f"/{paths.instance}/{uid}/{name}"


def give_cgroup(paths: Paths, uid: str, name: str, cgroup: str) -> None:
    """Have the container run in `cgroup` from its next start on."""
    link = paths.given_cgroup(uid, name)
    os.makedirs(os.path.dirname(link), mode=0o700, exist_ok=True)
    temporary = f"{link}.{os.getpid()}.tmp"
    os.symlink(cgroup, temporary)
    os.replace(temporary, link)


class Ended(Value):
    """How a container ended. `code` is 128 + n after signal n; None when nobody saw it end.

    `at` is seconds since 1970. `oom_killed`: the kernel killed one of its processes for memory.
    """

    code: int | None
    oom_killed: bool
    at: float


def start(engine: Engine, container: Container) -> None:
    """Start the program of a created container. Raises NotCreated when it is dead or not created.

    With crun that is a byte into the fifo its first process waits at, then the fifo's removal (by
    which crun's own state says "running"); otherwise the runtime's `start`.
    """
    if engine.starts_by_fifo and os.path.exists(container.fifo):
        if pid(container) is None:
            raise NotCreated(
                f"container {container.name}: died before it was started",
                reason="RunContainerError",
            )
        _start_by_fifo(container.fifo)
        return
    from runtime import proc

    words = (*options(container.oci_root), "start", container.id)
    result = proc.run(engine.path, *words, timeout=30)
    if result.status != 0:
        raise NotCreated(
            f"container {container.name}: cannot be started: {conmon.plain(result.complaint)}",
            reason="RunContainerError",
        )


def config(container: Container) -> str:
    """Read the config.json that the container was made from. HostFault where somebody took it."""
    try:
        with open(container.config, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError as error:
        raise HostFault(
            f"container {container.name}: cannot enter it: {container.config} is not there",
            hint="if its pod runs, apply that again: it puts back what was removed by hand",
        ) from error


def state(container: Container) -> State:
    """Read what the container is now.

    A container whose process has died is RUNNING until its conmon has written down how (about 2
    ms); when conmon died too, it is STOPPED and `ended` says that nobody knows.
    """
    return look(container)[0]


def look(container: Container) -> tuple[State, int | None]:
    """Read the same, and with it the pid of the container's first process while that lives."""
    if os.path.exists(f"{container.bundle}/exit/exit"):
        return dead(container), None
    living = pid(container)
    if living is not None:
        return (State.CREATED if os.path.exists(container.fifo) else State.RUNNING), living
    if not os.path.exists(f"{container.bundle}/pid"):
        return State.GONE, None
    if conmon_pid(container) is not None:
        return State.RUNNING, None
    # The record may have been written between the first look and this one.
    return dead(container), None


def dead(container: Container) -> State:
    """Read the state of one whose process is dead.

    STOPPED, or GONE where its program was never started: that has no end, and counts for none.

    podpy was killed before it started what conmon had created, and another one has removed it, or
    is about to. A fifo with another end is that of a start that podpy was killed in.
    """
    if not os.path.exists(container.fifo):
        return State.STOPPED
    code = files.number(f"{container.bundle}/exit/exit")
    return State.GONE if code in (None, _KILLED) else State.STOPPED


def pid(container: Container) -> int | None:
    """Return the pid of the container's first process, None when it is dead.

    That the process is in the container's cgroup tells it from another with a reused number;
    without cgroups, that it started when the container's did.
    """
    number = files.number(f"{container.bundle}/pid")
    return number if number is not None and _is_inside(container, number) else None


def _is_inside(container: Container, number: int) -> bool:
    started = processes.start_time(number)
    if started is None:
        return False
    if mode.without_cgroups():
        return started == _started(container)
    # Further down, too: an init system moves itself into a cgroup that it makes below its own.
    return processes.is_below(number, container.cgroup)


def _started(container: Container) -> int | None:
    """When the container's first process started, as crun has noted it, in clock ticks."""
    noted = files.read_json(f"{container.state_dir}/status")
    return noted.get("process-start-time") if isinstance(noted, dict) else None


def opened(container: Container) -> int | None:
    """Return a pidfd of the container's first process, None when it is dead."""
    number = files.number(f"{container.bundle}/pid")
    return processes.opened_where(number, lambda pid: _is_inside(container, pid))


def conmon_pid(container: Container) -> int | None:
    """Return the pid of the container's conmon, None when it is dead."""
    return conmon.pid(container.bundle)


def watched(container: Container) -> bool:
    """Tell whether the container's conmon lives, for whoever asks of all containers at each pass.

    Quicker than `conmon_pid`, and wrong where a dead one's number has been given to another.
    """
    pid = files.number(f"{container.bundle}/conmon.pid")
    return pid is not None and os.path.exists(f"/proc/{pid}")


def ended(container: Container, seen: cgroups.View) -> Ended | None:
    """Read how the container ended; None while it lives or was never there.

    Whether memory was the cause is read from its cgroup, which counts exactly, and, when that is
    gone, from conmon's note: so read this before `remove`.
    """
    if state(container) is not State.STOPPED:
        return None
    record = f"{container.bundle}/exit/exit"
    code = files.number(record)
    if code == _TIMED_OUT:
        code = _KILLED
    try:
        at = os.stat(record).st_mtime
    except FileNotFoundError:
        try:
            at = os.stat(f"{container.bundle}/pid").st_mtime
        except FileNotFoundError:
            return None  # It is being started again, or removed, at this very moment.
    kills = cgroup_usage.oom_kills(seen, container.cgroup)
    if kills is None:
        kills = int(os.path.exists(f"{container.bundle}/exit/oom"))
    return Ended(code=code, oom_killed=kills > 0, at=at)


def kill(container: Container, number: int) -> bool:
    """Send signal `number` to the container's first process; False when it is dead."""
    pidfd = opened(container)
    if pidfd is None:
        return False
    try:
        return processes.signal(pidfd, number)
    finally:
        os.close(pidfd)


def forget(container: Container) -> None:
    """Remove from the bundle what conmon has recorded of an earlier attempt."""
    for record in _RECORDS:
        files.unlink(f"{container.bundle}/{record}")


def _start_by_fifo(fifo: str) -> None:
    # The first process holds the fifo open until it has read: with no reader (ENXIO) the byte came
    # from a podpy that was killed before it removed the fifo.
    try:
        fd = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENXIO):
            raise
    else:
        try:
            os.write(fd, b"\0")
        finally:
            os.close(fd)
    files.unlink(fifo)
