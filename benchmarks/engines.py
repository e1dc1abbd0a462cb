"""The two programs, each as the commands it takes for the same work. No timing here."""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple, Protocol

from benchmarks import room

DEADLINE = 900.0


class Failed(Exception):
    """A command that is measured did not do its work: its words, and what it said."""


class Engine(Protocol):
    """What a row asks of a program: the words of one command, to be timed from start to end."""

    name: str

    def play(self, file: str) -> list[str]: ...
    def play_again(self, file: str) -> list[str]: ...
    def down(self, file: str) -> list[str]: ...
    def exec(self, pod: str, container: str) -> list[str]: ...
    def pods(self) -> list[str]: ...
    def version(self) -> list[str]: ...
    def pull(self, image: str) -> list[str]: ...
    def environment(self) -> dict[str, str]: ...
    def fresh_storage(self) -> None: ...
    def first_storage(self) -> None: ...


class Podman:
    name = "podman"

    def __init__(self) -> None:
        self._round = 0
        self._root = f"{room.WORK}/podman/0"

    def _words(self, *words: str) -> list[str]:
        return ["podman", "--root", self._root, "--runroot", "/run/podman-bench", *words]

    def play(self, file: str) -> list[str]:
        return self._words("kube", "play", file)

    def play_again(self, file: str) -> list[str]:
        # A second plain play is an error; what a user runs again is this.
        return self._words("kube", "play", "--replace", file)

    def down(self, file: str) -> list[str]:
        return self._words("kube", "down", file)

    def exec(self, pod: str, container: str) -> list[str]:
        return self._words("exec", f"{pod}-{container}", "true")

    def pods(self) -> list[str]:
        return self._words("ps")

    def version(self) -> list[str]:
        return ["podman", "--version"]

    def pull(self, image: str) -> list[str]:
        return self._words("pull", "-q", image)

    def environment(self) -> dict[str, str]:
        return {"PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}

    def fresh_storage(self) -> None:
        self._round += 1
        self._root = f"{room.WORK}/podman/{self._round}"

    def first_storage(self) -> None:
        self._root = f"{room.WORK}/podman/0"


class Podpy:
    name = "podpy"
    instance = "podpy-bench"

    def __init__(self, launcher: str) -> None:
        self._launcher = launcher
        self._round = self._storage = 0

    def _words(self, *words: str) -> list[str]:
        return [self._launcher, *words]

    def play(self, file: str) -> list[str]:
        return self._words("kube", "play", file)

    def play_again(self, file: str) -> list[str]:
        return self.play(file)

    def down(self, file: str) -> list[str]:
        return self._words("kube", "down", file)

    def exec(self, pod: str, container: str) -> list[str]:
        return self._words("exec", pod, "-c", container, "--", "true")

    def pods(self) -> list[str]:
        return self._words("get", "pods")

    def version(self) -> list[str]:
        return self._words("--version")

    def pull(self, image: str) -> list[str]:
        return self._words("image", "pull", image)

    def environment(self) -> dict[str, str]:
        root = f"{room.WORK}/podpy/{self._storage}"
        os.makedirs(root, exist_ok=True)
        return {"PODPY_ROOT": root, "PODPY_INSTANCE": self.instance}

    def fresh_storage(self) -> None:
        self._round += 1
        self._storage = self._round

    def first_storage(self) -> None:
        self._storage = 0


def call(engine: Engine, words: list[str], *, check: bool = True) -> str:
    """Run one command of an engine and return what it printed; Failed unless it succeeds."""
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env={**os.environ, **engine.environment()},
        check=False,
    )
    if check and done.returncode != 0:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-6:])
        raise Failed(f"{' '.join(words)}: status {done.returncode}\n{said}")
    return done.stdout


class Peers(NamedTuple):
    """The two sides of every row. `podpy` is None where only Podman is asked for."""

    podman: Podman
    podpy: Podpy | None

    @property
    def all(self) -> tuple[Engine, ...]:
        return (self.podman,) if self.podpy is None else (self.podman, self.podpy)
