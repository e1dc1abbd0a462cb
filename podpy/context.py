"""What a command works with: paths, the database, the host; made when first asked for."""

from __future__ import annotations

import os
import sys
from functools import cached_property

from manifests.value import EMPTY
from runtime import paths as runtime_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from reconciler.state.database import Database
    from reconciler.targets.host.base import Base
    from reconciler.targets.host.host import Host
    from reconciler.targets.host.images import Pulling
    from runtime.paths import Paths


class Context:
    """One command's view of this host."""

    def __init__(self, *, pulling: Pulling | None = None, settings: Mapping[str, Any] = EMPTY):
        self._pulling = pulling
        self._settings = settings

    @cached_property
    def paths(self) -> Paths:
        return runtime_paths.default()

    @cached_property
    def database(self) -> Database:
        from reconciler.state import database

        opened = database.connect(self.paths.database)
        if opened.damaged:
            print(
                f"Warning: the state database was damaged and is now {opened.path}.damaged: what "
                "was applied is not remembered, so nothing is pruned; pods run on, and applying "
                "the manifests again remembers them",
                file=sys.stderr,
            )
        return opened

    @cached_property
    def base(self) -> Base:
        from reconciler.targets.host import base

        return base.Base(self.paths, self.database, hook=hook(self.paths), **self._settings)

    @cached_property
    def host(self) -> Host:
        """The host, ready to be changed: its directories are there."""
        from reconciler.targets.host import base
        from reconciler.targets.host.host import Host

        base.ensure_directories(self.paths)
        return Host(self.base, self._pulling)


def hook(paths: Paths) -> str:
    """Write the program that conmon starts when a container ends, and return its path.

    It names this interpreter and the places that this process imports from, so it does not
    matter how podpy was started, or whether it is installed at all.
    """
    path = f"{paths.state_dir}/hook"
    text = f'#!/bin/sh\n{program()} "$@" </dev/null >/dev/null 2>&1\n'
    try:
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return path
    except FileNotFoundError:
        os.makedirs(paths.state_dir, mode=0o700, exist_ok=True)
    from runtime import files

    files.write_program(path, text)
    return path


def program() -> str:
    """Return the shell command that starts podpy from where this process comes."""
    places = [place for place in sys.path if place]
    tree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    code = f"import sys; sys.path[:] = {places!r}; from podpy.__main__ import run; run({tree!r})"
    return f"exec {quoted(sys.executable)} -I -S -c {quoted(code)}"


def quoted(word: str) -> str:
    """Return a word as a shell reads it back."""
    return "'" + word.replace("'", "'\\''") + "'"
