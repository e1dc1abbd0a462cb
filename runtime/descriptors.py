"""Have as many open files as a pass needs: a count in, a block with room for them.

A shell's soft limit is 1024 (RLIMIT_NOFILE), the hard one far above. It is raised for a block
alone: containers inherit it.
"""

from __future__ import annotations

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FEW = 200
"""So many are there in any case, and the limit need not even be read."""
_SPARE = 100
"""What other threads may open meanwhile."""


@contextlib.contextmanager
def room_for(count: int) -> Iterator[None]:
    """Let `count` more files be open in the block, as far as the hard limit goes."""
    if count <= FEW:
        yield
        return
    import resource

    soft, hard = before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = len(os.listdir("/proc/self/fd")) + count + _SPARE
    wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or wanted <= soft:
        yield
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
