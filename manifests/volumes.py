"""Volumes of a pod, as far as podpy honours them."""

from __future__ import annotations

from collections.abc import Mapping

from manifests.container import FieldRef, PullPolicy, ResourceFieldRef
from manifests.meta import TemplateMeta
from manifests.quantity import Quantity
from manifests.strenum import StrEnum
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


class ClaimResources(Value):
    requests: Mapping[str, Quantity] = EMPTY


class ClaimSpec(Value):
    """One local directory satisfies every access mode; its size is recorded, not enforced."""

    access_modes: tuple[str, ...] = ()
    resources: ClaimResources = ClaimResources()
    storage_class_name: str = ""
    volume_mode: str = "Filesystem"


class ClaimTemplate(Value):
    metadata: TemplateMeta = TemplateMeta()
    spec: ClaimSpec


class EphemeralVolume(Value):
    """A claim that comes and goes with the pod: on one host, a directory of its own."""

    volume_claim_template: ClaimTemplate


class DownwardFile(Value):
    """A file that shows a field of the pod or an amount of a container: one of the two is set."""

    path: str
    mode: int | None = None
    field_ref: FieldRef | None = None
    resource_field_ref: ResourceFieldRef | None = None


class DownwardVolume(Value):
    items: tuple[DownwardFile, ...] = ()
    default_mode: int = 0o644


class ObjectProjection(Value):
    """A ConfigMap or Secret as one source of a projected volume."""

    name: str
    items: tuple[KeyToPath, ...] = ()
    optional: bool = False


class DownwardProjection(Value):
    items: tuple[DownwardFile, ...] = ()


class ProjectedSource(Value):
    """At most one is set."""

    config_map: ObjectProjection | None = None
    secret: ObjectProjection | None = None
    downward_api: DownwardProjection | None = None


class ProjectedVolume(Value):
    sources: tuple[ProjectedSource, ...] = ()
    default_mode: int = 0o644


class ImageVolume(Value):
    """What is in an image, as files that can only be read."""

    reference: str = ""
    pull_policy: PullPolicy | None = None


class Volume(Value):
    """At most one source is set; with none it is an emptyDir, as Kubernetes defaults it."""

    name: str
    empty_dir: EmptyDir | None = None
    host_path: HostPath | None = None
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    persistent_volume_claim: ClaimVolume | None = None
    downward_api: DownwardVolume | None = None
    projected: ProjectedVolume | None = None
    ephemeral: EphemeralVolume | None = None
    image: ImageVolume | None = None
