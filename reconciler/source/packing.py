"""Bare repositories that lack contents: what is missing, and packing what is there.

git calls them partial clones: what has come from a remote that may leave things out is in packs
that are marked `.promisor`, and what those name need not be here. git's own gc keeps all that is in
such packs for ever, and (before 2.48) drops what only they name, so these repositories are packed
here. The remote of that kind has a name and no url, so git has nowhere to fetch from by itself.
"""

from __future__ import annotations

import os

from reconciler.source import git
from runtime import files

PROMISOR = "podpy"
"""The name of the remote that leaves things out; its url is given with each fetch."""
_WHOLE = "whole"
LOOSE, PACKS = 256, 20
"""How many loose objects, or packs, are much."""


def is_partial(path: str) -> bool:
    """Tell whether the repository may lack contents."""
    try:
        return b"promisor = true" in files.read(f"{path}/config")
    except FileNotFoundError:
        return False


def make_partial(path: str) -> None:
    """Let a repository lack contents, as git does with the first fetch that leaves some out."""
    git.check(path, "config", "core.repositoryFormatVersion", "1")
    git.check(path, "config", f"remote.{PROMISOR}.promisor", "true")
    git.check(path, "config", f"remote.{PROMISOR}.partialCloneFilter", "blob:none")


def missing(path: str, tree: str) -> set[str] | None:
    """Return the names of contents below `tree` that are not here; None where it is damaged."""
    words = ("--objects", "--no-object-names", "--missing=print", tree)
    answer = git.run(path, "rev-list", *words)
    if answer.status:
        return None
    lines = answer.stdout.decode().splitlines()
    return {line.removeprefix("?") for line in lines if line.startswith("?")}


def takes_whole(path: str, url: str) -> bool:
    """Tell whether this remote is known to give no contents by their names."""
    try:
        return files.read(f"{path}/{_WHOLE}").decode() == url
    except FileNotFoundError:
        return False


def note_whole(path: str, url: str) -> None:
    """Remember that the remote at `url` gives no contents by their names."""
    place = f"{path}/{_WHOLE}"
    files.write(place, url.encode(), temporary=f"{place}.new")


def take(source: str, target: str, name: str) -> None:
    """Take over the ref `name` of one repository with what it needs, as far as that is there;
    nothing where it is damaged."""
    commit = git.run(source, "rev-parse", "--verify", "--quiet", name)
    listed = _reached(source, name)
    if commit.status or listed is None or not _pack(source, target, listed):
        return
    reached = {line[: line.find(b" ")] if b" " in line else line for line in listed.splitlines()}
    ends = {*_shallow(source)} & reached | {*_shallow(target)}
    text = b"".join(end + b"\n" for end in sorted(ends))
    files.write(f"{target}/shallow", text, temporary=f"{target}/shallow.new")
    git.check(target, "update-ref", name, commit.stdout.decode().strip())


def repack(path: str, seconds: float, *, now: bool = False) -> bool:
    """Put all that the refs need, as far as it is there, into one pack and drop the rest: `now`, or
    once there is much to pack. False where it is damaged.

    Killed in it, what is needed is there still, and may be there twice.
    """
    if not (now or _is_much(path)):
        return True
    listed = _reached(path, "--glob=refs/podpy/*", seconds=seconds)
    if listed is None:
        return False
    made = _pack(path, path, listed, seconds=seconds)
    if not made:
        return False
    folder = f"{path}/objects/pack"
    for name in sorted(os.listdir(folder)):
        if not name.startswith(f"pack-{made}."):
            os.unlink(f"{folder}/{name}")
    return not git.run(path, "prune", "--expire=now", timeout=seconds).status


def _is_much(path: str) -> bool:
    told = git.check(path, "count-objects", "-v").decode().splitlines()
    counts = dict(line.split(": ", 1) for line in told if ": " in line)
    return int(counts["count"]) > LOOSE or int(counts["packs"]) > PACKS


def _reached(path: str, *refs: str, seconds: float = git.SECONDS) -> bytes | None:
    words = ("--objects", "--missing=allow-promisor", *refs)
    answer = git.run(path, "rev-list", *words, timeout=seconds)
    return None if answer.status else answer.stdout


def _pack(source: str, target: str, listed: bytes, *, seconds: float = git.SECONDS) -> str:
    """Return the name of the pack that was made; "" where something cannot be read."""
    place = f"{target}/objects/pack/pack"
    words = ("--quiet", "--delta-base-offset", place)
    answer = git.run(source, "pack-objects", *words, stdin=listed, timeout=seconds)
    if answer.status:
        return ""
    name = answer.stdout.decode().strip()
    files.write(f"{place}-{name}.promisor", b"", temporary=f"{place}-{name}.tmp")
    return name


def _shallow(path: str) -> list[bytes]:
    try:
        return files.read(f"{path}/shallow").split()
    except FileNotFoundError:
        return []
