"""Plan a pod's volumes, prepare them, and say what each container mounts where.

    plan      pure     the pod's volumes, and where each lies on this host
    apply     effect   makes them; run once, inside the pod's mount namespace, before containers
    refresh   effect   brings configMap and secret volumes of a running pod up to date; inside too
    bindings  pure     what one container mounts: its volumeMounts, and its image's VOLUMEs
    attach    effect   binds subPaths, fills image volumes; inside, before each start
    mounts    pure     the Mounts for renderers.oci_config

A volume's path is the same for all containers of the pod and is known before it is made.
"""

from __future__ import annotations

import os
import posixpath

from manifests import digests, kinds
from manifests.container import MountPropagation, RecursiveReadOnly
from manifests.ref import Ref
from manifests.value import EMPTY, Value
from manifests.volumes import EmptyDir, HostPathType, Medium
from reconciler.targets.host import bidirectional, blocked, environment, file_volumes, process
from renderers import oci_config
from runtime.kernel.mounts import Propagation
from runtime.volume import anonymous, claims, emptydir, hostpath, ownership, projected, subpath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from manifests.container import VolumeMount
    from manifests.observed import PodRecord
    from manifests.pod import PodSpec
    from manifests.volumes import Volume
    from reconciler.targets.host.environment import Sources, Subject
    from runtime.paths import Paths

HOST_SHM = "/dev/shm"  # noqa: S108 - a mount point
SHM_SIZE = 64 << 20
"""What containerd and Docker give /dev/shm."""

_PROPAGATION = {
    MountPropagation.NONE: Propagation.PRIVATE,
    MountPropagation.HOST_TO_CONTAINER: Propagation.SLAVE,
    MountPropagation.BIDIRECTIONAL: Propagation.SHARED,
}


class Planned(Value):
    """One volume and the path that containers' mounts come from."""

    name: str
    path: str
    read_only: bool = False


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


