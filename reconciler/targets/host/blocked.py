"""The fault of a container or volume that cannot be made as things stand, with its reason."""

from __future__ import annotations

from manifests.faults import Retry
from runtime.volume import hostpath

CONFIG = "CreateContainerConfigError"
"""The kubelet's word for a container whose references or security settings do not work out."""

MOUNT = hostpath.FAILED_MOUNT


class Blocked(Retry):
    """A later pass may succeed: the kubelet goes on trying as well, since objects may yet come.

    `reason` is what the container's waiting state and the event say, one of this module's words.
    """


def lost(owner: str, secret: str, *, reason: str, hint: str) -> Blocked:
    """Return the fault of a Secret that was there before the host has booted."""
    return Blocked(
        f'{owner}: secret "{secret}" has no content since this host has booted: '
        "Secrets are kept in memory only",
        reason=reason,
        hint=hint,
    )
