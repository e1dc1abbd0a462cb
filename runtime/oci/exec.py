"""Run a command in a running container: interactively, in place of podpy, or captured.

    command(...)        what to execute: the OCI runtime's `exec`, which keeps the container's
                        cgroup, capabilities and seccomp filter
    replace(...)        podpy's process becomes that: terminal, signals and exit code are its own
    captured(...)       for probes and hooks: output and status, with a deadline

The runtime has to see the container's files and cgroups as the pod does, so it is run in the pod's
mount namespace: `replace` enters it by itself, `captured` is called inside (Inside.call).
"""

from __future__ import annotations

import _thread
import os
import signal

from manifests.faults import HostFault, TimedOut
from manifests.value import Value
from runtime.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from runtime import proc
    from runtime.oci.container import Container
    from runtime.oci.engine import Engine


class Command(Value):
    """What to run. Unset fields are the container's own; `user` is UID or UID:GID.

    Without `stdin` the command reads end-of-file at once.
    """

    argv: tuple[str, ...]
    terminal: bool = False
    stdin: bool = False
    cwd: str = ""
    user: str = ""
    env: tuple[str, ...] = ()


def command(
    engine: Engine, container: Container, wanted: Command, *, pid_file: str = ""
) -> list[str]:
    """Return the words that run `wanted`, for a process in the pod's mount namespace."""
    words = [engine.path, "--root", container.oci_root, "exec"]
    if wanted.terminal:
        words.append("--tty")
    if wanted.cwd:
        words += ["--cwd", wanted.cwd]
    if wanted.user:
        words += ["--user", wanted.user]
    for variable in _environment(container, wanted.env):
        words += ["--env", variable]
    if pid_file:
        words += ["--pid-file", pid_file]
    return [*words, container.id, *wanted.argv]


def replace(engine: Engine, container: Container, pod_dir: str, wanted: Command) -> NoReturn:
    """Become the command: enter the pod's mount namespace and execute the runtime's `exec`.

    Call it while podpy has one thread and nothing left to do; flush the standard streams first.
    Raises HostFault when the pod's namespace or the runtime cannot be reached.
    """
    words = command(engine, container, wanted)
    try:
        namespace = os.open(f"{pod_dir}/mnt", os.O_RDONLY | os.O_CLOEXEC)
        syscalls.setns(namespace, syscalls.CLONE_NEWNS)
        if not wanted.stdin:
            empty = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
            os.dup2(empty, 0)
        # Python ignores SIGPIPE, and what is ignored stays so in what is executed.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execv(words[0], words)  # noqa: S606 - no shell is wanted
    except OSError as error:
        raise HostFault(
            f"container {container.name}: cannot enter it: {error.strerror}",
            hint="is its pod running? see: podpy get pods",
        ) from error


def captured(
    engine: Engine, container: Container, wanted: Command, *, timeout: float, stdin: bytes = b""
) -> proc.Result:
    """Run `wanted` to its end and return its output and status (the command's own).

    Raises TimedOut after `timeout` seconds: the command has been killed then, inside too.
    """
    from runtime import proc

    pid_file = f"{container.bundle}/exec-{os.getpid()}-{_thread.get_ident()}.pid"
    words = command(engine, container, wanted, pid_file=pid_file)
    try:
        return proc.run(*words, stdin=stdin, timeout=timeout)
    except TimedOut as timed_out:
        _kill(pid_file)
        raise TimedOut(
            f"container {container.name}: {wanted.argv[0]} did not end within {timeout:g} s"
        ) from timed_out
    finally:
        _unlink(pid_file)


def _environment(container: Container, added: tuple[str, ...]) -> tuple[str, ...]:
    """Return what to name to the runtime: nothing, or all there is to be.

    crun takes the variables that it is given in place of the container's own, runc on top of them.
    """
    if not added:
        return ()
    import json

    with open(f"{container.bundle}/config.json", encoding="utf-8") as file:
        own = json.load(file)["process"]["env"]
    names = {variable.partition("=")[0] for variable in added}
    return (*(one for one in own if one.partition("=")[0] not in names), *added)


def _kill(pid_file: str) -> None:
    """Kill what the runtime left behind: it dies by SIGKILL without telling the command."""
    try:
        with open(pid_file, encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)
    except (OSError, ValueError):
        return


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
