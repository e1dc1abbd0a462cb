"""Loaded manifests in, all Quadlet files for them and what is lost out: for `podpy render`."""

from __future__ import annotations

from manifests import kinds, settings
from manifests.config import ConfigMap, Namespace, Network, PersistentVolumeClaim, Secret
from manifests.faults import Invalid
from manifests.problems import Problem, Severity, ordered, path_text
from manifests.value import Value
from manifests.workloads import ConcurrencyPolicy, CronJob
from podpy import quadlet_sources
from renderers.quadlet import jobs, naming, network, timers, volumes
from renderers.quadlet import render as quadlet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.loaded import Loaded, Located
    from manifests.problems import FieldPath
    from podpy.quadlet_sources import Rendered
    from renderers.quadlet.unit import File
    from renderers.quadlet_keys import Target


class Options(Value):
    """Which Podman reads the files, in whose systemd."""

    target: Target
    user: bool = False


def render(loaded: Loaded, options: Options) -> tuple[tuple[File, ...], tuple[Problem, ...]]:
    """Return the files in the order of their names, and a warning for each field that is lost.

    Raises Invalid where two objects would have one file.
    """
    found = _Files()
    lost: dict[Problem, None] = {}
    objects = quadlet_sources.Objects(loaded)
    for located in loaded.objects:
        thing = located.object
        for pod in quadlet_sources.pods(located, objects):
            lost.update(dict.fromkeys(_pod(loaded, located, pod, options, found)))
        if isinstance(thing, PersistentVolumeClaim):
            stem = naming.stem(thing.metadata.namespace, thing.metadata.name)
            origin = quadlet_sources.origin(located)
            group = objects.groups.get((thing.metadata.namespace, thing.metadata.name))
            found.put(volumes.claim(stem, origin, group, user=options.user))
        elif isinstance(thing, Network):
            file = network.file(thing, quadlet_sources.origin(located))
            if file is not None:
                found.put(file)
        elif isinstance(thing, CronJob):
            found.put(
                _timer(located, thing, jobs.is_alone(thing.spec.job_template.spec.template.spec))
            )
            lost.update(dict.fromkeys(_lost_schedule(loaded, located, thing)))
        elif kinds.pod_part(thing) is None and not isinstance(
            thing, ConfigMap | Secret | Namespace
        ):
            lost[_problem(loaded, located, (), f"{thing.kind} is not rendered")] = None
        lost.update(dict.fromkeys(_lost_annotations(loaded, located)))
    if found.mention(f"Network={naming.NETWORK}.network\n"):
        found.put(quadlet.network(f"{quadlet_sources.MARK}: the network of pods that name none."))
    return found.ordered(), ordered(lost)


class _Files:
    """The files by name; a name, service or name in Podman that is taken twice is refused."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._taken: dict[str, str] = {}

    def put(self, file: File) -> None:
        for name in _claimed(file):
            other = self._taken.setdefault(name, file.name)
            if other != file.name or file.name in self._files:
                raise Invalid(f"{file.name} and {other} would both be {name}", hint="rename one")
        self._files[file.name] = file

    def mention(self, text: str) -> bool:
        sought = text.encode()
        return any(sought in file.content for file in self._files.values())

    def ordered(self) -> tuple[File, ...]:
        return tuple(self._files[name] for name in sorted(self._files))


def _pod(
    loaded: Loaded, located: Located, pod: Rendered, options: Options, found: _Files
) -> Iterator[Problem]:
    made = quadlet.render(pod.source, options.target, user=options.user)
    for file in made.files:
        found.put(file)
    for loss in made.losses:
        front = (*pod.path[:-1], "metadata") if loss.of_metadata else pod.path
        yield _problem(loaded, located, (*front, *loss.path), loss.message)
    if pod.source.job is not None:
        for path, message in jobs.losses(pod.source.job):
            yield _problem(loaded, located, (*pod.job_path, *path), message)


def _timer(located: Located, thing: CronJob, alone: bool) -> File:
    stem = naming.stem(thing.metadata.namespace, thing.metadata.name)
    container = thing.spec.job_template.spec.template.spec.containers[0].name
    service = f"{stem}-{container}.service" if alone else f"{stem}-pod.service"
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
        case "volume" | "network":
            return f"the file {file.name}", f"{stem}-{kind}.service"
        case _:
            return (f"the file {file.name}",)


def _problem(loaded: Loaded, located: Located, path: FieldPath, message: str) -> Problem:
    text = loaded.texts.get(located.file)
    return Problem(
        message=message,
        file=located.file,
        line=(text.line(located.index, [path]) if text and path else 0) or located.line,
        object=str(kinds.ref(located.object)),
        path=path_text(path),
        severity=Severity.WARNING,
    )
