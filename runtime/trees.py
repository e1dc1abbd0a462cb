"""Remove directory trees that containers have written, however deep they are.

shutil.rmtree recurses, and a container can make a tree that exceeds Python's stack: rm does not.
"""

from __future__ import annotations

import os

from manifests.faults import HostFault
from runtime import proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

REMOVE_SECONDS = 300.0
TRIES = 3


def remove(paths: Sequence[str]) -> None:
    """Remove the directories at `paths`, in one go; gone already is success.

    conmon may still be writing its last record there for a millisecond, so it is tried again.
    Raises HostFault for what cannot be removed.
    """
    present = [path for path in paths if os.path.lexists(path)]
    if not present:
        return
    for attempt in range(TRIES):
        result = proc.run("rm", "-rf", "--one-file-system", *present, timeout=REMOVE_SECONDS)
        if result.status == 0:
            return
        if attempt == TRIES - 1:
            raise HostFault(f"{', '.join(present)}: cannot be removed: {result.complaint}")
