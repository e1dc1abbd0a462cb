"""Have Podman fetch the images of services that begin anew, before any of them is stopped."""

from __future__ import annotations

from manifests.faults import Retry
from runtime import interrupts, proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.targets.quadlet.units import Service

_LOOK_SECONDS, PULL_SECONDS = 60.0, 900.0
"""As long as a service of Podman's may take to start: its image is pulled within."""


def fetch(services: Iterable[Service]) -> None:
    """Fetch each image that is not here. Raises Retry where one cannot be had."""
    for image, pull in dict.fromkeys((one.image, one.pull) for one in services if one.image):
        interrupts.check(image)
        there = proc.run("podman", "image", "exists", image, timeout=_LOOK_SECONDS).status == 0
        if there or pull == "never":
            if not there:
                raise Retry(f"{image}: is not there, and is not to be pulled (Never)")
            continue
        done = proc.run("podman", "pull", "--quiet", image, timeout=PULL_SECONDS)
        if done.status != 0:
            raise Retry(f"{image}: cannot be pulled: {done.complaint}")
