"""Loaded manifests in, the units that run them by podpy's runtime out: for `podpy render systemd`.

Beside the units of a pod comes a file with the pod and all that it names: what the units run.
Secrets have a file of their own, for its owner alone.
"""

from __future__ import annotations

from manifests import kinds, references, settings
from manifests.config import ConfigMap, Namespace, Network, PersistentVolumeClaim, Secret
from manifests.faults import Invalid
from manifests.meta import ObjectMeta
from manifests.pod import Pod
from manifests.problems import ordered
from manifests.ref import Ref
from manifests.value import Value
from manifests.workloads import DaemonSet, Deployment, Job, ReplicaSet
from podpy import unit_runs
from reconciler.workloads import naming
from renderers import systemd_units, unit_annotations, yaml_text
from renderers.quadlet.unit import File

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from manifests.kinds import Object, Workload
    from manifests.loaded import Loaded
    from manifests.problems import FieldPath, Problem

MARK = "Rendered by podpy render systemd"
_UNHEEDED = (*settings.ORDER, settings.HOSTS)
_RUN = (Pod, Deployment, ReplicaSet, DaemonSet, Job)
_NOTHING_OF_THEIR_OWN = (ConfigMap, Secret, PersistentVolumeClaim, Network, Namespace)


class _Named(Value):
    """A pod that an object stands for, and what its units are to know beside it."""

    pod: Pod
    aliases: tuple[str, ...] = ()
    retries: int | None = None


def render(loaded: Loaded, podpy: str) -> tuple[tuple[File, ...], tuple[Problem, ...]]:
    """Return the files in the order of their names, and a warning for each field that is lost.

    `podpy` is the absolute path of the command. Raises Invalid where two pods would have one name.
    """
    things = {kinds.ref(located.object): located.object for located in loaded.objects}
    files: dict[str, File] = {}
    lost: dict[Problem, None] = {}
    for located in loaded.objects:
        for path, message in _losses(located.object):
            lost[loaded.warning(located, path, message)] = None
        for one in _pods(located.object):
            for file in _of_pod(one, f"{MARK} from {located.origin}", podpy, things):
                if file.name in files:
                    name = f"{one.pod.metadata.namespace}/{one.pod.metadata.name}"
                    raise Invalid(f"two pods would be {name}", hint="rename one")
                files[file.name] = file
    return tuple(files[name] for name in sorted(files)), ordered(lost)


def _of_pod(one: _Named, origin: str, podpy: str, things: Mapping[Ref, Object]) -> Iterator[File]:
    yield from systemd_units.render(
        systemd_units.Source(
            pod=one.pod, origin=origin, podpy=podpy, aliases=one.aliases, retries=one.retries
        )
    )
    pod = unit_annotations.heeded(one.pod)
    used = [things[ref] for ref in _used(pod) if ref in things]
    name = systemd_units.manifest_name(pod)
    plain = [thing for thing in used if not isinstance(thing, Secret)]
    yield File(name=name, content=_manifest(origin, [*plain, pod]))
    secrets = [thing for thing in used if isinstance(thing, Secret)]
    if secrets:
        content = _manifest(origin, secrets)
        yield File(name=unit_runs.secret_file(name), content=content, mode=0o600)


def _used(pod: Pod) -> tuple[Ref, ...]:
    """Return what the pod names, in an order that does not change."""
    network = Ref(kind="Network", name=references.network_of(pod))
    return tuple(sorted((network, *references.references(pod)), key=lambda ref: ref.key()))


def _manifest(origin: str, objects: Iterable[Object]) -> bytes:
    documents = (yaml_text.dumps(kinds.dump(thing)) for thing in objects)
    return "---\n".join((f"# {origin}\n", *documents)).encode()


def _pods(thing: Object) -> Iterator[_Named]:
    """Yield the pods that an object stands for: named after it, numbered where it has several."""
    if isinstance(thing, Pod):
        metadata = thing.metadata
        yield _Named(pod=_for_systemd(thing, metadata.annotations))
    elif isinstance(thing, Deployment | ReplicaSet | DaemonSet | Job):
        count = thing.spec.replicas if isinstance(thing, Deployment | ReplicaSet) else 1
        name = thing.metadata.name
        for index in range(count):
            yield _Named(
                pod=_of_template(thing, f"{name}-{index}" if count > 1 else name),
                aliases=(f"{name}-pod",) if count == 1 else (),
                retries=thing.spec.backoff_limit if isinstance(thing, Job) else None,
            )


def _of_template(owner: Workload, name: str) -> Pod:
    template = owner.spec.template
    pod = Pod(
        metadata=ObjectMeta(
            name=name, namespace=owner.metadata.namespace, labels=template.metadata.labels
        ),
        spec=template.spec,
    )
    if isinstance(owner, Job) and owner.spec.active_deadline_seconds is not None:
        pod = pod.replace(
            spec=pod.spec.replace(active_deadline_seconds=owner.spec.active_deadline_seconds)
        )
    inherited = naming.read_of(owner.metadata.annotations)
    return _for_systemd(pod, {**inherited, **template.metadata.annotations})


def _for_systemd(pod: Pod, annotations: Mapping[str, str]) -> Pod:
    """Return the pod as its units run it: marked as systemd's, less what is no matter of theirs."""
    kept = {key: value for key, value in annotations.items() if key not in _UNHEEDED}
    marked = {**kept, settings.SUPERVISOR: settings.SYSTEMD}
    return pod.replace(metadata=pod.metadata.replace(annotations=marked))


def _losses(thing: Object) -> Iterator[tuple[FieldPath, str]]:
    """Yield what of an object the units do not have: its place, and why."""
    if not isinstance(thing, _RUN + _NOTHING_OF_THEIR_OWN):
        yield (), f"{thing.kind} is not rendered"
        return
    for key in thing.metadata.annotations:
        if key in _UNHEEDED:
            where = ("metadata", "annotations", key)
            yield where, "is podpy's own passes' to heed: say it by After= or conditions of a unit"
    if isinstance(thing, Job) and (thing.spec.completions or 1, thing.spec.parallelism) != (1, 1):
        yield ("spec", "completions"), "one pod is run to its end"
    if isinstance(thing, Deployment) and thing.spec.strategy is not None:
        yield ("spec", "strategy"), "systemctl restart replaces all at once"
