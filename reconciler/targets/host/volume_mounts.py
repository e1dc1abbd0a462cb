"""Say what one container mounts where: the pod's volumes, its image's VOLUMEs, the pod's own files.

    bindings  pure     its volumeMounts and its image's VOLUMEs, outer paths first
    attach    effect   binds subPaths, fills image volumes; inside the pod, before each start
    mounts    pure     the Mounts for renderers.oci_config

The volumes themselves are targets.host.volumes.
"""

from __future__ import annotations

import posixpath

from manifests import digests, expansion
from manifests.container import MountPropagation, RecursiveReadOnly
from manifests.value import Value
from reconciler.targets.host import bidirectional, blocked
from renderers import oci_config
from runtime.kernel.mounts import Propagation
from runtime.volume import anonymous, subpath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from manifests.container import VolumeMount
    from reconciler.targets.host.environment import Subject
    from reconciler.targets.host.volumes import Plan
    from runtime.paths import Paths

HOST_SHM = "/dev/shm"  # noqa: S108 - a mount point

_PROPAGATION = {
    MountPropagation.NONE: Propagation.PRIVATE,
    MountPropagation.HOST_TO_CONTAINER: Propagation.SLAVE,
    MountPropagation.BIDIRECTIONAL: Propagation.SHARED,
}


class Binding(Value):
    """One mount of one container: what lies at `source` shows at `destination`.

    With `sub_path`, `source` is where `attach` binds that part of the volume at `volume`; with
    `rootfs`, `attach` fills `source` from what the image has at `destination`. `recursive`: what is
    mounted below `source` is read-only like it. `data_only`: no program of it can be executed.
    """

    destination: str
    source: str
    read_only: bool = False
    data_only: bool = False
    recursive: bool = False
    propagation: Propagation = Propagation.PRIVATE
    volume: str = ""
    sub_path: str = ""
    rootfs: str = ""


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
    for path in sorted({absolute(path) for path in image_volumes} - taken):
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
        destination=absolute(mount.mount_path),
        source=target if sub_path else whole,
        read_only=mount.read_only or volume.read_only,
        data_only=volume.data_only,
        recursive=mount.recursive_read_only is not RecursiveReadOnly.DISABLED,
        propagation=propagation,
        volume=whole if sub_path else "",
        sub_path=sub_path,
    )


def _sub_path(subject: Subject, mount: VolumeMount, variables: Mapping[str, str]) -> str:
    if not mount.sub_path_expr:
        return mount.sub_path
    unknown = [name for name in expansion.names(mount.sub_path_expr) if name not in variables]
    if unknown:
        raise blocked.Blocked(
            f"{subject.label}: volumeMount {mount.mount_path}: "
            f"subPathExpr names {', '.join(unknown)}, which env does not declare",
            reason=blocked.CONFIG,
            hint="declare the variable in env or envFrom of this container",
        )
    return expansion.expand(mount.sub_path_expr, variables)


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
    etc: str,
    shm: str,
    *,
    read_only_root: bool = False,
    keep: Collection[str] = (),
) -> tuple[oci_config.Mount, ...]:
    """Return the container's Mounts: its bindings, and the pod's own files where those leave room.

    `etc` is where the pod's own files are, `shm` is its /dev/shm. /etc/hosts stays writable under a
    read-only root, as the kubelet mounts it. `keep` are files that stay as the image has them.
    """
    made = {binding.destination: _mount(binding) for binding in found}
    standard = (
        Binding(destination="/dev/shm", source=shm),  # noqa: S108 - a mount point
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
        options=(
            "rbind",
            binding.propagation.value,
            access,
            *(("nosuid", "nodev", "noexec") if binding.data_only else ()),
        ),
    )


def _depth(mount: Binding | oci_config.Mount) -> int:
    """Outer mounts must be made first; equals keep the order of the manifest."""
    return mount.destination.rstrip("/").count("/")


def absolute(path: str) -> str:
    """A relative mountPath starts at the container's root, as for the kubelet."""
    return posixpath.normpath(f"/{path.lstrip('/')}")
