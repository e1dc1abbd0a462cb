"""Fill in what the API server would: `complete(pod, namespace)` returns a copy with defaults. Pure.

What has one default wherever it stands is the default of its field, in the class; here is what
depends on something else. The facts are those of Kubernetes' pkg/apis/*/v1/defaults.go.
"""

from __future__ import annotations

from manifests import kinds, probes
from manifests.codec import SecretBytes
from manifests.config import Secret
from manifests.container import PullPolicy
from manifests.meta import DEFAULT_NAMESPACE
from manifests.pod import Pod
from manifests.probes import Probe
from manifests.value import EMPTY
from manifests.volumes import EmptyDir
from manifests.workloads import CronJob, DaemonSet, Deployment, Job, ReplicaSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.container import Container
    from manifests.kinds import Object
    from manifests.pod import PodSpec
    from manifests.volumes import Volume
    from manifests.workloads import JobSpec


def complete(thing: Object, namespace: str = DEFAULT_NAMESPACE) -> Object:
    """Return the object with its defaults; `namespace` is for objects that name none."""
    info = kinds.supported(thing.api_version, thing.kind)
    if info is not None and info.namespaced and not thing.metadata.namespace:
        thing = thing.replace(metadata=thing.metadata.replace(namespace=namespace))
    match thing:
        case Pod():
            return thing.replace(spec=pod_spec(thing.spec))
        case Deployment() | ReplicaSet() | DaemonSet():
            template = thing.spec.template
            filled = template.replace(spec=pod_spec(template.spec))
            return thing.replace(spec=thing.spec.replace(template=filled))
        case Job():
            return thing.replace(spec=_job_spec(thing.spec))
        case CronJob():
            held = thing.spec.job_template
            filled_job = held.replace(spec=_job_spec(held.spec))
            return thing.replace(spec=thing.spec.replace(job_template=filled_job))
        case Secret():
            return _merged(thing)
        case _:
            return thing


def _job_spec(spec: JobSpec) -> JobSpec:
    template = spec.template.replace(spec=pod_spec(spec.template.spec))
    completions = spec.completions
    if completions is None and spec.parallelism == 1:
        completions = 1  # A queue with one pod at a time ends with the first success, too.
    return spec.replace(template=template, completions=completions)


def pod_spec(spec: PodSpec) -> PodSpec:
    """Return a pod's specification with its defaults."""
    return spec.replace(
        init_containers=tuple(_container(one, spec.host_network) for one in spec.init_containers),
        containers=tuple(_container(one, spec.host_network) for one in spec.containers),
        volumes=tuple(_volume(one) for one in spec.volumes),
    )


def pull_policy(image: str) -> PullPolicy:
    """Return the policy of an image that states none.

    What has no fixed tag is looked for each time, as everywhere; where its registry cannot be
    asked, the image at hand does, as in podman kube play. Always, when written, is strict.
    """
    if "@" in image:
        return PullPolicy.IF_NOT_PRESENT
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return PullPolicy.NEWER if not colon or tag == "latest" else PullPolicy.IF_NOT_PRESENT


def _container(container: Container, host_network: bool) -> Container:
    changes: dict[str, object] = {}
    if container.image_pull_policy is None:
        changes["image_pull_policy"] = pull_policy(container.image)
    for kind, probe in probes.of_container(container):
        changes[f"{kind}_probe"] = _probe(probe)
    resources = container.resources
    if resources.limits.keys() - resources.requests.keys():
        requests = {**resources.limits, **resources.requests}
        changes["resources"] = resources.replace(requests=requests)
    if host_network and any(not port.host_port for port in container.ports):
        changes["ports"] = tuple(
            port if port.host_port else port.replace(host_port=port.container_port)
            for port in container.ports
        )
    return container.replace(**changes) if changes else container


def _probe(probe: Probe) -> Probe:
    """A span or threshold of 0 stands for its default, as does a path that is empty."""
    zeros = {
        field: Probe.__defaults__[field]
        for field in ("period_seconds", "timeout_seconds", "success_threshold", "failure_threshold")
        if not getattr(probe, field)
    }
    if probe.http_get is not None and not probe.http_get.path:
        zeros["http_get"] = probe.http_get.replace(path="/")
    return probe.replace(**zeros) if zeros else probe


def _volume(volume: Volume) -> Volume:
    if volume.image is not None and volume.image.pull_policy is None:
        policy = pull_policy(volume.image.reference)
        volume = volume.replace(image=volume.image.replace(pull_policy=policy))
    given = (
        volume.empty_dir
        or volume.host_path
        or volume.config_map
        or volume.secret
        or volume.persistent_volume_claim
        or volume.downward_api
        or volume.projected
        or volume.ephemeral
        or volume.image
    )
    return volume if given is not None else volume.replace(empty_dir=EmptyDir())


def _merged(secret: Secret) -> Secret:
    """`stringData` is a way of writing `data`: both ways give one object."""
    if not secret.string_data:
        return secret
    written = {key: SecretBytes(text.encode()) for key, text in secret.string_data.items()}
    return secret.replace(data={**secret.data, **written}, string_data=EMPTY)
