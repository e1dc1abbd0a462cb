"""Volumes of a pod, as far as podpy honours them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from manifests.quantity import Quantity
from manifests.value import EMPTY, Value


class Medium(StrEnum):
    DISK = ""
    MEMORY = "Memory"


class EmptyDir(Value):
    medium: Medium = Medium.DISK
    size_limit: Quantity = Quantity("")


class HostPathType(StrEnum):
    """What must be there, or is made; UNCHECKED takes whatever is there."""

    UNCHECKED = ""
    DIRECTORY_OR_CREATE = "DirectoryOrCreate"
    DIRECTORY = "Directory"
    FILE_OR_CREATE = "FileOrCreate"
    FILE = "File"
    SOCKET = "Socket"
    CHAR_DEVICE = "CharDevice"
    BLOCK_DEVICE = "BlockDevice"


class HostPath(Value):
    path: str
    type: HostPathType = HostPathType.UNCHECKED


class KeyToPath(Value):
    """A key projected to a path below the mount; `mode` overrides the volume's default."""

    key: str
    path: str
    mode: int | None = None


class ConfigMapVolume(Value):
    name: str
    items: tuple[KeyToPath, ...] = ()
    default_mode: int = 0o644
    optional: bool = False


class SecretVolume(Value):
    secret_name: str
    items: tuple[KeyToPath, ...] = ()
    default_mode: int = 0o644
    optional: bool = False


class ClaimVolume(Value):
    claim_name: str
    read_only: bool = False


class Volume(Value):
    """At most one source is set; with none it is an emptyDir, as Kubernetes defaults it."""

    name: str
    empty_dir: EmptyDir | None = None
    host_path: HostPath | None = None
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    persistent_volume_claim: ClaimVolume | None = None


class ClaimResources(Value):
    requests: Mapping[str, Quantity] = EMPTY


class ClaimSpec(Value):
    """One local directory satisfies every access mode; its size is recorded, not enforced."""

    access_modes: tuple[str, ...] = ()
    resources: ClaimResources = ClaimResources()
    storage_class_name: str = ""
    volume_mode: str = "Filesystem"
