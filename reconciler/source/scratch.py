"""Directories for what is needed for a moment: a path in, an empty private directory there out."""

from __future__ import annotations

import contextlib
import os
import shutil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def emptied(path: str) -> Iterator[str]:
    """Yield an empty directory at `path`, gone afterwards; what a killed podpy has left there is
    removed first."""
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path, mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
