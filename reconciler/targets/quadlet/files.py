"""Loaded manifests in, all Quadlet files for them and what is lost out. Pure.

Called by `podpy render`, and for Syncs whose target is quadlet.
"""

from __future__ import annotations

from manifests import codec, kinds, settings
from manifests.config import ConfigMap, Namespace, Network, PersistentVolumeClaim, Secret
from manifests.faults import Invalid
from manifests.problems import Problem, Severity, ordered
from manifests.value import EMPTY, Value
from manifests.workloads import ConcurrencyPolicy, CronJob, Deployment, Job, ReplicaSet
from reconciler.targets.quadlet import sources as quadlet_sources
from renderers import yaml_text
from renderers.quadlet import images, jobs, kube, naming, network, timers, volumes
from renderers.quadlet import render as quadlet
from renderers.quadlet.images import Forms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from manifests.loaded import Loaded, Located
    from manifests.problems import FieldPath
    from manifests.ref import Ref
    from reconciler.targets.quadlet.sources import Building, Objects, Rendered
    from renderers.quadlet.images import Use
    from renderers.quadlet.unit import File, Loss
    from renderers.quadlet_keys import Target


class Options(Value):
    """Which Podman reads the files, in whose systemd, and how images are had.

    `building` is as for quadlet_sources.pods; `kube` is for .kube units with YAML beside them.
    """

    target: Target
    user: bool = False
    forms: Forms = Forms(whole=quadlet_sources.whole)
    building: Building | None = None
    kube: bool = False


class Made(Value):
    """The files in the order of their names, and a warning for each field that is lost.

    `owners` says for whom each file is; what several objects share has none.
    """

    files: tuple[File, ...]
    lost: tuple[Problem, ...] = ()
    owners: Mapping[str, Ref] = EMPTY


def render(loaded: Loaded, options: Options) -> tuple[tuple[File, ...], tuple[Problem, ...]]:
    """Return what `make` does, without who owns what."""
    made = make(loaded, options)
    return made.files, made.lost


def make(loaded: Loaded, options: Options) -> Made:
    """Return the files of all objects. Raises Invalid where two objects would have one file."""
    found = _Files()
    lost: dict[Problem, None] = {}
    objects = quadlet_sources.Objects(loaded)
    for located in loaded.objects:
        found.owner = kinds.ref(located.object)
        lost.update(dict.fromkeys(_object(loaded, located, objects, options, found)))
    found.owner = None
    found.images(options, lost)
    if found.mention(f"Network={naming.NETWORK}.network\n"):
        origin = f"{quadlet_sources.MARK}: the network of pods that name none."
        found.put(network.default(origin, options.target))
    return Made(files=found.ordered(), lost=ordered(lost), owners=found.owners)


def _object(
    loaded: Loaded, located: Located, objects: Objects, options: Options, found: _Files
) -> Iterator[Problem]:
    """Add the files of one object, and yield what of it is lost."""
    thing, origin = located.object, quadlet_sources.origin(located)
    if kinds.pod_part(thing) is not None:
        form = _kube if options.kube else _pods
        yield from form(loaded, located, objects, options, found)
    elif isinstance(thing, PersistentVolumeClaim):
        if not options.kube:  # else it is in the YAML of the pods that have it
            stem = naming.stem(thing.metadata.namespace, thing.metadata.name)
            group = objects.groups.get((thing.metadata.namespace, thing.metadata.name))
            found.put(volumes.claim(stem, origin, group, user=options.user))
    elif isinstance(thing, Network):
        file = network.file(thing, origin, options.target)
        if file is not None:
            found.put(file)
    elif not isinstance(thing, ConfigMap | Secret | Namespace):
        yield _problem(loaded, located, (), f"{thing.kind} is not rendered")
    if not options.kube:
        yield from _lost_annotations(loaded, located)


