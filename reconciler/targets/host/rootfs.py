"""Mount a container's root file system: its image's layers under a writable one of its own.

Runs inside the pod's namespaces. The writable layer is made afresh at each start, as in
Kubernetes: what a container wrote outside its volumes ends with it.
"""

from __future__ import annotations

import os

from runtime import trees
from runtime.kernel import mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reconciler.targets.host.base import Base
    from runtime.image.store import Image


def mount(base: Base, uid: str, name: str, image: Image) -> str:
    """Mount the root of container `name` and return its path."""
    target = f"{base.paths.container(uid, name)}/rootfs"
    scratch = base.paths.container_disk(uid, name)
    mounts.umount(target)
    trees.remove([f"{scratch}/{part}" for part in ("upper", "work")])
    for part in ("upper", "work"):
        os.makedirs(f"{scratch}/{part}", mode=0o711 if part == "work" else 0o755)
    os.makedirs(target, mode=0o700, exist_ok=True)
    mounts.overlay(
        target,
        base.store.layer_directories(image),
        upper=f"{scratch}/upper",
        work=f"{scratch}/work",
        volatile=True,
    )
    return target
