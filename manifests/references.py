"""What else a pod needs: ConfigMaps, Secrets, claims, its network, and images. Pure."""

from __future__ import annotations

from manifests import settings
from manifests.container import PullPolicy
from manifests.pod import Pod
from manifests.ref import Ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.pod import PodSpec

NETWORK_ANNOTATION = settings.NETWORK
DEFAULT_NETWORK = "default"
NO_NETWORK = "none"
"""The network of a pod that has loopback only. Nobody declares it."""


def network_of(pod: Pod) -> str:
    """Return the name of the pod's podpy network; empty where it shares the host's."""
    if pod.spec.host_network:
        return ""
    return pod.metadata.annotations.get(NETWORK_ANNOTATION, DEFAULT_NETWORK)


def references(pod: Pod) -> dict[Ref, bool]:
    """Return what the pod names -> whether it must exist. The network is not among them."""
    found: dict[Ref, bool] = {}
    namespace = pod.metadata.namespace
    for kind, name, optional in (*_in_volumes(pod), *_in_environment(pod)):
        ref = Ref(kind=kind, namespace=namespace, name=name)
        found[ref] = found.get(ref, False) or not optional
    return found


def projected(pod: Pod) -> tuple[Ref, ...]:
    """Return the ConfigMaps and Secrets that the pod's volumes show."""
    return tuple(
        Ref(kind=kind, namespace=pod.metadata.namespace, name=name)
        for kind, name, _ in _in_volumes(pod)
        if kind in ("ConfigMap", "Secret")
    )


def _in_volumes(pod: Pod) -> Iterator[tuple[str, str, bool]]:
    for volume in pod.spec.volumes:
        if volume.config_map:
            yield "ConfigMap", volume.config_map.name, volume.config_map.optional
        if volume.secret:
            yield "Secret", volume.secret.secret_name, volume.secret.optional
        for source in volume.projected.sources if volume.projected else ():
            if source.config_map:
                yield "ConfigMap", source.config_map.name, source.config_map.optional
            if source.secret:
                yield "Secret", source.secret.name, source.secret.optional
        if volume.persistent_volume_claim:
            yield "PersistentVolumeClaim", volume.persistent_volume_claim.claim_name, False


def _in_environment(pod: Pod) -> Iterator[tuple[str, str, bool]]:
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        for source in container.env_from:
            if source.config_map_ref:
                yield "ConfigMap", source.config_map_ref.name, source.config_map_ref.optional
            if source.secret_ref:
                yield "Secret", source.secret_ref.name, source.secret_ref.optional
        for variable in container.env:
            value = variable.value_from
            if value and value.config_map_key_ref:
                yield "ConfigMap", value.config_map_key_ref.name, value.config_map_key_ref.optional
            if value and value.secret_key_ref:
                yield "Secret", value.secret_key_ref.name, value.secret_key_ref.optional


def images(spec: PodSpec) -> Iterator[tuple[str, str, PullPolicy]]:
    """Yield each use that a pod makes of an image: its key in PodRecord.images, the image's name
    and how it is to be pulled."""
    for container in (*spec.init_containers, *spec.containers):
        policy = container.image_pull_policy or PullPolicy.IF_NOT_PRESENT
        yield container.name, container.image, policy
    for volume in spec.volumes:
        if volume.image is not None:
            policy = volume.image.pull_policy or PullPolicy.IF_NOT_PRESENT
            yield volume_key(volume.name), volume.image.reference, policy


def volume_key(name: str) -> str:
    """Return under which key PodRecord.images has the image of a volume; no container's name."""
    return f"volume/{name}"
