"""Loaded manifests in, all Quadlet files for them and what is lost out: for `podpy render`."""

from __future__ import annotations

from manifests import kinds, settings
from manifests.config import ConfigMap, Namespace, PersistentVolumeClaim, Secret
from manifests.faults import Invalid
from manifests.meta import ObjectMeta
from manifests.pod import Pod
from manifests.problems import Problem, Severity, ordered, path_text
from manifests.workloads import DaemonSet, Deployment, ReplicaSet
from renderers.quadlet import naming
from renderers.quadlet import render as quadlet
from renderers.quadlet.rendering import Source
from runtime.image import reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.loaded import Loaded, Located
    from manifests.meta import TemplateMeta
    from manifests.problems import FieldPath
    from renderers.quadlet.unit import File
    from renderers.quadlet_keys import Target


def render(
    loaded: Loaded, target: Target, *, user: bool
) -> tuple[tuple[File, ...], tuple[Problem, ...]]:
    """Return the files in the order of their names, and a warning for each field that is lost.

    Raises Invalid where two objects would have one file.
    """
    contents = _Objects(loaded)
    files: dict[str, File] = {}
    lost: dict[Problem, None] = {}

    names: dict[str, str] = {}

    def put(file: File) -> None:
        for name in _claimed(file):
            other = names.setdefault(name, file.name)
            if other != file.name or file.name in files:
                raise Invalid(f"{file.name} and {other} would both be {name}", hint="rename one")
        files[file.name] = file

    for located in loaded.objects:
        thing = located.object
        if isinstance(thing, PersistentVolumeClaim):
            put(quadlet.claim(_stem(thing.metadata), _origin(located)))
        elif isinstance(thing, Pod | Deployment | ReplicaSet | DaemonSet):
            for source, path in _sources(located, contents):
                made = quadlet.render(source, target, user=user)
                for file in made.files:
                    put(file)
                for loss in made.losses:
                    lost[_problem(loaded, located, (*path, *loss.path), loss.message)] = None
            lost.update(dict.fromkeys(_lost_annotations(loaded, located)))
        elif not isinstance(thing, ConfigMap | Secret | Namespace):
            message = f"{thing.kind} is not rendered"
            lost[_problem(loaded, located, (), message)] = None
    if any(f"Network={naming.NETWORK}.network\n".encode() in one.content for one in files.values()):
        put(quadlet.network(f"{MARK}: the network of pods that name none."))
    return tuple(files[name] for name in sorted(files)), ordered(lost)


MARK = "Rendered by podpy render quadlet"


def _lost_annotations(loaded: Loaded, located: Located) -> Iterator[Problem]:
    """Tell of the annotations of an object and of its pods; a network is told of by its pod."""
    thing = located.object
    places: dict[FieldPath, ObjectMeta | TemplateMeta] = {("metadata",): thing.metadata}
    part = kinds.pod_part(thing)
    if part is not None:
        places[(*part[2][:-1], "metadata")] = part[0]
    for path, metadata in places.items():
        for key in metadata.annotations:
            if key != settings.NETWORK:
                where = (*path, "annotations", key)
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


class _Objects:
    """The ConfigMaps and Secrets of all namespaces."""

    def __init__(self, loaded: Loaded) -> None:
        self.configmaps: dict[str, dict[str, ConfigMap]] = {}
        self.secrets: dict[str, dict[str, Secret]] = {}
        for located in loaded.objects:
            thing = located.object
            if isinstance(thing, ConfigMap):
                within = self.configmaps.setdefault(thing.metadata.namespace, {})
                within[thing.metadata.name] = thing
            elif isinstance(thing, Secret):
                self.secrets.setdefault(thing.metadata.namespace, {})[thing.metadata.name] = thing


def _sources(located: Located, contents: _Objects) -> Iterator[tuple[Source, FieldPath]]:
    """Yield the pods that an object stands for, with the path to their specification."""
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
        aliases = () if isinstance(thing, Pod) or count > 1 else (f"{name}-pod",)
        source = Source(
            pod=pod,
            stem=naming.stem(namespace, own),
            origin=_origin(located),
            aliases=aliases,
            configmaps=contents.configmaps.get(namespace, {}),
            secrets=contents.secrets.get(namespace, {}),
            image=_image,
        )
        yield source, path


def _image(name: str) -> str:
    """Return the whole name of an image: Podman asks about short ones, or refuses them."""
    if reference.source(name) is not None:
        return name
    parsed = reference.parse(name)
    if parsed.registry:
        return str(parsed)
    repository = parsed.repository if "/" in parsed.repository else f"library/{parsed.repository}"
    return str(parsed.replace(registry=reference.DEFAULT_REGISTRY, repository=repository))


def _stem(metadata: ObjectMeta) -> str:
    return naming.stem(metadata.namespace, metadata.name)


def _origin(located: Located) -> str:
    """Return where a file comes from, on one line whatever the name of the source is."""
    place = "".join(char if char.isprintable() else "?" for char in located.file)
    return f"{MARK} from {place}:{located.line}, {kinds.ref(located.object)}"


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
