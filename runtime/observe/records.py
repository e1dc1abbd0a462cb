"""Read and write a pod's files in run_dir: pod.json, and status.json of each container.

What a pod that has ended came to is kept on disk, too: run_dir does not outlive the boot.
They are written whole (runtime.files), and hold no secret: the pod's manifest names Secrets, their
content is elsewhere.
"""

from __future__ import annotations

import os

from manifests import codec
from manifests.observed import ContainerRecord, PodRecord
from runtime import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runtime.paths import Paths


def write_pod(paths: Paths, record: PodRecord) -> None:
    """Save the pod's record; its directory is made if need be."""
    directory = paths.pod(record.uid)
    os.makedirs(directory, mode=0o711, exist_ok=True)
    files.write_json(f"{directory}/pod.json", codec.encode(record))


def read_pod(paths: Paths, uid: str) -> PodRecord | None:
    """Return the pod's record; None where there is none, or a file that podpy did not write.

    A pass asks for every record several times: one that has not been replaced since is known.
    """
    path = f"{paths.pod(uid)}/pod.json"
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
    known = _known.get(path)
    if known is not None and known[0] == stamp:
        return known[1]
    raw = files.read_json(path)
    try:
        record = None if raw is None else codec.restore(PodRecord, raw)
    except ValueError:
        record = None
    _known[path] = (stamp, record)
    return record


_known: dict[str, tuple[tuple[int, int, int], PodRecord | None]] = {}


def uids(paths: Paths) -> tuple[str, ...]:
    """Return the uid of every pod that has a directory, with or without a record."""
    try:
        return tuple(sorted(os.listdir(paths.pods)))
    except FileNotFoundError:
        return ()


def read_pods(paths: Paths) -> Iterator[PodRecord]:
    """Yield the record of every pod that has one."""
    for uid in uids(paths):
        record = read_pod(paths, uid)
        if record is not None:
            yield record


def write_container(paths: Paths, uid: str, name: str, record: ContainerRecord) -> None:
    """Save what the container's other files cannot tell."""
    directory = paths.container(uid, name)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    files.write_json(f"{directory}/status.json", codec.encode(record))


def keep_ended(paths: Paths, record: PodRecord, containers: Mapping[str, ContainerRecord]) -> None:
    """Save on disk what `restore_ended` makes the records of an ended pod of."""
    kept = {
        "pod": codec.encode(record),
        "containers": {name: codec.encode(one) for name, one in containers.items()},
    }
    os.makedirs(paths.pod_disk(record.uid), mode=0o711, exist_ok=True)
    files.write_json(paths.ended(record.uid), kept, durable=True)


def read_ended(paths: Paths, uid: str) -> PodRecord | None:
    """Return the record of a pod that was kept; None where there is none."""
    kept = files.read_json(paths.ended(uid))
    try:
        return None if kept is None else codec.restore(PodRecord, kept["pod"])
    except (ValueError, KeyError, TypeError):
        return None


def restore_ended(paths: Paths, record: PodRecord) -> None:
    """Write the records of a pod that was kept, as they were when it had ended."""
    kept = files.read_json(paths.ended(record.uid))
    os.makedirs(paths.pod(record.uid), mode=0o711, exist_ok=True)
    for name, one in kept["containers"].items():
        write_container(paths, record.uid, name, codec.restore(ContainerRecord, one))
    write_pod(paths, record)


def read_container(paths: Paths, uid: str, name: str) -> ContainerRecord | None:
    """Return the container's record; None where it was never started."""
    raw = files.read_json(f"{paths.container(uid, name)}/status.json")
    try:
        return None if raw is None else codec.restore(ContainerRecord, raw)
    except ValueError:
        return None
