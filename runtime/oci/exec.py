"""Run a command in a running container, in place of podpy or beside it.

    command(...)        what to execute: the OCI runtime's `exec`, which keeps the container's
                        cgroup, capabilities and seccomp filter
    replace(...)        podpy's process becomes that: terminal, signals and exit code are its own
    status_of(...)      its exit code, within a deadline; what it writes is thrown away
    answer_of(...)      the same with the beginning of what it writes; killed at the deadline

The runtime has to see the container's files and cgroups as the pod does: `replace`, which
podpy.commands.exec calls, enters the pod's mount namespace, the others are called inside it.
"""

from __future__ import annotations

import os
import select
import time

from manifests.faults import HostFault
from manifests.value import Value
from runtime.kernel import processes, signals, syscalls
from runtime.oci import container as oci
from runtime.oci.options import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from subprocess import Popen
    from typing import NoReturn

    from runtime.oci.container import Container


MOST_OUTPUT = 10 * 1024
_BUFFER = 1 << 16
_LOOKS = 20
"""How often at most what a command has left is looked for: the dead need a moment to go."""

_ROOT = (
    '"user":{"uid":0,"gid":0}',
    '"user":{"uid":0,"gid":0,"additionalGids":[0]}',
)
"""How renderers.oci_config writes the user that the runtimes take without being told."""


class Command(Value):
    """What to run. Unset fields are the container's own; `user` is UID or UID:GID.

    Without `stdin` the command reads end-of-file at once. `mark` is a number that the command and
    all that it starts bear, see processes.mark; 0 for none.
    """

    argv: tuple[str, ...]
    terminal: bool = False
    stdin: bool = False
    cwd: str = ""
    user: str = ""
    env: tuple[str, ...] = ()
    mark: int = 0


def command(container: Container, wanted: Command, *, process_file: str = "") -> list[str]:
    """Return the words that run `wanted`, for a process in the pod's mount namespace.

    `process_file` is where the text of `process` can be read, if it gave any.
    """
    words = [_runtime(container), *options(container.oci_root), "exec"]
    if process_file:
        return [*words, "--process", process_file, container.id]
    if wanted.terminal:
        words.append("--tty")
    if wanted.cwd:
        words += ["--cwd", wanted.cwd]
    if wanted.user:
        words += ["--user", wanted.user]
    return [*words, container.id, *wanted.argv]


def process(container: Container, wanted: Command) -> str:
    """Return the OCI process that `wanted` is, "" where the runtime's flags say all of it.

    They do not where the container has a user: without a word the runtimes take root, whoever the
    container's process is, and --user knows no further groups. Nor with variables: crun takes those
    that --env names in place of the container's own, and a Secret among these would be seen by
    every user of the host in the list of processes.
    """
    text = oci.config(container)
    start = text.find('"user":')
    has_user = not wanted.user and text[start : text.find("}", start) + 1] not in _ROOT
    if not (has_user or wanted.env or wanted.mark):
        return ""
    import json

    own = json.loads(text)["process"]
    own |= {"args": wanted.argv, "terminal": wanted.terminal, "cwd": wanted.cwd or own["cwd"]}
    own["env"] = _merged(own["env"], wanted.env)
    if wanted.user:
        uid, _, gid = wanted.user.partition(":")
        own["user"] = {"uid": int(uid), "gid": int(gid or 0)}
    if wanted.mark:
        limit = {"type": processes.MARK, "soft": wanted.mark, "hard": wanted.mark}
        others = [one for one in own.get("rlimits", ()) if one["type"] != processes.MARK]
        own["rlimits"] = [*others, limit]
    return json.dumps(own)


def replace(container: Container, pod_dir: str, wanted: Command) -> NoReturn:
    """Become the command: enter the pod's mount namespace and execute the runtime's `exec`.

    Call it while podpy has one thread and nothing left to do; flush the standard streams first.
    Raises HostFault when the pod's namespace or the runtime cannot be reached.
    """
    try:
        described = process(container, wanted)
        file = f"/proc/self/fd/{_in_memory(described)}" if described else ""
        words = command(container, wanted, process_file=file)
        namespace = os.open(f"{pod_dir}/mnt", os.O_RDONLY | os.O_CLOEXEC)
        syscalls.setns(namespace, syscalls.CLONE_NEWNS)
        if not wanted.stdin:
            empty = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
            os.dup2(empty, 0)
        # Python ignores SIGPIPE, and what is ignored stays so in what is executed.
        signals.signal(signals.SIGPIPE, signals.SIG_DFL)
        os.execv(words[0], words)  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise HostFault(
            f"container {container.name}: cannot enter it: {error.strerror}",
            hint="is its pod running? see: podpy get pods",
        ) from error


class Answer(Value):
    """How a command ended: its exit code, None if it was killed; and what it wrote first."""

    status: int | None
    output: bytes


