"""Project files into a directory so that readers see all of the old ones or all of the new.

    VOLUME/
        ..2026_11_24_10_30_05.1f3a9c0b/key     one complete version, in a directory of its own
        ..data -> ..2026_11_24_10_30_05.1f3a9c0b
        key -> ..data/key                      what containers read

A new version is written beside the old one and ..data is renamed over: the names and the order are
the kubelet's, since programs watch ..data. Names that begin with ".." are the writer's own. Who
holds ..data open goes on seeing the version that it opened until it is removed.

`write` serves configMap and secret volumes alike, new ones and those of running pods; `memory`
mounts the tmpfs that a secret lives on. Callers keep two writers off one volume.
"""

from __future__ import annotations

import os
import stat
import time

from manifests.faults import HostFault, Invalid
from manifests.value import Value
from runtime.kernel import mounts
from runtime.volume import ownership

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DATA = "..data"
_DATA_NEXT = "..data_tmp"
_OWN = ".."
_DIRECTORY_MODE = 0o755
_NAME_MAX = 255
_PATH_MAX = 4095
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class File(Value):
    """One file of a volume: `path` is relative and may have directories."""

    path: str
    content: bytes
    mode: int


def checked(files: Iterable[File], *, owner: str) -> tuple[File, ...]:
    """Return `files`, one for each path (the last), when they can stand in one volume.

    Raises Invalid, naming `owner`, for a path that leaves the volume, begins with the writer's own
    "..", or passes through another file. The rules are the API server's for items[].path.
    """
    unique = {file.path: file for file in files}
    for path in unique:
        parts = path.split("/")
        if "" in parts or "." in parts or ".." in parts or parts[0].startswith(_OWN):
            raise Invalid(
                f'{owner}: path "{path}" leads out of the volume',
                hint='write a relative path without ".." and not beginning with it',
            )
        if any(len(os.fsencode(part)) > _NAME_MAX for part in parts) or len(path) > _PATH_MAX:
            raise Invalid(f'{owner}: path "{path[:40]}..." is longer than Linux allows')
        for depth in range(1, len(parts)):
            front = "/".join(parts[:depth])
            if front in unique:
                raise Invalid(f'{owner}: path "{front}" is a file and, for "{path}", a directory')
    return tuple(unique.values())


def memory(path: str) -> None:
    """Mount the tmpfs of a secret volume at `path`. Run inside the pod's mount namespace.

    Its pages are kept out of swap where the kernel can (6.4 and newer): a swapped secret is a
    secret on a disk.
    """
    if mounts.is_mounted(path):
        return
    os.makedirs(path, mode=0o700, exist_ok=True)
    options = f"mode={_DIRECTORY_MODE:o}"
    try:
        mounts.filesystem("tmpfs", path, options=f"{options},noswap")
    except HostFault:
        mounts.filesystem("tmpfs", path, options=options)


def write(volume: str, files: Sequence[File], *, group: int | None = None) -> bool:
    """Make `volume` (a directory, made if missing) show exactly `files`; False if it did already.

    `group` is the pod's fsGroup: it may then read every file. Raises HostFault, with the old
    version still in place, when the new one cannot be written.
    """
    try:
        if not os.path.isdir(volume):
            os.makedirs(volume)
            os.chmod(volume, _DIRECTORY_MODE)
        current = _current(volume)
        changed = current is None or not _shows(f"{volume}/{current}", files, group)
        if changed:
            current = _write_version(volume, files, group)
        _link(volume, {file.path.split("/")[0] for file in files})
        _sweep(volume, keep=current)
    except OSError as error:
        raise HostFault(f"{volume}: cannot be written: {error.strerror}") from error
    return changed


def _current(volume: str) -> str | None:
    try:
        return os.readlink(f"{volume}/{DATA}")
    except FileNotFoundError:
        return None


