"""Remove directory trees that containers have written, however deep they are.

shutil.rmtree recurses, and a container can make a tree that exceeds Python's stack.
"""

from __future__ import annotations

import errno
import os

from manifests.faults import HostFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

REMOVE_SECONDS = 300.0
TRIES = 3


def remove(paths: Sequence[str]) -> None:
    """Remove the directories at `paths`; gone already is success.

    conmon may still be writing its last record there for a millisecond, and a tree may be deeper
    than a path can be long: what resists is left to rm, which is tried again. Raises HostFault for
    what cannot be removed.
    """
    left = [path for path in paths if not _swept(path)]
    if not left:
        return
    from runtime import proc

    for attempt in range(TRIES):
        result = proc.run("rm", "-rf", "--one-file-system", *left, timeout=REMOVE_SECONDS)
        if result.status == 0:
            return
        if attempt == TRIES - 1:
            raise HostFault(f"{', '.join(left)}: cannot be removed: {result.complaint}")


def _swept(path: str) -> bool:
    """Remove a tree without a process and without recursion; False when something resists."""
    directories: list[str] = []
    try:
        device = os.lstat(path).st_dev
    except OSError as error:
        return error.errno == errno.ENOENT
    waiting = [path]
    try:
        while waiting:
            directory = waiting.pop()
            directories.append(directory)
            if os.lstat(directory).st_dev != device:
                return False
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        os.unlink(entry.path)
        for directory in reversed(directories):
            os.rmdir(directory)
    except OSError:
        return False
    return True
