"""An ordinary user's command: into the user's namespaces, where it is root, and on as it is."""

from __future__ import annotations

import os
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_OUTSIDE = frozenset(
    {"validate", "convert", "explain", "completion", "version", "doctor", "render"}
)
"""Commands that neither change the host nor ask what runs on it; `doctor` enters by itself."""
_LOOKING = frozenset({"get", "describe", "events", "logs", "top", "diff", "plan"})
"""Commands that start no process which is to stay, or to be in a pod."""
_HOLD, _HALT = ["hold"], ["halt"]


def enter(command: str, words: Sequence[str]) -> None:
    """Enter where the command, with these words, needs it. HostFault where this user cannot."""
    if os.geteuid() == 0 or command in _OUTSIDE or "--unit" in words:
        return
    from runtime import paths as runtime_paths
    from runtime.rootless import entering, record

    run_dir = f"/run/user/{os.geteuid()}"
    if os.path.isdir(run_dir):  # Of a user who lingers, for whom su and cron do not set it.
        os.environ.setdefault("XDG_RUNTIME_DIR", run_dir)
    paths = runtime_paths.default()
    if command == "internal":
        begins = [*words[:1]] == _HOLD
        if begins or ([*words[:1]] == _HALT and record.read(paths) is None):
            return  # The first makes them; for the second there is nothing to stop.
    from podpy import context

    program = partial(context.hook, paths)
    entering.enter(paths, program, starts=command not in _LOOKING)
