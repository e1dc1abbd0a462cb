"""Check several objects together: duplicates, references to what is not there, host ports.

    check([pod]) -> Clash(index=0, path=..., message='claim "data" is not declared', missing=...)

Pure. Called by manifests.load, which knows the places of the objects, and which objects are known
from earlier passes.
"""

from __future__ import annotations

from manifests import kinds, references
from manifests.checks import order, ports
from manifests.checks import workloads as workload_checks
from manifests.checks.containers import each
from manifests.config import ConfigMap, Secret
from manifests.ref import Ref
from manifests.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from manifests.codec import Path
    from manifests.container import ContainerPort, EnvVarSource
    from manifests.kinds import Object
    from manifests.pod import PodSpec
    from manifests.volumes import KeyToPath, Volume

    Key = tuple[str, str, str]

_NOUNS = {"PersistentVolumeClaim": "claim"}


class Clash(Value):
    """What is wrong with the field `path` of the object at `index`.

    `other` is the index of a second object concerned, -1 if there is none. `missing` is the object
    that is not in the set: the flaw is none if it is known from elsewhere. `lenient` tells that a
    pod would wait for what is missing, so that the caller decides how bad it is.
    """

    index: int
    path: Path
    message: str
    other: int = -1
    missing: Ref | None = None
    lenient: bool = False


class Need(Value):
    """A pod's mention of another object, or of one `key` in it."""

    kind: str
    name: str
    path: Path
    key: str = ""


def check(objects: Sequence[Object]) -> tuple[Clash, ...]:
    """Return what is wrong with the objects together, in their order."""
    first: dict[Key, int] = {}
    found = list(_duplicates(objects, first))
    for index, thing in enumerate(objects):
        for need in needs(thing):
            found.extend(_unmet(index, thing, need, objects, first))
    found.extend(_host_ports(objects))
    found.extend(
        Clash(
            index=flaw.index,
            path=("metadata", "annotations", flaw.annotation),
            message=flaw.message,
            other=flaw.other,
            missing=flaw.missing,
        )
        for flaw in order.check(objects)
    )
    return tuple(sorted(found, key=lambda clash: clash.index))


def needs(thing: Object) -> Iterator[Need]:
    """Give what the pods of an object cannot start without; optional references are none."""
    part = kinds.pod_part(thing)
    if part is None:
        return
    meta, spec, path = part
    yield from _needs(spec, path)
    given = (references.DEFAULT_NETWORK, references.NO_NETWORK)
    network = meta.annotations.get(references.NETWORK_ANNOTATION, given[0])
    if network not in given and not spec.host_network:
        where = (*path[:-1], "metadata", "annotations", references.NETWORK_ANNOTATION)
        yield Need(kind="Network", name=network, path=where)


def _duplicates(objects: Sequence[Object], first: dict[Key, int]) -> Iterator[Clash]:
    """Fill `first` with the index of every object's first appearance; give the later ones."""
    for index, thing in enumerate(objects):
        key = (thing.kind, thing.metadata.namespace, thing.metadata.name)
        if key in first:
            message = f"{kinds.ref(thing)} is declared twice"
            yield Clash(index=index, path=("metadata", "name"), message=message, other=first[key])
        else:
            first[key] = index


def _unmet(
    index: int, thing: Object, need: Need, objects: Sequence[Object], first: dict[Key, int]
) -> Iterator[Clash]:
    namespace = thing.metadata.namespace if kinds.BY_KIND[need.kind].namespaced else ""
    at = first.get((need.kind, namespace, need.name))
    noun = _NOUNS.get(need.kind, need.kind)
    if at is None:
        message = f'{noun} "{need.name}" is not declared'
        ref = Ref(kind=need.kind, name=need.name, namespace=namespace)
        yield Clash(index=index, path=need.path, message=message, missing=ref, lenient=True)
        return
    named = objects[at]
    if need.key and isinstance(named, (ConfigMap, Secret)) and need.key not in _keys(named):
        message = f'{noun} "{need.name}" has no key "{need.key}"'
        yield Clash(index=index, path=need.path, message=message, other=at, lenient=True)