def answer_of(
    container: Container, wanted: Command, *, timeout: float, given_up: Callable[[], bool]
) -> Answer:
    """Run `wanted` to its end, and return its exit code and what it wrote to both streams.

    It is killed with all that it has started after `timeout` seconds, or soon after `given_up`
    says so. Inside the pod's mount namespace.
    """
    wanted = wanted.replace(mark=processes.new_mark())
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        child = _begin(container, wanted, output=writing)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    try:
        output = _read_to_end(child, reading, time.monotonic() + timeout, given_up)
        return Answer(status=child.poll(), output=output)
    finally:
        _kill_all(child, wanted.mark)
        os.close(reading)


def _read_to_end(
    child: Popen[bytes], reading: int, deadline: float, given_up: Callable[[], bool]
) -> bytes:
    """Read until the child has ended, the deadline has come or nobody wants it any more.

    What it leaves running in the background may hold the pipe open: that is not waited for.
    """
    from runtime import interrupts

    output = b""
    os.set_blocking(reading, False)
    pidfd = os.pidfd_open(child.pid)
    try:
        with select.epoll() as poll:
            poll.register(reading, select.EPOLLIN)
            poll.register(pidfd, select.EPOLLIN)
            while (left := deadline - time.monotonic()) > 0 and not given_up():
                told = [one for one, _ in poll.poll(min(left, interrupts.CHECK_SECONDS))]
                # Whether it has ended is asked first: all that it wrote can be read then.
                ended = child.poll() is not None
                part, closed = _pending(reading)
                output = (output + part)[:MOST_OUTPUT]
                if ended:
                    break
                if closed and reading in told:
                    poll.unregister(reading)
    finally:
        os.close(pidfd)
    return output


def _pending(reading: int) -> tuple[bytes, bool]:
    """Read what is there, one bufferful at most; tell, too, whether the pipe is closed."""
    try:
        part = os.read(reading, _BUFFER)
    except BlockingIOError:
        return b"", False
    return part, not part


def _kill_all(child: Popen[bytes], mark: int) -> None:
    """Kill the runtime's process, if it still runs, and the command with all that it has started.

    What has left its parents and its session still bears the mark. What a process starts before it
    is killed is found by the next look.
    """
    if child.poll() is not None:
        return
    for _ in range(_LOOKS):
        found = (*processes.children(child.pid), *processes.marked(mark))
        for pid in found:
            _kill(pid)
        if not found:
            break
    _kill(child.pid)
    child.wait()


def _kill(pid: int) -> None:
    pidfd = processes.opened(pid)
    if pidfd is not None:
        processes.signal(pidfd, signals.SIGKILL)
        os.close(pidfd)


def status_of(container: Container, wanted: Command, *, timeout: float) -> int:
    """Run `wanted` to its end and return its exit code. Inside the pod's mount namespace.

    Raises TimedOut after `timeout` seconds. The runtime's process has been killed then, the command
    may still run: the caller stops the container.
    """
    from runtime import proc

    child = _begin(container, wanted)
    proc.communicate(child, timeout, f"container {container.name}: {wanted.argv[0]}")
    return child.returncode


def _begin(container: Container, wanted: Command, *, output: int | None = None) -> Popen[bytes]:
    """Start the runtime's `exec`; both of the command's streams go to `output`."""
    from runtime import proc

    described = process(container, wanted)
    opened = (_in_memory(described),) if described else ()
    try:
        file = f"/proc/self/fd/{opened[0]}" if opened else ""
        words = command(container, wanted, process_file=file)
        return proc.start(words, stdout=output, stderr=output, pass_fds=opened)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _runtime(container: Container) -> str:
    """Return the path of the OCI runtime that made the container.

    Neither knows the other's containers, and which one this host is for now may have changed since.
    """
    from runtime.oci import engine

    kind = engine.maker(container.state_dir)
    if kind is None:
        raise HostFault(
            f"container {container.name}: cannot enter it: what its OCI runtime kept of it is gone",
            hint="if its pod runs, apply that again: it puts back what was removed by hand",
        )
    path = engine.locate(kind)
    if path is None:
        raise HostFault(
            f"container {container.name}: cannot enter it: {kind}, which runs it, is not installed",
            hint=f"install the package {kind}",
        )
    return path


def _merged(own: Iterable[str], added: tuple[str, ...]) -> tuple[str, ...]:
    names = {variable.partition("=")[0] for variable in added}
    return (*(one for one in own if one.partition("=")[0] not in names), *added)


def _in_memory(text: str) -> int:
    """Return a descriptor of a nameless file that holds `text`; a program executed keeps it."""
    descriptor = os.memfd_create("process", 0)
    os.write(descriptor, text.encode())
    return descriptor
