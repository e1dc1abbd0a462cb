"""An ordinary user's command: into the user's namespaces, where it is root, and on as it is."""

from __future__ import annotations

import os

_OUTSIDE = frozenset(
    {"validate", "convert", "explain", "completion", "version", "doctor", "render"}
)
"""Commands that neither change the host nor ask what runs on it; `doctor` enters by itself."""


def enter(command: str) -> None:
    """Enter where the command needs it. Raises HostFault where this user cannot."""
    if os.geteuid() == 0 or command in _OUTSIDE:
        return
    from runtime import paths
    from runtime.rootless import entering

    entering.enter(paths.default())
