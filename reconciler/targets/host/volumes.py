"""Plan a pod's volumes, and prepare them: where each lies on this host.

    plan      pure     the pod's volumes, each with its path
    check     effect   raises what making them would run into; changes nothing
    apply     effect   makes them; run once, inside the pod's mount namespace, before containers
    refresh   effect   brings configMap and secret volumes of a running pod up to date; inside too

A volume's path is the same for all containers of the pod and is known before it is made. What one
container mounts of them is targets.host.volume_mounts.
"""

from __future__ import annotations

import os

from manifests import kinds, projection, references
from manifests.ref import Ref
from manifests.value import EMPTY, Value
from manifests.volumes import EmptyDir, HostPathType, Medium
from reconciler.targets.host import bidirectional, blocked, file_volumes, process
from runtime.image.store import Store
from runtime.volume import claims, emptydir, hostpath, images, ownership, projected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from manifests.observed import PodRecord
    from manifests.pod import PodSpec
    from manifests.volumes import Volume
    from reconciler.targets.host.environment import Sources
    from runtime.paths import Paths

SHM_SIZE = 64 << 20
"""What containerd and Docker give /dev/shm."""


class Planned(Value):
    """One volume and the path that containers' mounts come from.

    `data_only`: nothing of it is a program or a device, whatever its files are.
    """

    name: str
    path: str
    read_only: bool = False
    data_only: bool = False


class Disk(Planned):
    """An emptyDir on disk, or an ephemeral volume."""


class Memory(Planned):
    """An emptyDir in memory."""

    size: int | None = None


class Host(Planned):
    """A hostPath."""

    type: HostPathType = HostPathType.UNCHECKED


class Files(Planned):
    """A volume made of objects: see file_volumes; with a secret it must never reach a disk."""

    files: tuple[projected.File, ...] = ()
    secret: bool = False


class Imaged(Planned):
    """What is in an image. `image` is its id; "" while that is not known yet."""

    image: str = ""


class Claimed(Planned):
    """A persistentVolumeClaim."""

    namespace: str
    claim: str


class Plan(Value):
    """All volumes of one pod. `label` names the pod in messages, `group` is its fsGroup.

    `shared` are those that reconciler.targets.host.bidirectional brings in.
    """

    label: str
    directory: str
    volumes: Mapping[str, Planned] = EMPTY
    shared: frozenset[str] = frozenset()
    group: int | None = None

    @property
    def shm(self) -> str:
        return f"{self.directory}/shm"


def plan(record: PodRecord, sources: Sources, paths: Paths) -> Plan:
    """Return what the pod's volumes come to; Blocked for a ConfigMap or Secret that is missing."""
    spec = record.pod.spec
    label = str(kinds.ref(record.pod))
    volumes = {
        volume.name: _planned(record, volume, sources, paths, f'{label} volume "{volume.name}"')
        for volume in spec.volumes
    }
    return Plan(
        label=label,
        directory=paths.pod(record.uid),
        volumes=volumes,
        shared=bidirectional.names(spec),
        group=spec.security_context.fs_group,
    )


def _planned(
    record: PodRecord, volume: Volume, sources: Sources, paths: Paths, owner: str
) -> Planned:
    inside = f"{paths.pod(record.uid)}/volumes/{volume.name}"
    if volume.host_path is not None:
        return Host(name=volume.name, path=volume.host_path.path, type=volume.host_path.type)
    if volume.persistent_volume_claim is not None:
        wanted = volume.persistent_volume_claim
        namespace = record.pod.metadata.namespace
        return Claimed(
            name=volume.name,
            path=paths.claim(namespace, wanted.claim_name),
            read_only=wanted.read_only,
            namespace=namespace,
            claim=wanted.claim_name,
        )
    if volume.image is not None:
        return Imaged(
            name=volume.name,
            path=inside,
            read_only=True,
            data_only=True,
            image=record.images.get(references.volume_key(volume.name), ""),
        )
    if projection.shows_files(volume):
        return Files(
            name=volume.name,
            path=inside,
            read_only=True,
            files=file_volumes.files(volume, record, sources, owner),
            secret=projection.holds_secrets(volume),
        )
    wanted_dir = volume.empty_dir or EmptyDir()
    if wanted_dir.medium is Medium.MEMORY:
        return Memory(name=volume.name, path=inside, size=_size(record.pod.spec, wanted_dir))
    return Disk(name=volume.name, path=paths.empty_dir(record.uid, volume.name))