class _Files:
    """The files by name; a name, service or name in Podman that is taken twice is refused."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._taken: dict[str, str] = {}
        self.used: list[Use] = []
        self.owner: Ref | None = None
        self.owners: dict[str, Ref] = {}

    def put(self, file: File) -> None:
        for name in _claimed(file):
            other = self._taken.setdefault(name, file.name)
            if other != file.name or file.name in self._files:
                raise Invalid(f"{file.name} and {other} would both be {name}", hint="rename one")
        self._files[file.name] = file
        if self.owner is not None:
            self.owners[file.name] = self.owner

    def images(self, options: Options, lost: dict[Problem, None]) -> None:
        """Add the units of the images that were used."""
        losses: list[Loss] = []
        origin = f"{quadlet_sources.MARK}: an image that several may use."
        for file in images.files(self.used, options.forms, origin, options.target, losses):
            self.put(file)
        for loss in losses:
            lost[Problem(message=f"an image {loss.message}", severity=Severity.WARNING)] = None

    def mention(self, text: str) -> bool:
        sought = text.encode()
        return any(sought in file.content for file in self._files.values())

    def ordered(self) -> tuple[File, ...]:
        return tuple(self._files[name] for name in sorted(self._files))


def _pods(
    loaded: Loaded, located: Located, objects: Objects, options: Options, found: _Files
) -> Iterator[Problem]:
    """Add the units of the pods of an object."""
    for pod in quadlet_sources.pods(located, objects, options.forms, options.building):
        made = quadlet.render(pod.source, options.target, user=options.user)
        for file in made.files:
            found.put(file)
        found.used.extend(made.images)
        yield from _losses(loaded, located, pod, made.losses)
        if pod.source.job is not None:
            for path, message in jobs.losses(pod.source.job):
                yield _problem(loaded, located, (*pod.job_path, *path), message)
    if isinstance(located.object, CronJob):
        found.put(_timer(located, located.object))
        yield from _lost_schedule(loaded, located, located.object)


def _kube(
    loaded: Loaded, located: Located, objects: Objects, options: Options, found: _Files
) -> Iterator[Problem]:
    """Add the .kube unit of an object, with what its pods name in the YAML beside it."""
    thing = located.object
    if isinstance(thing, CronJob):
        yield _problem(loaded, located, (), "CronJob is not rendered as a .kube unit")
        return
    if isinstance(thing, Deployment | ReplicaSet) and thing.spec.replicas != 1:
        message = "is passed over by `podman kube play`: it runs one pod"
        yield _problem(loaded, located, ("spec", "replicas"), message)
    if isinstance(thing, Job):
        for field in codec.encode(thing.spec).keys() - {"template"}:
            if field != "completions" or thing.spec.completions != 1:
                message = "is passed over by `podman kube play`"
                yield _problem(loaded, located, ("spec", field), message)
    pod = quadlet_sources.one(located, objects, options.forms)
    named = objects.named(pod.source.pod)
    raws = [kinds.dump(one) for one in named] + [kube.adapted(kinds.dump(thing), pod.source.stem)]
    text = "---\n".join(yaml_text.dumps(raw) for raw in raws)
    secret = any(isinstance(one, Secret) for one in named)
    made = kube.write(pod.source, text, options.target, user=options.user, secret=secret)
    for file in made.files:
        found.put(file)
    yield from _losses(loaded, located, pod, made.losses)


def _losses(
    loaded: Loaded, located: Located, pod: Rendered, losses: Iterable[Loss]
) -> Iterator[Problem]:
    for loss in losses:
        front = (*pod.path[:-1], "metadata") if loss.of_metadata else pod.path
        yield _problem(loaded, located, (*front, *loss.path), loss.message)


def _timer(located: Located, thing: CronJob) -> File:
    stem = naming.stem(thing.metadata.namespace, thing.metadata.name)
    spec = thing.spec.job_template.spec.template.spec
    alone = jobs.is_alone(spec)
    service = f"{stem}-{spec.containers[0].name}.service" if alone else f"{stem}-pod.service"
    return timers.write(stem, quadlet_sources.origin(located), thing.spec, service)


def _lost_schedule(loaded: Loaded, located: Located, thing: CronJob) -> Iterator[Problem]:
    if thing.spec.concurrency_policy is ConcurrencyPolicy.REPLACE:
        message = "is not kept: a run that is due while another goes on is left out"
        yield _problem(loaded, located, ("spec", "concurrencyPolicy"), message)


def _lost_annotations(loaded: Loaded, located: Located) -> Iterator[Problem]:
    """Tell of the annotations of an object that has pods: those of the pods are theirs to tell."""
    part = kinds.pod_part(located.object)
    if part is not None and part[0] is located.object.metadata:
        return
    for key in located.object.metadata.annotations:
        if key != settings.RECLAIM:
            where = ("metadata", "annotations", key)
            yield _problem(loaded, located, where, "a Quadlet file does not have it")


def _claimed(file: File) -> tuple[str, ...]:
    """Return what only one file may stand for: itself, its service, and its name in Podman."""
    stem, _, kind = file.name.rpartition(".")
    match kind:
        case "container":
            return f"the file {file.name}", f"{stem}.service", f"{stem} in Podman"
        case "pod":
            return f"the file {file.name}", f"{stem}-pod.service", f"{stem} in Podman"
        case "kube":
            return f"the file {file.name}", f"{stem}.service", f"{stem} in Podman"
        case "volume" | "network" | "image" | "build":
            return f"the file {file.name}", f"{stem}-{kind}.service"
        case _:
            return (f"the file {file.name}",)


def _problem(loaded: Loaded, located: Located, path: FieldPath, message: str) -> Problem:
    return loaded.warning(located, path, message)
