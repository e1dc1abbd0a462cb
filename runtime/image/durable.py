"""Have what is written below a directory on the disk, begun while more is being written.

Called by runtime.image.pull. A record that outlives a power cut must be right, so layers are on
the disk before their image is recorded. A thread tells the kernel to write every few dozen
megabytes: the disk works while the next files are made, and little is left to wait for.
"""

from __future__ import annotations

import os
import threading

from manifests.faults import HostFault
from runtime.kernel import syscalls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

STRIDE = 32 << 20
"""Bytes after which the disk is given work."""


class Flusher:
    """Writes back the file system that holds `directory`; a context manager that ends its thread.

    Tell it with `wrote` how much has been written, and call `finish` before the record.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._lock = threading.Lock()
        self._pending = 0
        self._wake = threading.Event()
        self._ended = False
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._work, name="write-back", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended = True
        self._wake.set()
        self._thread.join()
        os.close(self._descriptor)

    def wrote(self, count: int) -> None:
        """Count bytes that a thread has written."""
        with self._lock:
            self._pending += count
            if self._pending < STRIDE:
                return
            self._pending = 0
        self._wake.set()

    def finish(self) -> None:
        """Return once all is on the disk; raises HostFault where the disk has refused."""
        try:
            syscalls.syncfs(self._descriptor)
            if self._failure is not None:
                raise self._failure
        except OSError as error:
            raise HostFault(
                f"{self._directory}: the disk has refused what was written: {error.strerror}",
                hint="look for its errors with `dmesg`",
            ) from error

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._ended:
                return
            try:
                syscalls.syncfs(self._descriptor)
            except OSError as error:  # told once a descriptor: `finish` would not hear of it
                self._failure = error
