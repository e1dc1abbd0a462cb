"""Read, write and remove the files of units, each whole or not at all.

A digest holds the mode, too. It is keyed, as some of the files are of Secrets.
"""

from __future__ import annotations

import hashlib
import os
import stat

from reconciler.state import secrets
from runtime import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from renderers.quadlet.unit import File
    from runtime.paths import Paths

DIRECTORY = "/etc/containers/systemd"
"""Where Podman's generator looks for units of the system: podman-systemd.unit(5)."""
MARKS = "/var/lib/podpy-rendered"
"""Where Jobs that have succeeded leave their marks (renderers.quadlet.jobs)."""

_FOLDER = "directory"


def wanted(paths: Paths, wanted_files: Mapping[str, File]) -> dict[str, str]:
    """Return the digests that files are to have, by name."""
    return {
        name: _FOLDER if name.endswith("/") else _digest(paths, file.content, file.mode)
        for name, file in wanted_files.items()
    }


def there(paths: Paths, names: Iterable[str]) -> dict[str, str | None]:
    """Return the digests of files as they are; None of one that is not there."""
    return {name: _there(paths, f"{DIRECTORY}/{name}") for name in names}


def done() -> frozenset[str]:
    """Return the marks of Jobs that have succeeded."""
    try:
        return frozenset(os.listdir(MARKS))
    except FileNotFoundError:
        return frozenset()


def put(file: File) -> None:
    """Put a file in its place, for good; what is private is so before it is there."""
    path = f"{DIRECTORY}/{file.name}"
    os.makedirs(DIRECTORY, exist_ok=True)
    if file.private:
        own = f"{DIRECTORY}/{file.name.partition('/')[0]}"
        os.makedirs(own, mode=0o700, exist_ok=True)
        os.chmod(own, 0o700)
    if file.name.endswith("/"):
        os.makedirs(path, exist_ok=True)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # One name: a lock keeps passes apart, and Quadlet takes no file that ends so for a unit.
    files.write(
        path, file.content, temporary=f"{path}.podpy-tmp", durable=True, mode=file.mode & 0o600
    )
    os.chmod(path, file.mode)


def remove(names: Iterable[str]) -> None:
    """Remove files, and the directories that become empty; gone already is success."""
    for name in sorted(names, reverse=True):  # what is in a directory sorts behind it
        path = f"{DIRECTORY}/{name}".rstrip("/")
        if name.endswith("/"):
            _remove_empty(path)
            continue
        files.unlink(f"{path}.podpy-tmp")
        files.unlink(path)
        _remove_empty(os.path.dirname(path))


def _remove_empty(path: str) -> None:
    while path != DIRECTORY:
        try:
            os.rmdir(path)
        except OSError:  # somebody else's files are in it, or it is gone
            return
        path = os.path.dirname(path)


def _there(paths: Paths, path: str) -> str | None:
    try:
        found = os.lstat(path.rstrip("/"))
        if stat.S_ISDIR(found.st_mode):
            return _FOLDER
        if not stat.S_ISREG(found.st_mode):
            return "no file"
        return _digest(paths, files.read(path), stat.S_IMODE(found.st_mode))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _digest(paths: Paths, content: bytes, mode: int) -> str:
    return secrets.digest(paths, f"{mode:o} {hashlib.sha256(content).hexdigest()}")
