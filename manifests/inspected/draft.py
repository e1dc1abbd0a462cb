"""The Pod of a subject in the making: fields, volumes, claims, and what of Podman's is lost."""

from __future__ import annotations

from manifests.quadlet import drafting
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Loss(Value):
    """A field of `podman inspect` that the Pod cannot keep, and why. `fatal`: nothing can be made
    of the container without it."""

    container: str
    field: str
    why: str
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.container}: {self.field}: {self.why}"


class Taken(Value):
    """A volume of Podman's, and the claim that takes its data."""

    volume: str
    claim: str


class Draft:
    """One Pod in the making. `told` are changes that keep all that a container can tell."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.spec: dict[str, Any] = {}
        self.labels: dict[str, str] = {}
        self.annotations: dict[str, str] = {}
        self.taken: list[Taken] = []
        self.secrets: list[str] = []
        self.losses: list[Loss] = []
        self.told: list[str] = []
        self._volumes: dict[str, str] = {}

    def lose(self, container: str, field: str, why: str, *, fatal: bool = False) -> None:
        self.losses.append(Loss(container=container, field=field, why=why, fatal=fatal))

    def volume(self, source: dict[str, Any], hint: str) -> str:
        """Return the name of the pod's volume of a source; but for an emptyDir it is made once."""
        key = repr(source) + (f" {len(self._volumes)}" if "emptyDir" in source else "")
        if key not in self._volumes:
            name = drafting.free(drafting.label(hint, 50) or "volume", self._volumes.values())
            self._volumes[key] = name
            self.spec.setdefault("volumes", []).append({"name": name, **source})
        return self._volumes[key]

    def take(self, volume: str, claim: str) -> None:
        taken = Taken(volume=volume, claim=claim)
        if taken not in self.taken:
            self.taken.append(taken)

    def secret(self, name: str) -> str:
        """Return what the Secret is called that holds a secret of Podman's."""
        if name not in self.secrets:
            self.secrets.append(name)
        return drafting.label(name)

    def documents(self, namespace: str) -> list[dict[str, Any]]:
        """Return the claims and the Pod as YAML would have them; Secrets are not among them."""
        place = {"namespace": namespace} if namespace else {}
        metadata: dict[str, Any] = {"name": self.name, **place}
        if self.labels:
            metadata["labels"] = self.labels
        if self.annotations:
            metadata["annotations"] = self.annotations
        claims = [
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": one.claim, **place},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }
            for one in self.taken
        ]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": self.spec}
        return [*claims, pod]


def put(part: dict[str, Any], path: str, value: object) -> None:
    """Set a field at a path like securityContext.runAsUser; the mappings on the way are made."""
    *way, last = path.split(".")
    for step in way:
        part = part.setdefault(step, {})
    part[last] = value
