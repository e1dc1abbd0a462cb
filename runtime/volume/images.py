"""Show what is in an image as a volume: its layers on each other, to be read only.

    Paths.pod(uid)/volumes/VOLUME       mounted in the pod's mount namespace alone

The layers are those that containers of the image have, so the volume takes no room of its own.
Called by reconciler.targets.host.volumes, inside the pod's mount namespace.
"""

from __future__ import annotations

import os

from runtime.kernel import mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from runtime.image.store import Store


def show(store: Store, image_id: str, path: str) -> None:
    """Mount the files of the image at `path`, if they are not there yet.

    Raises Invalid where the image has left the store.
    """
    if mounts.is_mounted(path):
        return
    lowers = store.layer_directories(store.image(image_id))
    # Without a layer to write to overlayfs wants two to read.
    nothing = f"{path}.none"  # No volume's name holds a dot.
    for directory in (path, nothing):
        os.makedirs(directory, mode=0o755, exist_ok=True)
    mounts.overlay(path, [*lowers, nothing] if lowers else [nothing, path])
