"""Write and read podpy's own JSON files: whole or not at all, and for their owner alone.

Written under a temporary name and renamed, so a reader, or what is left after a kill, sees the old
file or the new one.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def write_json(path: str, value: object, *, durable: bool = False) -> None:
    """Put `value` (JSON-shaped) at `path`; its directory exists. `durable` outlives a power cut."""
    temporary = f"{path}.{os.getpid()}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, separators=(",", ":"))
        if durable:
            file.flush()
            os.fsync(descriptor)
    os.replace(temporary, path)


def read_json(path: str) -> Any:
    """Return what the file holds; None where there is none, or one that is no JSON."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (FileNotFoundError, ValueError):
        return None
