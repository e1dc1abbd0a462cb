"""ConfigMap, Secret, Namespace, PersistentVolumeClaim and podpy's own Network."""

from __future__ import annotations

from collections.abc import Mapping

from manifests.codec import SecretBytes
from manifests.meta import ObjectMeta
from manifests.strenum import StrEnum
from manifests.value import EMPTY, Value
from manifests.volumes import ClaimSpec


class ConfigMap(Value):
    api_version: str = "v1"
    kind: str = "ConfigMap"
    metadata: ObjectMeta
    data: Mapping[str, str] = EMPTY
    binary_data: Mapping[str, bytes] = EMPTY
    immutable: bool = False

    def content(self) -> dict[str, bytes]:
        """Every key with its bytes."""
        return {**{key: text.encode() for key, text in self.data.items()}, **self.binary_data}


class Secret(Value):
    """`string_data` wins over `data`, as the API server merges them."""

    api_version: str = "v1"
    kind: str = "Secret"
    metadata: ObjectMeta
    data: Mapping[str, SecretBytes] = EMPTY
    string_data: Mapping[str, str] = EMPTY
    type: str = "Opaque"
    immutable: bool = False

    def content(self) -> dict[str, bytes]:
        """Every key with its bytes."""
        return {
            **self.data,
            **{key: SecretBytes(text.encode()) for key, text in self.string_data.items()},
        }

    def __repr__(self) -> str:
        keys = sorted({*self.data, *self.string_data})
        return f"Secret(name={self.metadata.name!r}, keys={keys})"


class Namespace(Value):
    api_version: str = "v1"
    kind: str = "Namespace"
    metadata: ObjectMeta


class PersistentVolumeClaim(Value):
    api_version: str = "v1"
    kind: str = "PersistentVolumeClaim"
    metadata: ObjectMeta
    spec: ClaimSpec = ClaimSpec()


class Driver(StrEnum):
    BRIDGE = "bridge"
    HOST = "host"
    NONE = "none"


class NetworkSpec(Value):
    """What is left out is chosen when the network is made, and recorded."""

    driver: Driver = Driver.BRIDGE
    subnet: str = ""
    gateway: str = ""
    mtu: int = 0
    internal: bool = False


class Network(Value):
    api_version: str = "podpy.dev/v1"
    kind: str = "Network"
    metadata: ObjectMeta
    spec: NetworkSpec = NetworkSpec()
