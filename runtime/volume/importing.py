"""Copy a directory into a claim that holds nothing yet: the whole of it appears, or nothing.

    Paths.claims/.importing/NAMESPACE.CLAIM     the copy, until it takes the claim's place

A copy that was killed half-way stays there, seen by nobody, until the next one clears it.
"""

from __future__ import annotations

import os

from manifests.faults import HostFault, Invalid
from runtime import proc
from runtime.kernel import syscalls
from runtime.volume import claims

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.paths import Paths

_IMPORTING = ".importing"
_CLEAR_SECONDS = 600.0


def check(paths: Paths, namespace: str, name: str) -> None:
    """Raise Invalid where the claim holds something: nothing is put over a user's data."""
    known = claims.find(paths, namespace, name)
    if known is not None and os.listdir(known.path):
        raise Invalid(
            f"PersistentVolumeClaim {namespace}/{name} holds data: nothing was copied over it",
            hint="import under another name, or delete the data first: podpy volume rm",
        )


def bring(paths: Paths, namespace: str, name: str, source: str, timeout: float) -> None:
    """Copy what is in `source`, with owners, modes, links and attributes, and make it the claim.

    The caller holds the claim's lock and knows that no pod mounts it. Raises HostFault when the
    copy fails, TimedOut after `timeout` seconds, Interrupted when a signal asks podpy to end.
    """
    check(paths, namespace, name)
    # No namespace has a dot in its name, so that two claims never share this one.
    fresh = f"{paths.claims}/{_IMPORTING}/{namespace}.{name}"
    os.makedirs(os.path.dirname(fresh), mode=0o700, exist_ok=True)
    proc.check("rm", "-rf", "--", fresh, timeout=_CLEAR_SECONDS)
    os.mkdir(fresh, mode=0o700)
    try:
        _copy(source, fresh, timeout)
        claims.take(paths, namespace, name, fresh)
    except BaseException:
        proc.check("rm", "-rf", "--", fresh, timeout=_CLEAR_SECONDS)
        raise


def _copy(source: str, fresh: str, timeout: float) -> None:
    # Its own directory's owner and mode come along, too: the "." behind the slash is a file as all.
    words = ("cp", "--archive", "--reflink=auto", "--", f"{source}/.", fresh)
    child = proc.start((*proc.ending_with_podpy(), *words), stderr=proc.PIPE)
    _, said = proc.communicate(child, timeout, f"copying {source}")
    if child.returncode != 0:
        told = said.decode(errors="replace").strip().split("\n")[0]
        raise HostFault(f"{source}: cannot be copied: {told}")
    settle(fresh)


def settle(directory: str) -> None:
    """Bring to the disk what was written on a directory's file system."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        syscalls.syncfs(descriptor)
    finally:
        os.close(descriptor)
