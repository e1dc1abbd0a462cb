"""Give a container a directory of its own for each VOLUME of its image, filled from the image.

As containerd does for Kubernetes: anonymous, not shared, new with each new writable layer, and only
where the pod mounts nothing itself. They lie beside the writable layer,
Paths.container_disk(uid, CONTAINER)/volumes/HASH, and go with it.
"""

from __future__ import annotations

import os
import stat

from manifests.faults import HostFault
from runtime import proc
from runtime.kernel import syscalls

_MODE = 0o755
_COPY_SECONDS = 600.0


def fill(directory: str, rootfs: str, path: str) -> None:
    """Make `directory` afresh from what the image has at `path`; what it held before is gone.

    Owners, modes, links and extended attributes are kept. Where the image has nothing, or no
    directory, it is empty, 0755, root's. Run where `rootfs` is mounted. Raises HostFault.
    """
    try:
        if os.path.isdir(directory):
            # Not shutil.rmtree: it recurses, and how deep the tree is was up to the container.
            proc.check("rm", "-rf", "--", directory, timeout=_COPY_SECONDS)
        os.makedirs(directory)
        os.chmod(directory, _MODE)
        source = _open(rootfs, path)
        if source is None:
            return
        try:
            _copy(source, directory)
        finally:
            os.close(source)
    except OSError as error:
        raise HostFault(
            f"{directory}: cannot be filled from the image's volume {path}: {error.strerror}"
        ) from error


def _open(rootfs: str, path: str) -> int | None:
    root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return syscalls.open_in_root(root, path, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    finally:
        os.close(root)


def _copy(source: int, target: str) -> None:
    held = os.fstat(source)
    os.chown(target, held.st_uid, held.st_gid)
    os.chmod(target, stat.S_IMODE(held.st_mode))
    if os.listdir(source):
        # Being there, and not naming the place, is what keeps links in the image out of it.
        proc.check(
            "cp", "-a", "--reflink=auto", "--", ".", target,
            cwd=f"/proc/self/fd/{source}", timeout=_COPY_SECONDS,
        )  # fmt: skip
