"""What each call of an OCI runtime begins with: where its state is, what it leaves alone."""

from __future__ import annotations

from runtime.rootless import mode


def options(root: str) -> tuple[str, ...]:
    """Return them for containers whose state the runtime keeps in `root`.

    A user who has been given no control groups has only crun, which can do without.
    """
    bare = ("--cgroup-manager=disabled",) if mode.without_cgroups() else ()
    return ("--root", root, *bare)