class Binding(Value):
    """One mount of one container: what lies at `source` shows at `destination`.

    With `sub_path`, `source` is where `attach` binds that part of the volume at `volume`; with
    `rootfs`, `attach` fills `source` from what the image has at `destination`. `recursive`: what is
    mounted below `source` is read-only like it.
    """

    destination: str
    source: str
    read_only: bool = False
    recursive: bool = False
    propagation: Propagation = Propagation.PRIVATE
    volume: str = ""
    sub_path: str = ""
    rootfs: str = ""


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
    if file_volumes.shows_files(volume):
        return Files(
            name=volume.name,
            path=inside,
            read_only=True,
            files=file_volumes.files(volume, record, sources, owner),
            secret=file_volumes.holds_secrets(volume),
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


def bindings(
    planned: Plan,
    subject: Subject,
    variables: Mapping[str, str],
    image_volumes: Iterable[str],
    paths: Paths,
) -> tuple[Binding, ...]:
    """Return what the container mounts, outer paths first.

    `variables` are those that the manifest declares, for subPathExpr. A VOLUME of the image gives
    way to what the pod mounts at its path. Raises Blocked where subPathExpr names an unknown one.
    """
    bundle = paths.container(subject.record.uid, subject.container.name)
    found = [
        _binding(planned, subject, mount, variables, f"{bundle}/subpaths/{position}")
        for position, mount in enumerate(subject.container.volume_mounts)
    ]
    taken = {binding.destination for binding in found}
    disk = f"{paths.container_disk(subject.record.uid, subject.container.name)}/volumes"
    for path in sorted({_absolute(path) for path in image_volumes} - taken):
        digest = digests.of(path)[:16]
        found.append(
            Binding(destination=path, source=f"{disk}/{digest}", rootfs=f"{bundle}/rootfs")
        )
    return tuple(sorted(found, key=_depth))


def _binding(
    planned: Plan,
    subject: Subject,
    mount: VolumeMount,
    variables: Mapping[str, str],
    target: str,
) -> Binding:
    volume = planned.volumes.get(mount.name)
    if volume is None:
        raise blocked.Blocked(
            f"{subject.label}: volumeMount {mount.mount_path}: "
            f'the pod has no volume "{mount.name}"',
            reason=blocked.CONFIG,
        )
    sub_path = _sub_path(subject, mount, variables)
    propagation = _PROPAGATION[mount.mount_propagation]
    both_ways = propagation is Propagation.SHARED
    whole = bidirectional.place(planned, volume.name) if both_ways else volume.path
    return Binding(
        destination=_absolute(mount.mount_path),
        source=target if sub_path else whole,
        read_only=mount.read_only or volume.read_only,
        recursive=mount.recursive_read_only is not RecursiveReadOnly.DISABLED,
        propagation=propagation,
        volume=whole if sub_path else "",
        sub_path=sub_path,
    )


def _sub_path(subject: Subject, mount: VolumeMount, variables: Mapping[str, str]) -> str:
    if not mount.sub_path_expr:
        return mount.sub_path
    unknown = environment.unknown_names(mount.sub_path_expr, variables)
    if unknown:
        raise blocked.Blocked(
            f"{subject.label}: volumeMount {mount.mount_path}: "
            f"subPathExpr names {', '.join(unknown)}, which env does not declare",
            reason=blocked.CONFIG,
            hint="declare the variable in env or envFrom of this container",
        )
    return environment.expand(mount.sub_path_expr, variables)


def attach(found: Iterable[Binding], *, label: str) -> None:
    """Bind subPaths and fill image volumes, anew for each start of the container.

    Inside the pod's mount namespace, with the container's root file system mounted. `label` names
    pod and container. Raises Invalid for a subPath that would lead out of its volume.
    """
    for binding in found:
        if binding.sub_path:
            subpath.bind(
                subpath.SubPath(
                    volume=binding.volume,
                    path=binding.sub_path,
                    target=binding.source,
                    owner=f"{label}: volumeMount {binding.destination}",
                    propagation=binding.propagation,
                )
            )
        elif binding.rootfs:
            anonymous.fill(binding.source, binding.rootfs, binding.destination)


def mounts(
    found: Iterable[Binding],
    directory: str,
    *,
    read_only_root: bool = False,
    keep: Collection[str] = (),
    shm: str = "",
) -> tuple[oci_config.Mount, ...]:
    """Return the container's Mounts: its bindings, and the pod's own files where those leave room.

    `directory` is the pod's (Paths.pod). /etc/hosts stays writable under a read-only root, as the
    kubelet mounts it. `keep` are files that stay as the image has them, `shm` is another
    /dev/shm than the pod's own.
    """
    made = {binding.destination: _mount(binding) for binding in found}
    etc = f"{directory}/etc"
    standard = (
        Binding(destination="/dev/shm", source=shm or f"{directory}/shm"),  # noqa: S108 - a mount point
        Binding(destination="/etc/hosts", source=f"{etc}/hosts"),
        Binding(destination="/etc/hostname", source=f"{etc}/hostname", read_only=read_only_root),
        Binding(
            destination="/etc/resolv.conf", source=f"{etc}/resolv.conf", read_only=read_only_root
        ),
    )
    for binding in standard:
        if binding.destination in keep:
            continue
        made.setdefault(binding.destination, _mount(binding))
    return tuple(sorted(made.values(), key=_depth))


def _mount(binding: Binding) -> oci_config.Mount:
    access = ("rro" if binding.recursive else "ro") if binding.read_only else "rw"
    return oci_config.Mount(
        destination=binding.destination,
        source=binding.source,
        options=("rbind", binding.propagation.value, access),
    )


def _depth(mount: Binding | oci_config.Mount) -> int:
    """Outer mounts must be made first; equals keep the order of the manifest."""
    return mount.destination.rstrip("/").count("/")


def _absolute(path: str) -> str:
    """A relative mountPath starts at the container's root, as for the kubelet."""
    return posixpath.normpath(f"/{path.lstrip('/')}")
