"""Write and read podpy's own files, most of them JSON: whole or not at all, for their owner alone.

Written under a temporary name and renamed, so a reader, or what is left after a kill, sees the old
file or the new one.
"""

from __future__ import annotations

import os

from manifests import compact_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_READ = 1 << 16


def write_json(path: str, value: object, *, durable: bool = False) -> None:
    """Put `value` (JSON-shaped) at `path`; its directory exists. `durable` outlives a power cut."""
    data = compact_json.dumps(value).encode()
    write(path, data, temporary=f"{path}.{os.getpid()}.tmp", durable=durable)


def write_program(path: str, text: str) -> None:
    """Put a program of podpy's at `path`, for its owner to run."""
    write(path, text.encode(), temporary=f"{path}.{os.getpid()}.tmp", mode=0o700)


def write(
    path: str, data: bytes, *, temporary: str, durable: bool = False, mode: int = 0o600
) -> None:
    """Put `data` at `path` by way of `temporary`, in the same directory.

    A name of their own for it where several may write at once; one name where a lock keeps them
    apart, so that what a killed writer left is written over by the next.
    """
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with open(descriptor, "wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(descriptor)
    os.replace(temporary, path)


def read(path: str) -> bytes:
    """Return what a small file holds, one of /proc or /sys, too. Raises OSError.

    open() makes five more system calls for each, and a pass over fifty pods reads two thousand.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(descriptor, _READ)
        # The kernel gives its own files in parts: only an empty one is the last.
        while data and (more := os.read(descriptor, _READ)):
            data += more
    finally:
        os.close(descriptor)
    return data


def number(path: str) -> int | None:
    """Return the number that the file holds; None where there is none."""
    try:
        return int(read(path))
    except (OSError, ValueError):
        return None


def unlink(path: str) -> None:
    """Remove a file; gone already is success."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def link_over(kept: str, path: str) -> None:
    """Let `path`, which holds the same, be another name of the file `kept`, if that is there."""
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        os.link(kept, temporary)
    except (FileNotFoundError, FileExistsError):
        return
    os.replace(temporary, path)
    # rename(2) does nothing where both are one file already.
    if os.path.lexists(temporary):
        os.unlink(temporary)


def sweep(directory: str) -> None:
    """Remove what writers that were killed have left in `directory`: NAME.PID.tmp."""
    try:
        left = [name for name in os.listdir(directory) if name.endswith(".tmp")]
    except FileNotFoundError:
        return
    for name in left:
        pid = name.split(".")[-2]
        if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            unlink(f"{directory}/{name}")


def read_json(path: str) -> Any:
    """Return what the file holds; None where there is none, or one that is no JSON."""
    try:
        return compact_json.loads(read(path))
    except (FileNotFoundError, ValueError):
        return None


def read_toml(path: str) -> dict[str, Any]:
    """Return what a file of the administrator's says; {} without one. Raises HostFault."""
    from manifests.faults import HostFault

    try:
        text = read(path).decode()
        # Most hosts have no such file, and most commands look for one.
        import tomllib

        return tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise HostFault(f"{path}: cannot be read: {error}") from error
