"""Keep PersistentVolumeClaims as directories of this host: make, list, measure, remove.

    Paths.claims/
        NAMESPACE/CLAIM/             the user's data, and nothing else
        .claims/NAMESPACE/CLAIM      what was asked for (JSON); lost, it is only unknown
        .removing/RANDOM             taken away with consent, not yet deleted
        .importing/NAMESPACE.CLAIM   being copied from elsewhere: runtime.volume.importing
        .trash/ID/                   removed, and kept for a while: runtime.volume.trash

No name of Kubernetes begins with a dot, and the longest leaves room for one: `.CLAIM` is a claim
(or a record) that is being made. The directory is the claim: where there is one, the claim
exists. Nothing here removes data unless its caller says that the user agreed.
"""

from __future__ import annotations

import os
import time

from manifests import codec, compact_json
from manifests.faults import HostFault, Invalid
from manifests.value import Value
from manifests.volumes import ClaimSpec
from runtime import proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.config import PersistentVolumeClaim
    from runtime.paths import Paths

MODE = 0o777
"""Any user of a container may write; users of the host are kept out by the state directory."""

OWNER, GROUP = "volume.podman.io/uid", "volume.podman.io/gid"
"""Annotations of Podman on a claim: who owns its directory when it is made."""

_REMOVE_SECONDS = 600.0
_RECORDS = ".claims"
_REMOVING = ".removing"


class Record(Value):
    """What was asked for when the claim was made, and when (seconds since the epoch)."""

    spec: ClaimSpec = ClaimSpec()
    created_at: float = 0.0


class Claim(Value):
    """A claim that exists on this host. `path` is the directory that pods mount."""

    namespace: str
    name: str
    path: str
    record: Record = Record()


def ensure(paths: Paths, claim: PersistentVolumeClaim) -> Claim:
    """Make the claim's directory if it is missing, and record what is asked for now."""
    namespace, name = claim.metadata.namespace, claim.metadata.name
    path = paths.claim(namespace, name)
    known = find(paths, namespace, name)
    record = Record(
        spec=claim.spec,
        created_at=known.record.created_at if known else time.time(),
    )
    try:
        if known is None or known.record != record:
            _write_record(paths, namespace, name, record)
        if known is None:
            _make(path, _owner(claim))
    except OSError as error:
        raise HostFault(
            f"PersistentVolumeClaim {namespace}/{name}: cannot be made: {error.strerror}"
        ) from error
    return Claim(namespace=namespace, name=name, path=path, record=record)


def take(paths: Paths, namespace: str, name: str, fresh: str) -> None:
    """Make the directory `fresh`, whole and on disk, the claim, in place of one that is empty."""
    path = paths.claim(namespace, name)
    if find(paths, namespace, name) is None:
        _write_record(paths, namespace, name, Record(created_at=time.time()))
    os.makedirs(os.path.dirname(path), mode=0o711, exist_ok=True)
    os.rename(fresh, path)
    _sync(os.path.dirname(path))


def bring_back(paths: Paths, namespace: str, name: str, record: Record, data: str) -> None:
    """Make `data` the claim, with what was asked for, in place of one that holds nothing."""
    path = paths.claim(namespace, name)
    try:
        _write_record(paths, namespace, name, record)
        os.makedirs(os.path.dirname(path), mode=0o711, exist_ok=True)
        os.rename(data, path)
        _sync(os.path.dirname(path))
    except OSError as error:
        raise HostFault(
            f"PersistentVolumeClaim {namespace}/{name}: cannot be brought back: {error.strerror}"
        ) from error


def find(paths: Paths, namespace: str, name: str) -> Claim | None:
    """Return the claim, None when it has no directory on this host."""
    path = paths.claim(namespace, name)
    if not os.path.isdir(path):
        return None
    record = _read_record(paths, namespace, name)
    return Claim(namespace=namespace, name=name, path=path, record=record)


def known(paths: Paths, namespace: str, name: str) -> bool:
    """Tell whether anything of the claim is there: a killed removal may have left its record."""
    return os.path.isdir(paths.claim(namespace, name)) or os.path.lexists(
        _record_path(paths, namespace, name)
    )


def names(paths: Paths) -> Iterator[tuple[str, str]]:
    """Return namespace and name of every claim of this host, sorted, without looking into them."""
    for namespace in _names(paths.claims):
        for name in _names(f"{paths.claims}/{namespace}"):
            if os.path.isdir(paths.claim(namespace, name)):
                yield namespace, name