def _shows(version: str, files: Sequence[File], group: int | None) -> bool:
    """Say whether the directory `version` holds `files`, their modes and group, and no others."""
    wanted = {file.path: file for file in files}
    found = 0
    try:
        for path in _paths(version):
            file = wanted.get(path)
            if file is None or not _same(f"{version}/{path}", file, group):
                return False
            found += 1
    except FileNotFoundError:
        return False
    return found == len(wanted)


def _paths(version: str) -> Iterator[str]:
    """Return the files below `version`, relative to it."""
    waiting = [""]
    while waiting:
        front = waiting.pop()
        with os.scandir(f"{version}/{front}") as entries:
            for entry in entries:
                path = f"{front}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{path}/")
                else:
                    yield path


def _same(path: str, file: File, group: int | None) -> bool:
    held = os.stat(path)
    if stat.S_IMODE(held.st_mode) != _file_mode(file, group) or held.st_gid != (group or 0):
        return False
    if held.st_size != len(file.content):
        return False
    with open(path, "rb") as stored:
        return stored.read() == bytes(file.content)


def _write_version(volume: str, files: Sequence[File], group: int | None) -> str:
    """Write a new version, switch to it, and return its name."""
    name = f"{_OWN}{time.strftime('%Y_%m_%d_%H_%M_%S', time.gmtime())}.{os.urandom(4).hex()}"
    version = f"{volume}/{name}"
    try:
        _make_directory(version, group)
        for file in files:
            _write_file(version, file, group)
        _remove(f"{volume}/{_DATA_NEXT}")
        os.symlink(name, f"{volume}/{_DATA_NEXT}")
        os.rename(f"{volume}/{_DATA_NEXT}", f"{volume}/{DATA}")
    except BaseException:
        _remove(version)
        raise
    return name


def _write_file(version: str, file: File, group: int | None) -> None:
    front = version
    for part in file.path.split("/")[:-1]:
        front = f"{front}/{part}"
        if not os.path.isdir(front):
            _make_directory(front, group)
    # Nobody else can open it before it has its mode and its group.
    fd = os.open(f"{version}/{file.path}", _NEW_FILE, 0o600)
    with open(fd, "wb") as stored:
        stored.write(file.content)
        if group is not None:
            os.fchown(fd, -1, group)
        os.fchmod(fd, _file_mode(file, group))


def _file_mode(file: File, group: int | None) -> int:
    return file.mode if group is None else file.mode | ownership.READ_ONLY


def _make_directory(path: str, group: int | None) -> None:
    os.mkdir(path, 0o700)
    mode = _DIRECTORY_MODE
    if group is not None:
        os.chown(path, -1, group)
        mode = ownership.directory_mode(mode, ownership.READ_ONLY)
    os.chmod(path, mode)


def _link(volume: str, names: set[str]) -> None:
    """Make the names that containers see, and take away those of keys that are gone."""
    for name in os.listdir(volume):
        path = f"{volume}/{name}"
        if name.startswith(_OWN):
            continue
        if os.path.islink(path):
            if name not in names:
                os.unlink(path)
            names.discard(name)
        elif name in names:
            # A subPath that was missing once left a directory in the key's place.
            os.rmdir(path)
    for name in sorted(names):
        os.symlink(f"{DATA}/{name}", f"{volume}/{name}")


def _sweep(volume: str, keep: str | None) -> None:
    """Remove every version but `keep`, those of a writer that was killed included."""
    for name in os.listdir(volume):
        if name.startswith(_OWN) and name not in (DATA, keep):
            _remove(f"{volume}/{name}")


def _remove(path: str) -> None:
    """Remove a version or a left-over link; gone already is success."""
    if os.path.islink(path) or not os.path.isdir(path):
        try:
            os.unlink(path)
        except FileNotFoundError:
            return
        return
    for directory, directories, files in os.walk(path, topdown=False):
        for name in files:
            os.unlink(f"{directory}/{name}")
        for name in directories:
            os.rmdir(f"{directory}/{name}")
    os.rmdir(path)