def _size(spec: PodSpec, wanted: EmptyDir) -> int | None:
    """The smaller of sizeLimit and the pod's memory limit, as the kubelet sizes tmpfs."""
    asked = wanted.size_limit.whole() if wanted.size_limit else None
    given = [size for size in (asked, process.memory_limit(spec)) if size]
    return min(given) if given else None


def apply(planned: Plan, paths: Paths) -> None:
    """Make the volumes and the pod's /dev/shm. Inside the pod's mount namespace.

    What is there is kept, and a second call after a kill goes on. Not for a pod whose containers
    run: fsGroup is given anew, and a program may have set its own modes since.
    """
    os.makedirs(f"{planned.directory}/volumes", mode=0o700, exist_ok=True)
    emptydir.memory(planned.shm, size=SHM_SIZE, mode=emptydir.SHARED_MODE)
    for volume in planned.volumes.values():
        _apply_one(planned, volume, paths)


def _apply_one(planned: Plan, volume: Planned, paths: Paths) -> None:
    owner = f'{planned.label} volume "{volume.name}"'
    match volume:
        case Disk():
            emptydir.disk(volume.path, group=planned.group)
        case Memory():
            emptydir.memory(volume.path, size=volume.size, group=planned.group)
        case Host():
            hostpath.ensure(volume.path, volume.type, owner=owner)
        case Files():
            _write(planned, volume)
        case Imaged():
            images.show(Store(paths), volume.image, volume.path)
        case Claimed():
            if claims.find(paths, volume.namespace, volume.claim) is None:
                raise _no_claim(volume, owner)
            if planned.group is not None:
                ownership.grant(volume.path, planned.group, read_only=volume.read_only)


def check(planned: Plan, paths: Paths, wished: Collection[Ref]) -> None:
    """Raise the fault that `apply` would run into; claims in `wished` are about to be made.

    Changes nothing. What can only be known by doing it (a full disk) is not found here.
    """
    for volume in planned.volumes.values():
        owner = f'{planned.label} volume "{volume.name}"'
        if isinstance(volume, Host):
            hostpath.check(volume.path, volume.type, owner=owner)
        elif isinstance(volume, Claimed):
            ref = Ref(kind="PersistentVolumeClaim", namespace=volume.namespace, name=volume.claim)
            there = claims.find(paths, volume.namespace, volume.claim) is not None
            if not there and ref not in wished:
                raise _no_claim(volume, owner)
    bidirectional.check(planned)


def _no_claim(volume: Claimed, owner: str) -> blocked.Blocked:
    return blocked.Blocked(
        f'{owner}: persistentvolumeclaim "{volume.claim}" not found',
        reason=blocked.MOUNT,
        hint="apply the PersistentVolumeClaim, or correct claimName",
    )


def refresh(planned: Plan) -> tuple[str, ...]:
    """Bring configMap and secret volumes up to date; return the names of those that changed.

    Inside the pod's mount namespace. Containers see the new files at once, except through a
    subPath, which keeps what it was given until the container restarts, as in Kubernetes.
    """
    return tuple(
        volume.name
        for volume in planned.volumes.values()
        if isinstance(volume, Files) and _write(planned, volume)
    )


def _write(planned: Plan, volume: Files) -> bool:
    if volume.secret:
        projected.memory(volume.path)
    return projected.write(volume.path, volume.files, group=planned.group)
