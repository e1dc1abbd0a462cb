"""What a pod is rendered from, and what has come together of it so far."""

from __future__ import annotations

from manifests.value import EMPTY, Value
from renderers.quadlet import unit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from manifests.config import ConfigMap, Secret
    from manifests.pod import Pod, PodSpec
    from manifests.problems import FieldPath
    from renderers.quadlet.unit import File, Lines, Loss, Section
    from renderers.quadlet_keys import Target


class Source(Value):
    """A pod to render. `stem` names its files; `origin` is the comment on their first line.

    `configmaps` and `secrets` are those of its namespace, by name.
    """

    pod: Pod
    stem: str
    origin: str
    aliases: tuple[str, ...] = ()
    configmaps: Mapping[str, ConfigMap] = EMPTY
    secrets: Mapping[str, Secret] = EMPTY
    image: Callable[[str], str] = str


class Rendering:
    """One pod's files and losses as they come together; `user` is systemd's user instance."""

    def __init__(self, source: Source, target: Target, user: bool) -> None:
        self.source = source
        self.user = user
        self.files: list[File] = []
        self.losses: list[Loss] = []
        self.target = target
        self.shown: dict[str, tuple[str, ...]] = {}
        """The paths in each volume that shows files."""

    @property
    def spec(self) -> PodSpec:
        return self.source.pod.spec

    def lose(self, path: FieldPath, message: str) -> None:
        """Tell of what cannot be expressed, once."""
        loss = unit.Loss(path=path, message=message)
        if loss not in self.losses:
            self.losses.append(loss)

    def section(self, name: str) -> Section:
        return unit.Section(name, self.target, self.losses)

    def write(self, name: str, sections: Mapping[str, Lines]) -> None:
        self.files.append(unit.write(name, self.source.origin, sections))
