"""Read what another process says by a pipe, within a deadline."""

from __future__ import annotations

import os
import select
import time

from manifests.faults import TimedOut


def read(descriptor: int, most: int, seconds: float, about: str) -> bytes:
    """Return up to `most` bytes, fewer at the end of the file. TimedOut, naming `about`."""
    deadline = time.monotonic() + seconds
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    said = b""
    while len(said) < most:
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise TimedOut(f"{about} is not ready after {seconds:g} s")
        part = os.read(descriptor, most - len(said))
        if not part:
            break
        said += part
    return said
