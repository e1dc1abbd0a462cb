"""What a pod is rendered from, and what has come together of it so far."""

from __future__ import annotations

from manifests.value import EMPTY, Value
from renderers.quadlet import jobs, unit
from renderers.quadlet.images import Forms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.config import ConfigMap, Network, Secret
    from manifests.pod import Pod, PodSpec
    from manifests.problems import FieldPath
    from renderers.quadlet.images import Use
    from renderers.quadlet.jobs import Job
    from renderers.quadlet.unit import File, Lines, Loss, Section
    from renderers.quadlet_keys import Target


class Source(Value):
    """A pod to render. `stem` names its files; `origin` is the comment on their first line.

    `configmaps` and `secrets` are those of its namespace, `networks` all, by name. `job` is there
    for the pod of a Job; `started` tells whether it starts with the host, not by another unit.
    """

    pod: Pod
    stem: str
    origin: str
    aliases: tuple[str, ...] = ()
    configmaps: Mapping[str, ConfigMap] = EMPTY
    secrets: Mapping[str, Secret] = EMPTY
    networks: Mapping[str, Network] = EMPTY
    job: Job | None = None
    started: bool = True
    forms: Forms = Forms()


class Rendering:
    """One pod's files and losses as they come together; `user` is systemd's user instance."""

    def __init__(self, source: Source, target: Target, user: bool) -> None:
        self.source = source
        self.user = user
        self.files: list[File] = []
        self.losses: list[Loss] = []
        self.images: list[Use] = []
        self.target = target
        self.shown: dict[str, tuple[str, ...]] = {}
        """The paths in each volume that shows files."""

    @property
    def spec(self) -> PodSpec:
        return self.source.pod.spec

    @property
    def has_pod(self) -> bool:
        """Whether there is a .pod file: a Job with one container needs none."""
        return self.source.job is None or not jobs.is_alone(self.spec)

    @property
    def install(self) -> Lines:
        """The lines of [Install] of what stands for all of the pod."""
        if not self.source.started:
            return []
        return [("WantedBy", "default.target" if self.user else "multi-user.target")]

    def lose(self, path: FieldPath, message: str) -> None:
        """Tell of what cannot be expressed, once."""
        loss = unit.Loss(path=path, message=message)
        if loss not in self.losses:
            self.losses.append(loss)

    def lose_annotation(self, key: str, message: str) -> None:
        loss = unit.Loss(path=("annotations", key), message=message, of_metadata=True)
        if loss not in self.losses:
            self.losses.append(loss)

    def section(self, name: str) -> Section:
        return unit.Section(name, self.target, self.losses)

    def write(self, name: str, sections: Mapping[str, Lines]) -> None:
        self.files.append(unit.write(name, self.source.origin, sections))
