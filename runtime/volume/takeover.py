"""Take a directory of data over as a claim, without copying where a rename does, and give it back.

The data is in one place at any time, and a rename shows it in one of the two, killed or not. From
another file system it is copied, and stays where it was: runtime.volume.importing.
"""

from __future__ import annotations

import errno
import os

from manifests.faults import HostFault, Invalid
from runtime import locks
from runtime.volume import claims, importing, trash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.paths import Paths


def renames(paths: Paths, source: str) -> bool:
    """Tell whether taking `source` over is a rename: it is on the claims' file system."""
    return os.stat(source).st_dev == os.stat(_above(paths.claims)).st_dev


def take(
    paths: Paths, namespace: str, name: str, source: str, *, copy: bool, timeout: float
) -> None:
    """Make what is in `source` the claim; where that is done already nothing is.

    That nobody writes to it is the caller's to know, and that the claim held nothing before the
    first try. Raises HostFault where there is neither.
    """
    found = claims.find(paths, namespace, name)
    holds = found is not None and bool(os.listdir(found.path))
    if not os.path.isdir(source):
        if found is None:
            raise HostFault(f"{source}: is not there, nor is the claim {namespace}/{name}")
        return
    if holds:
        if not copy:
            raise Invalid(f"claim {namespace}/{name} holds data: {source} was not taken over")
        return
    if copy:
        importing.bring(paths, namespace, name, source, timeout)
        return
    try:
        importing.settle(source)
        claims.take(paths, namespace, name, source)
        importing.settle(os.path.dirname(source))
    except OSError as error:
        if error.errno == errno.EXDEV:
            importing.bring(paths, namespace, name, source, timeout)
            return
        raise HostFault(f"{source}: cannot be taken over: {error.strerror}") from error


def give_back(paths: Paths, namespace: str, name: str, source: str) -> None:
    """Put the data back to where `take` has it from; a copy goes into the trash of claims."""
    found = claims.find(paths, namespace, name)
    if found is None:
        return
    if os.path.isdir(source):
        with locks.held(paths, [trash.LOCK]):
            trash.put(paths, namespace, name, "podpy adopt", trash.grace(paths))
        return
    try:
        os.rename(found.path, source)
        importing.settle(os.path.dirname(source))
    except OSError as error:
        raise HostFault(
            f"{found.path}: cannot be put back to {source}: {error.strerror}"
        ) from error
    claims.forget(paths, namespace, name)


def _above(path: str) -> str:
    """Return the nearest directory above that is there."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path
