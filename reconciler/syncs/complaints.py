"""Find what a failed hook said of a full disk: its Job in, the line of its log out.

Called by reconciler.syncs.hooks. A program's exit code does not tell a full disk from a defect of
its own; what it printed last often does. Then the revision is not to blame.
"""

from __future__ import annotations

import errno
import os

from reconciler.targets.host import logs
from reconciler.workloads.ownership import belongs_to
from runtime.oci import logs as reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.observed import PodState
    from manifests.ref import Ref
    from reconciler.targets.host.base import Base
    from reconciler.targets.host.host import Host

_WORDS = tuple(os.strerror(number).lower() for number in (errno.ENOSPC, errno.EDQUOT))
_LINES = 20
_LONGEST = 200


def of_space(host: Host, job: Ref) -> str:
    """Return the last line in which a container of the Job that has failed says so, or ""."""
    for state in host.pods():
        if belongs_to(state) == job:
            for line in _last_lines(host.base, state):
                if any(word in line.lower() for word in _WORDS):
                    return line[-_LONGEST:]
    return ""


def _last_lines(base: Base, state: PodState) -> Iterator[str]:
    """The last lines of each container that has failed, the newest first."""
    folder = logs.directory(base, state.record)
    for name, seen in state.containers.items():
        runs = reading.runs(f"{folder}/{name}")
        if seen.ended is None or not seen.ended.exit_code or not runs:
            continue
        log = reading.path(f"{folder}/{name}", runs[-1])
        try:
            lines = tuple(reading.read(log, reading.Selection(tail=_LINES)))
        except OSError:  # Rotated away, or on a disk that does not work: it says nothing.
            continue
        for line in reversed(lines):
            yield line.text.decode(errors="replace").strip()
