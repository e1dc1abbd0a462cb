"""What Podman tells of a container, a pod and their volumes and networks, to be asked by path.

Facts           one container: `podman inspect`, its image's Config, its OCI configuration
Subject         what becomes one Pod: a container alone, or those of a pod of Podman's
"""

from __future__ import annotations

from collections.abc import Mapping

from manifests.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Unit(Value):
    """The unit of systemd's that runs a container: its name, its Restart=, and the file that
    makes it, "" where that is not known; `quadlet`: the file is one of Quadlet's."""

    name: str
    restart: str = ""
    file: str = ""
    quadlet: bool = False


class Facts(Value):
    """One container. `image` is the image's Config, `oci` the configuration that it was made of."""

    raw: Mapping[str, Any]
    image: Mapping[str, Any] = EMPTY
    oci: Mapping[str, Any] = EMPTY
    unit: Unit | None = None

    def at(self, path: str) -> Any:
        """Return what is at a path like HostConfig.Memory, None where nothing is."""
        return find(self.raw, path)

    def text(self, path: str) -> str:
        found = self.at(path)
        return found if isinstance(found, str) else ""

    def number(self, path: str) -> int:
        found = self.at(path)
        return found if isinstance(found, int) else 0

    def listed(self, path: str) -> list[Any]:
        found = self.at(path)
        return found if isinstance(found, list) else []

    def mapping(self, path: str) -> dict[str, Any]:
        found = self.at(path)
        return found if isinstance(found, dict) else {}

    @property
    def id(self) -> str:
        return self.text("Id")

    @property
    def name(self) -> str:
        return self.text("Name")

    @property
    def runs(self) -> bool:
        return self.text("State.Status") == "running"

    @property
    def goes_when_stopped(self) -> bool:
        """Whether Podman removes the container at its end (--rm)."""
        return bool(self.at("HostConfig.AutoRemove"))


class Subject(Value):
    """What becomes one Pod. `face` has the network, the ports and the host name: of a pod of
    Podman's that is its infra container, of a container alone itself."""

    name: str
    face: Facts
    containers: tuple[Facts, ...]
    pod: str = ""
    """The id of Podman's pod, "" of a container alone."""
    labels: Mapping[str, str] = EMPTY
    """Those of Podman's pod."""


def find(raw: object, path: str) -> Any:
    """Return what is at a path with dots in JSON, None where nothing is."""
    for step in path.split("."):
        raw = raw.get(step) if isinstance(raw, dict) else None
    return raw
