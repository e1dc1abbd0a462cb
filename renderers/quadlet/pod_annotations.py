"""Write a pod's labels and annotations, and what podpy's own annotations mean for containers."""

from __future__ import annotations

from manifests import podman_limits, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from renderers.quadlet.rendering import Rendering
    from renderers.quadlet.unit import Section

_ELSEWHERE = frozenset({settings.NETWORK, settings.ADDRESS, settings.MAC, settings.TEMPLATE_HASH})
"""Those that the network is made by, and one that podpy sets itself."""


def labels(rendering: Rendering, lines: Section) -> None:
    """Add the labels: of the pod, or of the container that stands for it."""
    for key, value in sorted(rendering.source.pod.metadata.labels.items()):
        lines.either((), "Label", "--label", f"{key}={value}", word=True)


def write(rendering: Rendering, lines: Section) -> None:
    """Add the lines of every annotation; one of podpy's without a meaning here is told."""
    for key, value in sorted(rendering.source.pod.metadata.annotations.items()):
        if key.startswith(podman_limits.PREFIX):
            continue  # limits, which are written as such
        if not key.startswith(settings.PREFIX):
            lines.word((), "Annotation", f"{key}={value}")
        elif key == settings.LOG_DRIVER:
            lines.either((), "LogDriver", "--log-driver", value)
        elif key == settings.LOG_SIZE:
            text = f"max-size={settings.log_bytes(value)}"
            lines.either((), "LogOpt", "--log-opt", text, word=True)
        elif key not in _ELSEWHERE:
            rendering.lose_annotation(key, "has no counterpart in the files that podpy renders")
