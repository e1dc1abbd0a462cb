"""The completion scripts in the shells that they are for: keys typed on a terminal, as users do."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import requirements

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

APP = """
apiVersion: v1
kind: Pod
metadata: {name: webserver}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: first, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
  - {name: second, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
---
apiVersion: v1
kind: Pod
metadata: {name: lonely, namespace: shop}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: c, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
"""
DEADLINE = 60.0
PROMPT = "what-now> "

SETTINGS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
}
COMPINIT = "autoload -Uz compinit; compinit -u -D"
WAYS = {
    "bash": ("bash", "source <(podpy completion bash)"),
    "zsh": ("zsh", f"{COMPINIT}; source <(podpy completion zsh)"),
    "zsh, from $fpath": (
        "zsh",
        f"podpy completion zsh > $HOME/_podpy; fpath=($HOME $fpath); {COMPINIT}",
    ),
}
"""How the scripts are taken into use: the shell, and what is typed in it."""

LINES = [
    ("vers\t", "podpy version"),
    ("get pod webs\t-o na\t", "pod/webserver"),
    ("get pod -n sh\tlon\t--output=na\t", "pod/lonely"),
    ("exec webs\t-c sec\t-- hostname", "webserver"),
    ("exec pod/webs\t-q -- hostname", "webserver"),
    ("network inspect def\t-o js\t", '"name": "default"'),
    ("image rm localhost/podpy-test/busybox:\t", "in use"),
]
"""What is typed behind `podpy `, tabs included, and what the finished line then prints."""


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, words: tuple[str, ...], env: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self._child = subprocess.Popen(
            words, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
        )
        os.close(theirs)

    def typed(self, text: str, awaited: str) -> str:
        """Type a line, and return what the terminal shows up to `awaited`; fail without it."""
        os.write(self._ours, f"{text}\n".encode())
        seen, until = "", time.monotonic() + DEADLINE
        while awaited not in seen:
            left = until - time.monotonic()
            assert left > 0, f"{text!r} did not print {awaited!r}:\n{seen}"
            if select.select([self._ours], [], [], left)[0]:
                seen += os.read(self._ours, 4096).decode(errors="replace")
        return seen

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        os.close(self._ours)


@pytest.fixture
def env(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> dict[str, str]:
    """The variables of a shell that finds this podpy, with two pods, under its name."""
    podpy.load(busybox_image)
    podpy.ok("apply", "-f", "-", stdin=APP)
    (tmp_path / "bin").mkdir()
    os.symlink(podpy.command, tmp_path / "bin/podpy")
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(tmp_path), "TERM": "dumb", "LC_ALL": "C.UTF-8", **podpy.env}


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        (pytest.fail if requirements.in_ci() else pytest.skip)(f"{shell}: run `make setup-test`")


@pytest.mark.parametrize("way", WAYS)
def test_what_is_begun_is_completed_by_tab(way: str, env: dict[str, str]) -> None:
    shell, prepared = WAYS[way]
    needs(shell)
    terminal = Terminal(SETTINGS[shell], {**env, "PS1": PROMPT})
    try:
        terminal.typed(f"PS1='{PROMPT}'; {prepared}; echo pre''pared", "prepared")
        for text, printed in LINES:
            terminal.typed(f"podpy {text}; echo do''ne", f"{printed}")
            terminal.typed("echo next''line", "nextline")
    finally:
        terminal.close()


def fish(env: dict[str, str], line: str) -> list[str]:
    """Return what fish offers for a line."""
    script = "podpy completion fish | source; complete -C $argv[1]"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script, line],
        env=env, capture_output=True, text=True, timeout=DEADLINE, check=True,
    )  # fmt: skip
    return done.stdout.split()


def test_fish_offers_what_may_follow(env: dict[str, str], tmp_path: Path) -> None:
    needs("fish")
    (tmp_path / "app.yaml").touch()

    assert fish(env, "podpy vers") == ["version"]
    assert fish(env, "podpy get pod ") == ["webserver"]
    assert fish(env, "podpy get pod -n shop ") == ["lonely"]
    assert fish(env, "podpy -n shop get pod ") == ["lonely"]
    assert fish(env, "podpy logs webserver -c ") == ["first", "second"]
    assert fish(env, "podpy exec pod/webs") == ["pod/webserver"]
    assert fish(env, "podpy image rm localhost/podpy-test/b") == ["localhost/podpy-test/busybox:1"]
    assert fish(env, f"podpy apply -f {tmp_path}/ap") == [f"{tmp_path}/app.yaml"]