def every(paths: Paths) -> Iterator[Claim]:
    """Return every claim of this host, sorted. What each holds is for `disk_usage` to find out."""
    for namespace, name in names(paths):
        claim = find(paths, namespace, name)
        if claim is not None:
            yield claim


def disk_usage(path: str) -> int:
    """Return the bytes that the tree at `path` takes on its disk. Reads every directory in it."""
    total = 0
    seen: set[tuple[int, int]] = set()
    waiting = [path]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    held = entry.stat(follow_symlinks=False)
                    if (held.st_dev, held.st_ino) not in seen:
                        seen.add((held.st_dev, held.st_ino))
                        total += held.st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except FileNotFoundError:
            continue  # Its user removed it while we counted.
    return total


def remove(paths: Paths, namespace: str, name: str, *, consent: bool) -> bool:
    """Delete the claim and the user's data in it; False when there is none.

    `consent`: the user asked for exactly this. Without it Invalid is raised and nothing changes.
    That no pod mounts it is the caller's to know. Killed half-way, the claim is gone from its place
    already, and the next removal (or `sweep`) deletes what is left.
    """
    path = paths.claim(namespace, name)
    if os.path.isdir(path):
        if not consent:
            raise Invalid(
                f"PersistentVolumeClaim {namespace}/{name} holds data: it is not removed unasked",
                hint="say so explicitly to delete the data as well",
            )
        discard(paths, path)
        removed = True
    else:
        removed = False
    forget(paths, namespace, name)
    sweep(paths)
    return removed


def discard(paths: Paths, path: str) -> None:
    """Take a directory away, for `sweep` to delete: once this is done it is gone."""
    removing = f"{paths.claims}/{_REMOVING}"
    os.makedirs(removing, mode=0o700, exist_ok=True)
    os.rename(path, f"{removing}/{os.urandom(8).hex()}")


def sweep(paths: Paths) -> None:
    """Delete what removals that were killed have left. Raises HostFault naming what resists."""
    removing = f"{paths.claims}/{_REMOVING}"
    for name in _names(removing):
        # Not shutil.rmtree: it recurses, and how deep the tree is was up to its user.
        proc.check("rm", "-rf", "--", f"{removing}/{name}", timeout=_REMOVE_SECONDS)


def _owner(claim: PersistentVolumeClaim) -> tuple[int, int]:
    """Whose the directory becomes: Podman's annotations may say so, else root's."""
    given = claim.metadata.annotations
    return int(given.get(OWNER, "0")), int(given.get(GROUP, "0"))


def _make(path: str, owner: tuple[int, int]) -> None:
    parent = os.path.dirname(path)
    os.makedirs(parent, mode=0o711, exist_ok=True)
    fresh = f"{parent}/.{os.path.basename(path)}"
    os.makedirs(fresh, exist_ok=True)
    os.chmod(fresh, MODE)
    if owner != (0, 0):
        os.chown(fresh, *owner)
    os.rename(fresh, path)
    _sync(parent)


def _record_path(paths: Paths, namespace: str, name: str) -> str:
    return f"{paths.claims}/{_RECORDS}/{namespace}/{name}"


def _write_record(paths: Paths, namespace: str, name: str, record: Record) -> None:
    path = _record_path(paths, namespace, name)
    parent = os.path.dirname(path)
    os.makedirs(parent, mode=0o700, exist_ok=True)
    fresh = f"{parent}/.{name}"
    with open(fresh, "w", encoding="utf-8") as file:
        file.write(compact_json.dumps(codec.encode(record)))
        file.flush()
        os.fsync(file.fileno())
    os.rename(fresh, path)
    _sync(parent)


def _read_record(paths: Paths, namespace: str, name: str) -> Record:
    try:
        with open(_record_path(paths, namespace, name), encoding="utf-8") as file:
            return codec.restore(Record, compact_json.loads(file.read()))
    except (FileNotFoundError, ValueError):
        return Record()


def forget(paths: Paths, namespace: str, name: str) -> None:
    """Remove the record, and the namespace's directories when nothing is left in them."""
    record = _record_path(paths, namespace, name)
    if os.path.lexists(record):
        os.unlink(record)
    for directory in (os.path.dirname(record), f"{paths.claims}/{namespace}"):
        try:
            os.rmdir(directory)
        except OSError:
            continue


def _names(directory: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(directory) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sync(directory: str) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
