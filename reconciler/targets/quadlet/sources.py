"""Loaded objects in, the pods that they stand for out, as renderers.quadlet takes them. Pure."""

from __future__ import annotations

from manifests import kinds, references
from manifests.config import ConfigMap, Network, PersistentVolumeClaim, Secret
from manifests.meta import ObjectMeta
from manifests.pod import Pod
from manifests.value import Value
from manifests.workloads import CronJob, DaemonSet, Deployment, Job, ReplicaSet
from renderers.quadlet import jobs, naming
from renderers.quadlet.rendering import Source
from runtime.image import reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from manifests.kinds import Object
    from manifests.loaded import Loaded, Located
    from manifests.problems import FieldPath
    from renderers.quadlet.images import Forms

    Named = ConfigMap | Secret | PersistentVolumeClaim
    Building = Callable[[str, str], str]

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
        self.claims: dict[str, dict[str, PersistentVolumeClaim]] = {}
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
            elif isinstance(thing, PersistentVolumeClaim):
                self.claims.setdefault(namespace, {})[name] = thing
            elif isinstance(thing, Network):
                self.networks[name] = thing
            else:
                self._add_groups(thing)

    def named(self, pod: Pod) -> tuple[Named, ...]:
        """Return the objects that a pod names, of those that are given."""
        of_kind: dict[str, Mapping[str, Mapping[str, Named]]] = {
            "ConfigMap": self.configmaps,
            "Secret": self.secrets,
            "PersistentVolumeClaim": self.claims,
        }
        found = (
            of_kind[ref.kind].get(ref.namespace, {}).get(ref.name)
            for ref in references.references(pod)
        )
        return tuple(thing for thing in found if thing is not None)

    def _add_groups(self, thing: Object) -> None:
        part = kinds.pod_part(thing)
        group = part[1].security_context.fs_group if part is not None else None
        if part is None or group is None:
            return
        for volume in part[1].volumes:
            claim = volume.persistent_volume_claim
            if claim is not None:
                self.groups.setdefault((thing.metadata.namespace, claim.claim_name), group)


def pods(
    located: Located, objects: Objects, forms: Forms, building: Building | None
) -> Iterator[Rendered]:
    """Yield the pods that an object stands for; none for one that stands for no pods.

    `building` says for an image and a manifest which directory it is built from, "" for none.
    """
    thing = located.object
    part = kinds.pod_part(thing)
    if part is None:
        return
    if building is not None:
        forms = forms.replace(contexts=_contexts(located, building))
    count = thing.spec.replicas if isinstance(thing, Deployment | ReplicaSet) else 1
    for index in range(count):
        own = f"{thing.metadata.name}-{index}" if count > 1 else thing.metadata.name
        yield _rendered(located, objects, forms, own, aliased=count == 1)


def one(located: Located, objects: Objects, forms: Forms) -> Rendered:
    """Return the pod that an object stands for, however many it has."""
    return _rendered(located, objects, forms, located.object.metadata.name, aliased=False)


def _rendered(
    located: Located, objects: Objects, forms: Forms, own: str, *, aliased: bool
) -> Rendered:
    thing = located.object
    part = kinds.pod_part(thing)
    if part is None:
        raise ValueError(f"{kinds.ref(thing)} stands for no pods")
    metadata, spec, path = part
    namespace, name = thing.metadata.namespace, thing.metadata.name
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
        aliases=(f"{name}-pod",) if lasting and aliased else (),
        configmaps=objects.configmaps.get(namespace, {}),
        secrets=objects.secrets.get(namespace, {}),
        networks=objects.networks,
        job=_job(located),
        started=not isinstance(thing, CronJob),
        forms=forms,
    )
    return Rendered(source=source, path=path, job_path=path[:-2])


def _job(located: Located) -> jobs.Job | None:
    thing = located.object
    if isinstance(thing, Job):
        stem = naming.stem(thing.metadata.namespace, thing.metadata.name)
        return jobs.Job(spec=thing.spec, done=f"{stem}.{located.digest[:12]}")
    if isinstance(thing, CronJob):
        from manifests import cron

        return jobs.Job(spec=thing.spec.job_template.spec, gap=cron.read(thing.spec.schedule).gap())
    return None


def whole(name: str) -> str:
    """Return the whole name of an image: Podman asks about short ones, or refuses them."""
    if reference.source(name) is not None:
        return name
    parsed = reference.parse(name)
    if parsed.registry:
        return str(parsed)
    repository = parsed.repository if "/" in parsed.repository else f"library/{parsed.repository}"
    return str(parsed.replace(registry=reference.DEFAULT_REGISTRY, repository=repository))


def _contexts(located: Located, building: Building) -> dict[str, str]:
    """Return where each image is built from that has a directory with a Containerfile."""
    import os

    part = kinds.pod_part(located.object)
    if part is None:
        return {}
    found = {name: building(name, located.file) for _, name, _ in references.images(part[1])}
    return {name: os.path.abspath(directory) for name, directory in found.items() if directory}


def origin(located: Located) -> str:
    """Return where a file comes from, on one line."""
    return f"{MARK} from {located.origin}"
