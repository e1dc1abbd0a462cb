"""Repositories that are pushed to on this host: made, listed and removed.

    state_dir/receive/NAME.git           bare; its hooks start podpy
        hooks/pre-receive                is the push one that can be followed? else it is refused
        hooks/post-receive               follow it, and tell the pusher how that goes

git finds `host:NAME` below the home of who pushes: a link there leads here.
"""

from __future__ import annotations

import contextlib
import os
import shutil

from manifests.faults import Invalid
from reconciler.source import git
from runtime import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.paths import Paths

EVENTS = ("pre-receive", "post-receive")
_SETTINGS = {
    # An administrator's own core.hooksPath would leave podpy's hooks out.
    "core.hooksPath": "{path}/hooks",
    "receive.fsckObjects": "true",
    "receive.denyDeleteCurrent": "refuse",
    "gc.auto": "256",
}


def path_of(paths: Paths, name: str) -> str:
    return f"{paths.received}/{name}.git"


def make(paths: Paths, name: str, branch: str, program: str) -> str:
    """Make the repository, or bring it up to date, and return its path.

    `program` is the text of a shell command; the event, and `name`, follow it.
    """
    path = path_of(paths, name)
    os.makedirs(paths.received, mode=0o700, exist_ok=True)
    git.check(path, "init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}")
    for key, value in _SETTINGS.items():
        git.check(path, "config", key, value.format(path=path))
    os.makedirs(f"{path}/hooks", mode=0o700, exist_ok=True)
    files.sweep(f"{path}/hooks")
    for event in EVENTS:
        files.write_program(f"{path}/hooks/{event}", f"#!/bin/sh\n{program} {event} {name}\n")
    return path


def link(paths: Paths, name: str, home: str) -> None:
    """Let `host:NAME` mean the repository. Raises Invalid where something else has that name."""
    place = f"{home}/{name}.git"
    wanted = path_of(paths, name)
    try:
        os.symlink(wanted, place)
    except FileExistsError as error:
        if os.path.realpath(place) != os.path.realpath(wanted):
            raise Invalid(
                f"{place} is there already, so host:{name} would mean that",
                hint="choose another name, or --no-link and push to the path",
            ) from error


def names(paths: Paths) -> tuple[str, ...]:
    """Return the names of the repositories that are pushed to."""
    try:
        found = os.listdir(paths.received)
    except FileNotFoundError:
        return ()
    return tuple(sorted(name.removesuffix(".git") for name in found if name.endswith(".git")))


def remove(paths: Paths, name: str, home: str) -> None:
    """Remove the repository and the link to it; gone already is success."""
    place = f"{home}/{name}.git"
    if os.path.islink(place) and os.readlink(place) == path_of(paths, name):
        os.unlink(place)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path_of(paths, name))