def _keys(thing: ConfigMap | Secret) -> frozenset[str]:
    more = thing.binary_data if isinstance(thing, ConfigMap) else thing.string_data
    return frozenset({*thing.data, *more})


def _needs(spec: PodSpec, path: Path) -> Iterator[Need]:
    for index, volume in enumerate(spec.volumes):
        yield from _needs_of_volume(volume, (*path, "volumes", index))
    for here, container in each(spec, path):
        for index, source in enumerate(container.env_from):
            for kind, field, ref in (
                ("ConfigMap", "configMapRef", source.config_map_ref),
                ("Secret", "secretRef", source.secret_ref),
            ):
                if ref and not ref.optional:
                    where = (*here, "envFrom", index, field, "name")
                    yield Need(kind=kind, name=ref.name, path=where)
        for index, variable in enumerate(container.env):
            if variable.value_from:
                yield from _needs_of_value(variable.value_from, (*here, "env", index, "valueFrom"))


def _needs_of_value(source: EnvVarSource, path: Path) -> Iterator[Need]:
    for kind, field, ref in (
        ("ConfigMap", "configMapKeyRef", source.config_map_key_ref),
        ("Secret", "secretKeyRef", source.secret_key_ref),
    ):
        if ref and not ref.optional:
            yield Need(kind=kind, name=ref.name, path=(*path, field), key=ref.key)


def _needs_of_volume(volume: Volume, path: Path) -> Iterator[Need]:
    if volume.persistent_volume_claim:
        name = volume.persistent_volume_claim.claim_name
        where = (*path, "persistentVolumeClaim", "claimName")
        yield Need(kind="PersistentVolumeClaim", name=name, path=where)
    for index, one in enumerate(volume.projected.sources if volume.projected else ()):
        for kind, field, ref in (
            ("ConfigMap", "configMap", one.config_map),
            ("Secret", "secret", one.secret),
        ):
            if ref and not ref.optional:
                where = (*path, "projected", "sources", index, field)
                yield Need(kind=kind, name=ref.name, path=(*where, "name"))
                yield from _needs_of_items(kind, ref.name, ref.items, where)
    if volume.config_map and not volume.config_map.optional:
        source = volume.config_map
        here = (*path, "configMap")
        yield Need(kind="ConfigMap", name=source.name, path=(*here, "name"))
        yield from _needs_of_items("ConfigMap", source.name, source.items, here)
    if volume.secret and not volume.secret.optional:
        here = (*path, "secret")
        name, items = volume.secret.secret_name, volume.secret.items
        yield Need(kind="Secret", name=name, path=(*here, "secretName"))
        yield from _needs_of_items("Secret", name, items, here)


def _needs_of_items(kind: str, name: str, items: Sequence[KeyToPath], path: Path) -> Iterator[Need]:
    for index, item in enumerate(items):
        yield Need(kind=kind, name=name, path=(*path, "items", index, "key"), key=item.key)


def _host_ports(objects: Sequence[Object]) -> Iterator[Clash]:
    """Two pods cannot have one port of the host; what clashes within a pod is its own check's."""
    claimed: dict[tuple[int, str], list[tuple[int, ContainerPort]]] = {}
    for index, thing in enumerate(objects):
        for path, port in _claimed_by(thing):
            others = claimed.setdefault((port.host_port, port.protocol), [])
            for other, taken in others:
                if other != index and ports.overlap(port, taken):
                    message = f"{ports.shown(port)} of the host is claimed by two pods"
                    yield Clash(index=index, path=(*path, "hostPort"), message=message, other=other)
                    break
            others.append((index, port))


def _claimed_by(thing: Object) -> Iterator[tuple[Path, ContainerPort]]:
    part = kinds.pod_part(thing)
    if part is not None and workload_checks.at_once(thing) > 0:
        _, spec, path = part
        yield from ports.lasting(spec, path)
