"""Keep what files were decoded to, so that unchanged files cost almost nothing.

    DIRECTORY/manifests-SLOT            one file for each set of sources and options, mode 0600

A file holds pickled values of podpy's own classes. It is read only if nobody but this user can
have written it, if it was written by the very same code, and with classes of the vocabulary only;
whatever is wrong with it, it counts as absent. It never holds a Secret: manifests.load gives it
none. Losing it costs time, nothing else.
"""

from __future__ import annotations

import os
import stat
import sys

from manifests import digests
from manifests.strenum import StrEnum
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from typing import Any

_FORMAT = b"podpy manifests 1"
_PREFIX = "manifests-"
_KEPT = 64  # files in the directory; the oldest give way
_ROOMS = (
    *("manifests", "manifests/checks", "manifests/compose", "manifests/quadlet", "manifests/yaml"),
    "schemas",
)


def slot(*parts: object) -> str:
    """Return the name that stands for `parts`: sources, options, the current directory."""
    return digests.of(repr(parts))[:32]


def read(directory: str, name: str) -> Mapping[Hashable, Any]:
    """Return what `write` kept under `name`; empty if there is nothing that can be trusted."""
    try:
        data = _trusted(directory, name)
        head, _, body = data.partition(b"\n")
        if head != _head():
            return {}
        return _unpickled(body)
    # A damaged pickle may raise anything, and nothing in it is worth more than a new reading.
    except Exception:  # noqa: BLE001
        return {}


def write(directory: str, name: str, kept: Mapping[Hashable, Any]) -> None:
    """Keep `kept` under `name`. A full disk or a strange directory is no reason to fail."""
    from _pickle import dumps

    from manifests.sharing import shared

    temporary = f"{directory}/.{_PREFIX}{name}.{os.getpid()}"
    try:
        # One by one: of several that are missing, makedirs gives the mode to the last alone.
        for path in (os.path.dirname(directory), directory):
            os.makedirs(path, mode=0o700, exist_ok=True)
        if not _is_private(os.lstat(directory), stat.S_ISDIR):
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(_head() + b"\n" + dumps(shared(dict(kept)), 5))
        os.rename(temporary, f"{directory}/{_PREFIX}{name}")
        _forget_oldest(directory)
    except OSError:
        _unlink(temporary)


def _trusted(directory: str, name: str) -> bytes:
    """Return the file's bytes. OSError if somebody else may have written them."""
    if not _is_private(os.lstat(directory), stat.S_ISDIR):
        raise PermissionError(directory)
    path = f"{directory}/{_PREFIX}{name}"
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        if not _is_private(os.fstat(file.fileno()), stat.S_ISREG):
            raise PermissionError(path)
        return file.read()


def _is_private(status: os.stat_result, is_kind: Any) -> bool:
    mode = status.st_mode
    return is_kind(mode) and status.st_uid == os.geteuid() and not mode & 0o077


def _unpickled(body: bytes) -> Mapping[Hashable, Any]:
    import io
    from _pickle import Unpickler

    class Vocabulary(Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            """Give the classes of values, and nothing that does anything."""
            if module.startswith("manifests."):
                found = getattr(__import__(module, fromlist=[name]), name)
                if isinstance(found, type) and issubclass(found, (Value, StrEnum, str, bytes)):
                    return found
            raise ValueError(f"{module}.{name} is not in the vocabulary")

    kept = Vocabulary(io.BytesIO(body)).load()
    return kept if isinstance(kept, dict) else {}


def _head() -> bytes:
    """The first line of a file: its format, this Python, and the code that wrote it."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    facts = [
        (room, entry.name, (status := entry.stat()).st_size, status.st_mtime_ns)
        for room in _ROOMS
        for entry in sorted(os.scandir(f"{root}/{room}"), key=lambda entry: entry.name)
        if entry.name.endswith(".py")
    ]
    return _FORMAT + b" " + digests.of(repr((sys.version_info[:3], facts))).encode()


def _forget_oldest(directory: str) -> None:
    with os.scandir(directory) as scan:
        found = [(entry.stat().st_mtime_ns, entry.path) for entry in _kept_files(scan)]
    for _, path in sorted(found, reverse=True)[_KEPT:]:
        _unlink(path)


def _kept_files(scan: Iterable[os.DirEntry[str]]) -> Iterable[os.DirEntry[str]]:
    return (entry for entry in scan if entry.name.lstrip(".").startswith(_PREFIX))


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
