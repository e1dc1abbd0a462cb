"""Run git: words in, its output or a worded failure out. The one door to git, through GitPython.

git runs without this user's settings, without hooks, file system monitors and transports that were
not asked for, never asks anybody anything, and ends with podpy, whatever that dies of. Secrets are
read by git and ssh from files.
"""

from __future__ import annotations

import os

from manifests.faults import HostFault, Retry
from manifests.value import EMPTY, Value
from runtime import proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from typing import BinaryIO

SECONDS = 60.0
"""The deadline of what git does without a network."""

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "credential.helper=",
    "maintenance.auto=false",
    "fetch.recurseSubmodules=false",
)


def configuration(*settings: str) -> dict[str, str]:
    """Return the environment that gives git these settings (NAME=VALUE) after podpy's own."""
    pairs = [setting.partition("=")[::2] for setting in (*_SETTINGS, *settings)]
    found = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for index, (name, value) in enumerate(pairs):
        found |= {f"GIT_CONFIG_KEY_{index}": name, f"GIT_CONFIG_VALUE_{index}": value}
    return found


_ENVIRONMENT = {
    **configuration(),
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
}


# What git and ssh say around what matters.
_NOISE = (
    "hint:",
    "warning:",
    "@@@@",
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
)


class Answer(Value):
    """How git ended, and what it wrote."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def complaint(self) -> str:
        """What went wrong, in git's last words."""
        lines = self.stderr.decode(errors="replace").strip().splitlines()
        told = [
            line.removeprefix("fatal: ").removeprefix("error: ")
            for line in lines
            if line and not line.startswith(_NOISE)
        ]
        return "; ".join(told[-3:]) or f"git ended with {self.status}, without a word"


def run(
    repository: str,
    *words: str,
    stdin: bytes = b"",
    environment: Mapping[str, str] = EMPTY,
    timeout: float = SECONDS,
) -> Answer:
    """Run `git --git-dir=REPOSITORY WORDS` and return its answer, whatever its status.

    `environment` comes on top of podpy's own. Raises HostFault where there is no git, TimedOut
    after `timeout` seconds, interrupts.Interrupted when a signal asks podpy to end; git and what it
    has started have been killed then.
    """
    with proc.holding(stdin) as given:
        child = _started(repository, words, given, environment)
        stdout, stderr = proc.communicate(child, timeout, f"git {words[0]}")
    return Answer(status=child.returncode, stdout=stdout, stderr=stderr)


def check(
    repository: str,
    *words: str,
    stdin: bytes = b"",
    environment: Mapping[str, str] = EMPTY,
    timeout: float = SECONDS,
) -> bytes:
    """Run git as `run` does and return what it writes; raises Retry with its complaint."""
    answer = run(repository, *words, stdin=stdin, environment=environment, timeout=timeout)
    if answer.status:
        raise Retry(f"git {words[0]}: {answer.complaint}")
    return answer.stdout


def _started(
    repository: str, words: tuple[str, ...], given: BinaryIO, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    if proc.find("git") is None:
        raise HostFault("git: not found on this host", hint="apt-get install git")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # else importing it fails without a git
    import git

    running = git.Git().execute(
        [*proc.ending_with_podpy(), "git", f"--git-dir={repository}", *words],
        istream=given,
        as_process=True,
        env={**_ENVIRONMENT, **environment},
        start_new_session=True,
    )
    child, running.proc = running.proc, None  # Else it ends with `running`.
    if child is None:
        raise HostFault("git: could not be started")
    return child
