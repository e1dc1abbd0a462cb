"""The refs of a Sync's repository, and what its revisions are called: text, and git's own files.

What is asked in every pass is read off the files that git keeps of refs, without starting git: a
ref by itself, or a line of packed-refs (gitrepository-layout(5)).
"""

from __future__ import annotations

import contextlib
import os

from manifests import digests
from reconciler.source import git
from runtime import files

FETCHED = "refs/podpy/fetched"
GOOD = "refs/podpy/good"
KEPT = "refs/podpy/kept/"
ARTIFACTS = "refs/podpy/artifacts/"
VERIFIED = "refs/podpy/verified/"


def is_at(path: str, ref: str, commit: str) -> bool:
    """Tell whether `ref` of the repository at `path` names this commit."""
    try:
        return files.read(f"{path}/{ref}").strip() == commit.encode()
    except FileNotFoundError:
        pass
    try:
        packed = files.read(f"{path}/packed-refs")
    except FileNotFoundError:
        return False
    return f"{commit} {ref}".encode() in packed.splitlines()


def last_stored(path: str, content: str) -> str:
    """Return the commit that `note_stored` was told of, "" unless that was of the same `content`
    (its digest), and is what was fetched last."""
    try:
        known, _, commit = files.read(f"{path}/stored").decode().partition(" ")
    except FileNotFoundError:
        return ""
    return commit if known == content and is_at(path, FETCHED, commit) else ""


def note_stored(path: str, content: str, commit: str) -> None:
    """Remember which commit what was stored has become. It goes with the repository."""
    data = f"{content} {commit}".encode()
    files.write(f"{path}/stored", data, temporary=f"{path}/stored.new")


def named(revision: str) -> str:
    """Return what git knows a revision by, or a ref."""
    artifact = revision.startswith(digests.SHA256)
    return f"{ARTIFACTS}{digests.bare(revision)}" if artifact else revision


def mark(artifact: str, keys: str) -> str:
    """Return the ref which tells that one of the `keys` (their digest) has signed the artifact."""
    return f"{VERIFIED}{digests.bare(artifact)}-{keys}"


def revision(path: str, commit: str) -> str:
    """Return what the revision of a commit is called."""
    found = artifacts(path)
    names = (ref.removeprefix(ARTIFACTS) for ref, one in found.items() if one == commit)
    return next((f"{digests.SHA256}{name}" for name in names), commit)


def artifacts(path: str) -> dict[str, str]:
    """Return ref -> commit of the artifacts; without a process where there have never been any."""
    if not os.path.isdir(f"{path}/{ARTIFACTS}"):
        with contextlib.suppress(FileNotFoundError), open(f"{path}/packed-refs", "rb") as file:
            if ARTIFACTS.encode() in file.read():
                return below(path, ARTIFACTS)
        return {}
    return below(path, ARTIFACTS)


def below(path: str, prefix: str) -> dict[str, str]:
    """Return ref -> commit of all refs whose names begin so."""
    told = git.check(path, "for-each-ref", "--format=%(refname) %(objectname)", prefix)
    return dict(line.split() for line in told.decode().splitlines())
