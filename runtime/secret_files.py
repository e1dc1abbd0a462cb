"""Judge and read the administrator's files with secrets: a path in, its bytes or a fault out.

What others can read is no secret any more, and what others can write says what they want.
"""

from __future__ import annotations

import os

from manifests.faults import HostFault

_OTHERS_READ = 0o077
_OTHERS_WRITE = 0o022


def check_private(path: str) -> None:
    """Refuse a file that others than its owner can read."""
    _judge(path, _mode(path), _OTHERS_READ, "read", f"chmod 600 {path}")


def check_trusted(path: str) -> None:
    """Refuse a file that others than its owner can write."""
    _judge(path, _mode(path), _OTHERS_WRITE, "written", f"chmod go-w {path}")


def read(path: str, most: int = -1) -> bytes:
    """Return the content of a private file, `most` bytes of it."""
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(most)
    except OSError as error:
        raise _unreadable(path, error) from error
    _judge(path, mode, _OTHERS_READ, "read", f"chmod 600 {path}")
    return content


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except OSError as error:
        raise _unreadable(path, error) from error


def _judge(path: str, mode: int, forbidden: int, done: str, hint: str) -> None:
    if mode & forbidden:
        raise HostFault(f"{path} can be {done} by others", hint=hint)


def _unreadable(path: str, error: OSError) -> HostFault:
    return HostFault(f"{path} cannot be read: {error.strerror}")
