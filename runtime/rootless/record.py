"""Who holds the namespaces of a user: read, and written, in Paths.user_dir.

A process is its pid and its start: of a boot that is over nothing is left that would fit.
"""

from __future__ import annotations

import os

from manifests.value import Value
from runtime import files
from runtime.kernel import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.paths import Paths


class Record(Value):
    """`pid` holds the namespaces, `network` is slirp4netns beside it. `exit` is the descriptor of
    the holder whose end is slirp4netns' end, too."""

    pid: int
    started: int
    user: int
    exit: int
    network: int
    network_started: int
    delegated: bool = False


def path(paths: Paths) -> str:
    return f"{paths.user_dir}/namespaces.json"


def read(paths: Paths) -> Record | None:
    """Return the record of a holder that lives; None where there is none."""
    record = last(paths)
    return record if record is not None and holds(record) else None


def last(paths: Paths) -> Record | None:
    """Return what was recorded last, whether its holder lives or not."""
    kept = files.read_json(path(paths))
    if not isinstance(kept, dict) or kept.keys() != set(Record.__fields__):
        return None
    return Record(**kept)


def holds(record: Record) -> bool:
    """Say whether the process is the holder still."""
    if not processes.alive(record.pid, record.started):
        return False
    try:
        return os.stat(f"/proc/{record.pid}/ns/user").st_ino == record.user
    except OSError:
        return False


def networked(record: Record) -> bool:
    """Say whether slirp4netns lives."""
    return processes.alive(record.network, record.network_started)


def write(paths: Paths, record: Record) -> None:
    """Keep the record; the caller holds the lock of Paths.user_dir."""
    files.write_json(path(paths), {field: getattr(record, field) for field in Record.__fields__})


def api(paths: Paths) -> str:
    """Where slirp4netns takes orders."""
    return f"{paths.user_dir}/slirp.sock"


def resolv_conf(paths: Paths) -> str:
    """The resolv.conf of the namespaces: names are asked of slirp4netns, which asks the host's."""
    return f"{paths.user_dir}/resolv.conf"
