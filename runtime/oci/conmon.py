"""Start a container's supervisor: conmon, which runs `create` of the OCI runtime and stays.

    launch in -> the container's pid out, or NotCreated with the runtime's own words

conmon holds the container's output and writes it to the log, notes how it ended
(BUNDLE/exit/exit, .../oom) and outlives podpy: it forks, leaves the session, and where it would be
killed with this session's cgroup it is moved out first. Called by runtime.oci.container.
"""

from __future__ import annotations

import errno
import os
import select
import time

from manifests.faults import HostFault, TimedOut
from manifests.value import Value
from runtime import activation, files
from runtime.kernel import cgroups, home, processes, signals
from runtime.oci.options import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.oci.engine import Engine

_KEPT = ("PATH", "HOME", "LANG", "TZ", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_STATE_HOME")
"""What conmon, and through it the exit command, sees of our environment, besides PODPY_*."""

# What a runtime says when the image lacks what the manifest wants to run, as against a host that
# cannot make the container: the kubelet, too, reports the first as RunContainerError.
_PROGRAM_FAULT = (
    r"(?i)executable file|exec: \"|open executable|exec user process|chdir to"
    r"|permission denied.*exec"
)
_NOISE = r"^(\d{4}-\d\d-\d\dT\S+: |error: |runc create failed: |time=\S+ level=\w+ )+"


class NotCreated(HostFault):
    """A container was not created or started; `reason` is the word that Kubernetes has for it."""


class Launch(Value):
    """What conmon is told. `log_size_max` in bytes, 0 for no limit; conmon then starts it afresh.
    With no `log_path` the output is thrown away. `journal`: the journal gets it, too.

    `exit_command` runs at every end of the container, a failed creation included.
    `cgroup` is conmon's own, "" to leave it in ours (see cgroups.sheltered). conmon kills the
    container after `timeout` seconds; 0 for never. So many `sockets` are passed on.
    """

    id: str
    name: str
    bundle: str
    oci_root: str
    log_path: str
    log_size_max: int = 0
    exit_command: tuple[str, ...] = ()
    terminal: bool = False
    stdin: bool = False
    cgroup: str = ""
    timeout: int = 0
    journal: bool = False
    sockets: int = 0


class Creation:
    """A container that conmon is creating: `finish` it, or leave the `with` block to give it up."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self._first = 0
        self._sync, self._sync_end = _answering()
        self._said, self._said_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._start, self._start_end = os.pipe2(os.O_CLOEXEC)

    def __enter__(self) -> Creation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up what is not finished, and close what it was to be told by."""
        if self._first:
            _abandon(self._first, self.launch.bundle)
            self._first = 0
        self._close("_sync", "_sync_end", "_said", "_said_end", "_start", "_start_end")

    def begin(self, engine: Engine, seen: cgroups.View) -> None:
        """Start conmon in its bundle and in its cgroup."""
        start = self._start if self.launch.cgroup else None
        os.chdir(self.launch.bundle)
        self._first = os.posix_spawn(
            engine.conmon,
            _argv(engine, self.launch),
            {**_environment(self._sync_end, start), **activation.environment(self.launch.sockets)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, self._said_end, 2),
                # Onto itself: that takes close-on-exec off, in the child alone.
                (os.POSIX_SPAWN_DUP2, self._sync_end, self._sync_end),
                *([] if start is None else [(os.POSIX_SPAWN_DUP2, start, start)]),
            ],
            setsigdef=[signals.SIGPIPE, signals.SIGINT, signals.SIGTERM, signals.SIGCHLD],
            setsigmask=[],
        )
        # Else the end of conmon would not be the end of what is read.
        self._close("_sync_end", "_said_end")
        if self.launch.cgroup:
            cgroups.create(seen, self.launch.cgroup)
            cgroups.enter(seen, self.launch.cgroup, self._first)
            os.write(self._start_end, b"\0")

    def finish(self, *, timeout: float) -> int:
        """Wait for conmon's answer and return the container's pid; for faults see `spawn`."""
        answer = _read_answer(self._sync, time.monotonic() + timeout)
        first, self._first = self._first, 0
        os.waitpid(first, 0)
        return _pid(answer, self._said, self.launch.name)

    def _close(self, *names: str) -> None:
        for name in names:
            if getattr(self, name) >= 0:
                os.close(getattr(self, name))
                setattr(self, name, -1)


def spawn(engine: Engine, launch: Launch, seen: cgroups.View) -> Creation:
    """Start conmon, which begins to create the container; `finish` waits for it.

    Call it inside the pod's namespaces, on a thread with a working directory of its own
    (inside.Inside): conmon 2.1.6 drops an `oom` file into the directory it starts in, so that
    is made the bundle. `finish` raises NotCreated, or TimedOut.
    """
    before = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    creation = Creation(launch)
    try:
        creation.begin(engine, seen)
    except BaseException:
        creation.close()
        raise
    finally:
        os.fchdir(before)
        os.close(before)
    return creation


def pid(bundle: str) -> int | None:
    """Return the pid of the conmon of `bundle`, None when it is dead."""
    number = files.number(f"{bundle}/conmon.pid")
    return number if number is not None and _is_of(bundle, number) else None


