"""What the files of an object are called. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.pod import Pod

NETWORK = "podpy"
"""The network of pods that name none: Podman's own default has no names of pods."""


def stem(namespace: str, name: str) -> str:
    """Return what names an object's files: with its namespace, unless that is the default one."""
    return name if namespace in ("", "default") else f"{namespace}-{name}"


def claim(pod: Pod, name: str) -> str:
    """Return what names the volume of a claim of the pod's namespace."""
    return stem(pod.metadata.namespace, name)
