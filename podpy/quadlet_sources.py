"""Loaded objects in, the pods that they stand for out, as renderers.quadlet takes them. Pure."""

from __future__ import annotations

from manifests import kinds
from manifests.config import ConfigMap, Network, Secret
from manifests.meta import ObjectMeta
from manifests.pod import Pod
from manifests.value import Value
from manifests.workloads import CronJob, DaemonSet, Deployment, Job, ReplicaSet
from renderers.quadlet import jobs, naming
from renderers.quadlet.rendering import Source
from runtime.image import reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.kinds import Object
    from manifests.loaded import Loaded, Located
    from manifests.problems import FieldPath

MARK = "Rendered by podpy render quadlet"


class Rendered(Value):
    """A pod, with the paths to its specification and to what is above of it."""

    source: Source
    path: FieldPath
    job_path: FieldPath = ()


class Objects:
    """What the pods of all namespaces name."""

    def __init__(self, loaded: Loaded) -> None:
        self.configmaps: dict[str, dict[str, ConfigMap]] = {}
        self.secrets: dict[str, dict[str, Secret]] = {}
        self.networks: dict[str, Network] = {}
        self.groups: dict[tuple[str, str], int] = {}
        """The fsGroup of the pods that have a claim, by its namespace and name."""
        for located in loaded.objects:
            thing = located.object
            name, namespace = thing.metadata.name, thing.metadata.namespace
            if isinstance(thing, ConfigMap):
                self.configmaps.setdefault(namespace, {})[name] = thing
            elif isinstance(thing, Secret):
                self.secrets.setdefault(namespace, {})[name] = thing
            elif isinstance(thing, Network):
                self.networks[name] = thing
            else:
                self._add_groups(thing)

    def _add_groups(self, thing: Object) -> None:
        part = kinds.pod_part(thing)
        group = part[1].security_context.fs_group if part is not None else None
        if part is None or group is None:
            return
        for volume in part[1].volumes:
            claim = volume.persistent_volume_claim
            if claim is not None:
                self.groups.setdefault((thing.metadata.namespace, claim.claim_name), group)


def pods(located: Located, objects: Objects) -> Iterator[Rendered]:
    """Yield the pods that an object stands for; none for one that stands for no pods."""
    thing = located.object
    part = kinds.pod_part(thing)
    if part is None:
        return
    metadata, spec, path = part
    count = thing.spec.replicas if isinstance(thing, Deployment | ReplicaSet) else 1
    namespace, name = thing.metadata.namespace, thing.metadata.name
    for index in range(count):
        own = f"{name}-{index}" if count > 1 else name
        pod = Pod(
            metadata=ObjectMeta(
                name=own,
                namespace=namespace,
                labels=metadata.labels,
                annotations=metadata.annotations,
            ),
            spec=spec,
        )
        lasting = isinstance(thing, Deployment | ReplicaSet | DaemonSet)
        source = Source(
            pod=pod,
            stem=naming.stem(namespace, own),
            origin=origin(located),
            aliases=(f"{name}-pod",) if lasting and count == 1 else (),
            configmaps=objects.configmaps.get(namespace, {}),
            secrets=objects.secrets.get(namespace, {}),
            networks=objects.networks,
            job=_job(located),
            started=not isinstance(thing, CronJob),
            image=image,
        )
        yield Rendered(source=source, path=path, job_path=path[:-2])


def _job(located: Located) -> jobs.Job | None:
    thing = located.object
    if isinstance(thing, Job):
        stem = naming.stem(thing.metadata.namespace, thing.metadata.name)
        return jobs.Job(spec=thing.spec, done=f"{stem}.{located.digest[:12]}")
    if isinstance(thing, CronJob):
        from manifests import cron

        return jobs.Job(spec=thing.spec.job_template.spec, gap=cron.read(thing.spec.schedule).gap())
    return None


def image(name: str) -> str:
    """Return the whole name of an image: Podman asks about short ones, or refuses them."""
    if reference.source(name) is not None:
        return name
    parsed = reference.parse(name)
    if parsed.registry:
        return str(parsed)
    repository = parsed.repository if "/" in parsed.repository else f"library/{parsed.repository}"
    return str(parsed.replace(registry=reference.DEFAULT_REGISTRY, repository=repository))


def origin(located: Located) -> str:
    """Return where a file comes from, on one line whatever the name of the source is."""
    place = "".join(char if char.isprintable() else "?" for char in located.file)
    return f"{MARK} from {place}:{located.line}, {kinds.ref(located.object)}"