def opened(bundle: str) -> int | None:
    """Return a pidfd of the conmon of `bundle`, None when it is dead."""
    number = files.number(f"{bundle}/conmon.pid")
    return processes.opened_where(number, lambda found: _is_of(bundle, found))


def _is_of(bundle: str, number: int) -> bool:
    alive = processes.start_time(number) is not None
    return alive and bundle in processes.command_line(number)


def reachable(bundle: str) -> bool:
    """Say whether the conmon of `bundle` lives and takes orders."""
    return _order(bundle, b"")


def reopen_log(bundle: str) -> bool:
    """Ask the conmon of `bundle` to start its log file afresh; False when it is gone.

    conmon makes LOG.tmp and renames it over LOG: whoever holds a link to the old file keeps it.
    """
    return _order(bundle, b"2 0 0\n")


def _order(bundle: str, words: bytes) -> bool:
    try:
        ctl = os.open(f"{bundle}/ctl", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENXIO):
            return False  # ENXIO: nobody reads the fifo
        raise
    try:
        os.write(ctl, words)
    finally:
        os.close(ctl)
    return True


def _answering() -> tuple[int, int]:
    """Return the two ends of a pipe for conmon's answer.

    conmon ends when nobody can read that. Its own end can be read, too: so it stays when podpy is
    killed before it has answered, and the next pass starts what it has created.
    """
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        both = os.open(f"/proc/self/fd/{writing}", os.O_RDWR | os.O_CLOEXEC)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return reading, both


def _argv(engine: Engine, launch: Launch) -> list[str]:
    bundle = launch.bundle
    argv = [engine.conmon, "--api-version", "1", "--full-attach", "--no-sync-log"]
    argv += ["-c", launch.id, "-u", launch.id, "-n", launch.name, "-b", bundle]
    argv += ["-r", engine.path]
    argv += [word for one in options(launch.oci_root) for word in ("--runtime-arg", one)]
    argv += ["-p", f"{bundle}/pid", "-P", f"{bundle}/conmon.pid", "--persist-dir", f"{bundle}/exit"]
    log = f"k8s-file:{launch.log_path}" if launch.log_path else "none:"
    argv += ["--log-path", log, "--log-level", "error"]
    if launch.journal:
        argv += ["--log-path", "journald:"]
    if launch.log_size_max:
        argv += ["--log-size-max", str(launch.log_size_max)]
    if launch.timeout:
        argv += ["--timeout", str(launch.timeout)]
    if launch.terminal:
        argv.append("-t")
    if launch.stdin:
        argv += ["-i", "--leave-stdin-open"]
    if launch.exit_command:
        argv += ["--exit-command", launch.exit_command[0]]
        for word in launch.exit_command[1:]:
            argv += ["--exit-command-arg", word]
    return argv


def _environment(sync_end: int, start: int | None) -> dict[str, str]:
    given = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(("LC_", "PODPY_"))
    }
    given[home.VARIABLE] = home.named()
    given["_OCI_SYNCPIPE"] = str(sync_end)
    if start is not None:
        given["_OCI_STARTPIPE"] = str(start)
    return given


def _read_answer(sync: int, deadline: float) -> bytes:
    """Read conmon's line, b"" if it ended without one."""
    poll = select.poll()
    poll.register(sync, select.POLLIN)
    answer = b""
    while not answer.endswith(b"\n"):
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimedOut("conmon has not created the container before its deadline")
        part = os.read(sync, 65536)
        if not part:
            break
        answer += part
    return answer


def _pid(answer: bytes, said: int, name: str) -> int:
    """Take the pid from conmon's answer, or raise NotCreated with what it or the runtime said."""
    import re

    message = ""
    if answer:
        import json

        try:
            # conmon passes the runtime's bytes on as they are, so they may be no JSON.
            decoded = json.loads(answer.decode(errors="replace"), strict=False)
            if decoded["data"] > 0:
                return int(decoded["data"])
            message = decoded.get("message", "")
        except (ValueError, KeyError, TypeError):
            message = answer.decode(errors="replace")
    if not message:
        try:
            message = os.read(said, 65536).decode(errors="replace")
        except BlockingIOError:
            message = ""
    cause = plain(message) or "conmon ended without a word; see the system log"
    program = re.search(_PROGRAM_FAULT, cause)
    reason = "RunContainerError" if program else "CreateContainerError"
    hint = "check command, workingDir and the image's contents" if program else ""
    raise NotCreated(f"container {name}: {cause}", reason=reason, hint=hint)


def plain(message: str) -> str:
    """Return the last lines of a runtime's complaint, without time stamps and log levels."""
    import re

    lines = [re.sub(_NOISE, "", line.strip()) for line in message.strip().splitlines()]
    return "; ".join(line for line in lines[-3:] if line)


def _abandon(first: int, bundle: str) -> None:
    """End a conmon that did not answer: the first process, and the one it left behind."""
    # Nobody else can have its number: it has not been waited for.
    os.kill(first, signals.SIGKILL)
    left = opened(bundle)
    if left is not None:
        processes.signal(left, signals.SIGKILL)
        os.close(left)
    os.waitpid(first, 0)
