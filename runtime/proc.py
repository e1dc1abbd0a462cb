"""Run a program to its end: a list of words in, its output or a worded failure out.

The one door to processes: nothing else in podpy imports subprocess. No shell, no inherited
standard input, always a deadline. Secrets go in by `stdin` or a file, never by `argv`, which
every user of the host can read. Long-lived children are conmon's, started by runtime.oci.conmon.
"""

from __future__ import annotations

import os
import time

from manifests.faults import HostFault, TimedOut
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

# As subprocess has them; importing it costs more than a command that runs no program takes.
PIPE = -1
DEVNULL = -3
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Result(Value):
    """How a program ended: its exit status (negative: the signal), and what it wrote."""

    argv: tuple[str, ...]
    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        return self.stdout.decode(errors="replace")

    @property
    def complaint(self) -> str:
        """The last lines of standard error, or of standard output where that is all there is."""
        said = (self.stderr or self.stdout).decode(errors="replace").strip()
        return "\n".join(said.splitlines()[-5:]) or f"exit status {self.status}, without a word"


def run(
    *argv: str,
    stdin: bytes = b"",
    timeout: float = 60.0,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> Result:
    """Run `argv` and return its Result, whatever its status.

    `env` is added to podpy's own environment. Raises HostFault when the program does not exist or
    may not be run, TimedOut after `timeout` seconds (the program has been killed then).
    """
    import subprocess

    try:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            timeout=timeout,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
            check=False,
        )
    except FileNotFoundError as error:
        raise HostFault(
            f"{argv[0]}: not found on this host", hint=f"install {os.path.basename(argv[0])}"
        ) from error
    except PermissionError as error:
        raise HostFault(f"{argv[0]}: may not be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise TimedOut(f"{os.path.basename(argv[0])} did not end within {timeout:g} s") from error
    return Result(argv=tuple(argv), status=done.returncode, stdout=done.stdout, stderr=done.stderr)


def check(
    *argv: str,
    stdin: bytes = b"",
    timeout: float = 60.0,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> Result:
    """Run `argv` as `run` does, and raise HostFault with its complaint when it fails."""
    result = run(*argv, stdin=stdin, timeout=timeout, env=env, cwd=cwd)
    if result.status != 0:
        raise HostFault(f"{os.path.basename(argv[0])} failed: {result.complaint}")
    return result


def start(
    argv: Sequence[str],
    *,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    env: Mapping[str, str] | None = None,
    pass_fds: tuple[int, ...] = (),
    new_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Start `argv` and return it running; the caller waits for it.

    `env` is the whole environment of the child, None podpy's own. Streams default to /dev/null.
    """
    import subprocess

    return subprocess.Popen(
        argv,
        stdin=DEVNULL if stdin is None else stdin,
        stdout=DEVNULL if stdout is None else stdout,
        stderr=DEVNULL if stderr is None else stderr,
        env=env,
        pass_fds=pass_fds,
        start_new_session=new_session,
    )


def holding(data: bytes) -> BinaryIO:
    """Return a file that holds `data`, in memory: a child's input that no pipe is too small for."""
    file = os.fdopen(os.memfd_create("podpy-input", os.MFD_CLOEXEC), "w+b")
    file.write(data)
    file.flush()
    file.seek(0)
    return file


def communicate(child: subprocess.Popen[bytes], seconds: float, about: str) -> tuple[bytes, bytes]:
    """Return what `child` has written, at its end.

    Raises TimedOut, naming `about`, after `seconds`, and interrupts.Interrupted when a signal asks
    podpy to end. It has been killed then, with all of its session where it leads one.
    """
    import subprocess

    from runtime import interrupts

    deadline = time.monotonic() + seconds
    try:
        while True:
            left = deadline - time.monotonic()
            try:
                return child.communicate(timeout=max(0.0, min(left, interrupts.CHECK_SECONDS)))
            except subprocess.TimeoutExpired as error:
                interrupts.check()
                if left <= 0:
                    raise TimedOut(f"{about} did not end within {seconds:g} s") from error
    except BaseException:
        _kill(child)
        child.communicate()
        raise


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill a child that still runs, with the group that it leads, if it does."""
    import signal

    if child.poll() is not None:
        return
    if os.getpgid(child.pid) == child.pid:
        os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()


def ending_with_podpy() -> tuple[str, ...]:
    """Return the words before a program's own that let it end with podpy, however that ends."""
    return ("setpriv", "--pdeathsig", "KILL") if find("setpriv") else ()


def find(tool: str) -> str | None:
    """Return the path of `tool`, also where an ordinary user's PATH leaves out sbin."""
    for directory in f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}".split(":"):
        path = f"{directory}/{tool}"
        if directory and os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None
