"""Render one pod: its .pod file, a file for each container, and what goes with them. Pure."""

from __future__ import annotations

from manifests.value import Value
from renderers.quadlet import container, honoured, order, pod, volumes
from renderers.quadlet.rendering import Rendering, Source
from renderers.quadlet.unit import File, Loss

TYPE_CHECKING = False
if TYPE_CHECKING:
    from renderers.quadlet.images import Use
    from renderers.quadlet_keys import Target


class Rendered(Value):
    """`images` are to have units of their own, which pods share."""

    files: tuple[File, ...]
    losses: tuple[Loss, ...]
    images: tuple[Use, ...] = ()


def render(source: Source, target: Target, *, user: bool) -> Rendered:
    """Return the files of one pod; `user` is for systemd's user instance."""
    rendering = Rendering(source, target, user)
    for path in honoured.others(rendering.spec):
        rendering.lose(path, "has no counterpart in the files that podpy renders")
    if rendering.has_pod:
        pod.write(rendering)
    volumes.write(rendering)
    for step in order.steps(rendering):
        container.write(rendering, step)
    return Rendered(
        files=tuple(rendering.files),
        losses=tuple(rendering.losses),
        images=tuple(rendering.images),
    )
