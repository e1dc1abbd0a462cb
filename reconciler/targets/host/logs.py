"""Where a container's runs write their logs, and what keeps them small: rotation, old runs' end.

conmon starts a log afresh at MOST_BYTES, with no podpy about. Before that, each pass and each exit
hook rotates what is over half of that. Few logs are, so what rotates is imported for those.
"""

from __future__ import annotations

import os

from manifests import settings
from manifests.observed import Stage
from runtime import files
from runtime.oci.container import Container

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.observed import PodRecord, PodState
    from reconciler.targets.host.base import Base

MOST_BYTES = 10 * 1024 * 1024
"""The size at which conmon starts a log afresh, the kubelet's containerLogMaxSize."""

_KEPT_RUNS = 2
"""The present run and the one before it, as the kubelet keeps one dead container."""


def prepare(base: Base, record: PodRecord, name: str, run: int) -> str:
    """Return the log of a run that is about to start, "" if none is kept; remove old runs'."""
    if record.pod.metadata.annotations.get(settings.LOG_DRIVER) == settings.NO_LOG:
        return ""
    place = f"{directory(base, record)}/{name}"
    os.makedirs(place, mode=0o755, exist_ok=True)
    if run >= _KEPT_RUNS:
        from runtime.oci import logs

        for old in logs.runs(place):
            if old <= run - _KEPT_RUNS:
                log = logs.path(place, old)
                for part in (*logs.parts(log), log):
                    files.unlink(part)
    return f"{place}/{run}.log"


def most_bytes(record: PodRecord) -> int:
    """Return the size at which conmon starts a log of the pod afresh."""
    wanted = record.pod.metadata.annotations.get(settings.LOG_SIZE)
    return MOST_BYTES if wanted is None else settings.log_bytes(wanted) or MOST_BYTES


def rotate(base: Base, state: PodState) -> None:
    """Rotate those logs of the pod's running containers that have grown too large.

    Where the user says how large a log may be, conmon alone holds it to that: no part is kept.
    """
    if settings.LOG_SIZE in state.pod.metadata.annotations:
        return
    for name, container in state.containers.items():
        if container.stage is not Stage.RUNNING:
            continue
        log = f"{directory(base, state.record)}/{name}/{container.record.attempt}.log"
        try:
            found = os.stat(log)
        except FileNotFoundError:
            continue
        # A second name is the part of a rotation that was cut off.
        if found.st_size > MOST_BYTES // 2 or found.st_nlink > 1:
            from runtime.oci import rotation

            bundle = Container.of(base.paths, state.uid, name).bundle
            rotation.rotate(log, bundle, limit=MOST_BYTES // 2)


def directory(base: Base, record: PodRecord) -> str:
    """Return where the logs of the pod's containers are, each in a directory of its own."""
    metadata = record.pod.metadata
    return base.paths.pod_logs(metadata.namespace, metadata.name, record.uid)
