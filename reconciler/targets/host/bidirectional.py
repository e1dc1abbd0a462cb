"""The volumes that a pod's containers mount Bidirectional: what they mount there reaches the host.

    names      pure     the volumes concerned
    place      pure     where such a volume lies in the pod's mount namespace
    check      effect   whether this host can do it; changes nothing
    bring_in   effect   puts the host's mounts there; outside of the pod, after volumes.apply

Volumes in the pod's own memory have no mount of this host: they are refused.
"""

from __future__ import annotations

import os

from manifests.container import MountPropagation
from reconciler.targets.host import blocked
from runtime.volume import shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.pod import PodSpec
    from reconciler.targets.host.volumes import Plan, Planned
    from runtime.kernel.inside import Inside


def names(spec: PodSpec) -> frozenset[str]:
    """Return the names of the volumes that some container mounts Bidirectional."""
    return frozenset(
        mount.name
        for container in (*spec.init_containers, *spec.containers)
        for mount in container.volume_mounts
        if mount.mount_propagation is MountPropagation.BIDIRECTIONAL
    )


def place(planned: Plan, name: str) -> str:
    return f"{planned.directory}/shared/{name}"


def check(planned: Plan) -> None:
    """Raise Blocked or HostFault where a volume cannot be shared; one not made yet is not asked."""
    for owner, volume in _each(planned):
        if os.path.exists(volume.path):
            shared.check(volume.path, owner=owner)


def bring_in(planned: Plan, inside: Inside) -> None:
    """Put the host's mounts of these volumes into the pod. Call it in the host's namespaces."""
    for owner, volume in _each(planned):
        tree = shared.take(volume.path, owner=owner)
        try:
            inside.call(shared.attach, tree, place(planned, volume.name))
        finally:
            os.close(tree)


def _each(planned: Plan) -> Iterator[tuple[str, Planned]]:
    for name in sorted(planned.shared & planned.volumes.keys()):
        volume = planned.volumes[name]
        owner = f'{planned.label} volume "{name}"'
        if volume.path.startswith(f"{planned.directory}/"):
            raise blocked.Blocked(
                f"{owner}: mountPropagation Bidirectional is for volumes that lie on this host, "
                "not for those in memory, configMaps and secrets",
                reason=blocked.CONFIG,
                hint="use a hostPath, a claim or an emptyDir on the disk",
            )
        yield owner, volume
