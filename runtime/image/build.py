"""Build an image with buildah and bring it into the store.

buildah keeps its own storage below the store, with the vfs driver and chroot isolation, which work
on every host; what is built leaves it as an OCI layout.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile

from manifests.faults import HostFault, Invalid
from runtime import proc
from runtime.image import pull, reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.image.store import Image, Store

BUILD_SECONDS = 3600.0
FILES = ("Containerfile", "Dockerfile")


def build(
    store: Store,
    context: str,
    name: str,
    *,
    containerfile: str = "",
    arguments: Sequence[str] = (),
) -> Image:
    """Build the Containerfile in the directory `context` and return the image, named `name`.

    A name without a registry is kept under localhost/, as Podman does. `arguments` are handed to
    `buildah build` as they are. buildah's own output goes to standard error.
    """
    wanted = reference.parse(name)
    if not wanted.registry:
        wanted = reference.parse(f"localhost/{name}")
    file = containerfile or _containerfile(context)
    if proc.find("buildah") is None:
        raise HostFault("buildah: not found on this host", hint="apt-get install buildah")
    os.makedirs(store.paths.images, mode=0o700, exist_ok=True)
    staging = tempfile.mkdtemp(prefix="build-", dir=store.paths.images)
    try:
        _run(staging, "build", "--isolation", "chroot", "--layers=false", *arguments,
             "-f", file, "-t", str(wanted), context)  # fmt: skip
        _run(staging, "push", "--quiet", str(wanted), f"oci:{staging}/out:{wanted}")
        return pull.pull(store, f"oci:{staging}/out:{wanted}")
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _containerfile(context: str) -> str:
    for name in FILES:
        if os.path.isfile(f"{context}/{name}"):
            return f"{context}/{name}"
    raise Invalid(f"{context}: has neither a Containerfile nor a Dockerfile")


def _run(staging: str, command: str, *words: str) -> None:
    storage = (
        "--storage-driver",
        "vfs",
        "--root",
        f"{staging}/root",
        "--runroot",
        f"{staging}/run",
    )
    result = proc.run("buildah", *storage, command, *words, timeout=BUILD_SECONDS)
    sys.stderr.write(result.stderr.decode(errors="replace"))
    if result.status != 0:
        raise Invalid(f"buildah {command} failed: {result.complaint}")
