"""Put the flags of `kube play` into the objects: annotations, ports and networks of their pods.

Flags count for every pod that is made, a workload's too; Podman leaves workloads out of some.
"""

from __future__ import annotations

from manifests import digests, kinds, publishing, settings
from manifests.faults import Invalid
from manifests.pod import Pod
from manifests.references import NETWORK_ANNOTATION, NO_NETWORK
from manifests.value import EMPTY, Value
from manifests.workloads import DaemonSet, Deployment, Job, ReplicaSet
from podpy import play_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TypeVar

    from manifests.container import Container, ContainerPort
    from manifests.kinds import Object
    from manifests.pod import PodSpec, PodTemplate
    from manifests.publishing import Port
    from reconciler.plan.wish import Wished

    PodOrTemplate = TypeVar("PodOrTemplate", Pod, PodTemplate)

_OTHER_NETWORKS = {
    "slirp4netns": "podpy runs as root, and pods have bridges",
    "pasta": "podpy runs as root, and pods have bridges",
    "ns": "a pod's network namespace is podpy's own",
    "container": "a pod's network namespace is podpy's own",
    "pod": "a pod's network namespace is podpy's own",
}
_NETWORK_OPTIONS = {"ip": settings.ADDRESS, "mac": settings.MAC}
_MODES = ("bridge", "private")
"""Podman's names of the default network."""


class Joined(Value):
    """What --network says: an annotation's value or the host's network, and further annotations."""

    name: str = ""
    host: bool = False
    more: Mapping[str, str] = EMPTY


class _Flags(Value):
    """All that the flags want of pods."""

    annotations: Mapping[str, str]
    network: Joined
    ports: tuple[Port, ...]
    publish_all: bool


def apply(wished: Iterable[Wished], arguments: argparse.Namespace) -> tuple[Wished, ...]:
    """Return the objects with what the flags add to their pods."""
    flags = _Flags(
        annotations={**_annotations(arguments), **play_flags.log_settings(arguments)},
        network=network(arguments.network),
        ports=tuple(port for word in arguments.publish for port in published(word)),
        publish_all=arguments.publish_all,
    )
    if (arguments.ip or arguments.mac_address) and (
        flags.network.host or flags.network.name == NO_NETWORK
    ):
        raise Invalid("--ip and --mac-address need a network that pods have to themselves")
    places = _Places(arguments)
    result = tuple(_flagged(item, flags, places) for item in wished)
    places.close()
    return result


def _annotations(arguments: argparse.Namespace) -> dict[str, str]:
    given = {}
    for word in arguments.annotation:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise Invalid(f"--annotation {word}: is not KEY=VALUE")
        given[key] = play_flags.setting(key, value, f"--annotation {word}")
    for asked, key in (
        (arguments.no_hosts, settings.HOSTS_FILE),
        (arguments.no_hostname, settings.HOSTNAME_FILE),
    ):
        if asked:
            given[key] = settings.IMAGES
    return given


class _Places:
    """The addresses that --ip and --mac-address give to the first, the second ... pod."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._left: dict[str, tuple[str, list[str]]] = {}
        for flag, key, values in (
            ("--ip", settings.ADDRESS, arguments.ip),
            ("--mac-address", settings.MAC, arguments.mac_address),
        ):
            checked = [play_flags.setting(key, value, f"{flag} {value}") for value in values]
            self._left[key] = flag, checked

    def next(self, thing: Object) -> dict[str, str]:
        """Return the annotations of the next pod in line, that of `thing`."""
        given = {key: left.pop(0) for key, (_, left) in self._left.items() if left}
        if given:
            from manifests.checks.workloads import at_once

            if at_once(thing) > 1:
                raise Invalid(
                    f"{kinds.ref(thing)}: its {at_once(thing)} pods cannot all have "
                    f"{' and '.join(given.values())}"
                )
        return given

    def close(self) -> None:
        for flag, left in self._left.values():
            if left:
                raise Invalid(f"{flag} {left[0]}: there is no pod left to give it to")


def _flagged(item: Wished, flags: _Flags, places: _Places) -> Wished:
    thing = item.object
    if kinds.pod_part(thing) is None:
        return item
    given = {**flags.annotations, **flags.network.more, **places.next(thing)}
    if flags.network.name:
        given[NETWORK_ANNOTATION] = flags.network.name
    changed = _changed(thing, given, flags)
    if changed == thing:
        return item
    # What the flags say is part of what is wanted: other flags, another digest.
    return item.replace(object=changed, digest=digests.of(item.digest + repr(changed)))


def _changed(thing: Object, given: Mapping[str, str], flags: _Flags) -> Object:
    label = str(kinds.ref(thing))
    match thing:
        case Pod():
            return _pod(thing, given, flags, label)
        case Deployment() | ReplicaSet() | DaemonSet() | Job():
            template = _pod(thing.spec.template, given, flags, label)
            return thing.replace(spec=thing.spec.replace(template=template))
        case _:
            return thing


def _pod(pod: PodOrTemplate, given: Mapping[str, str], flags: _Flags, label: str) -> PodOrTemplate:
    metadata = pod.metadata
    if given:
        metadata = metadata.replace(annotations={**metadata.annotations, **given})
    return pod.replace(metadata=metadata, spec=_spec(pod.spec, flags, label, given))


def _spec(spec: PodSpec, flags: _Flags, label: str, given: Mapping[str, str]) -> PodSpec:
    if given.get(settings.HOSTS_FILE) == settings.IMAGES and spec.host_aliases:
        raise Invalid(f"{label}: --no-hosts leaves no room for its hostAliases")
    if flags.network.host:
        spec = spec.replace(host_network=True)
    if flags.ports or flags.publish_all:
        spec = spec.replace(containers=_published(spec.containers, flags))
    return spec


def network(words: Iterable[str]) -> Joined:
    """Return what --network asks for. Raises Invalid, with the reason, for what podpy has not."""
    listed = list(words)
    if len(listed) > 1:
        raise Invalid(
            f"--network {' --network '.join(listed)}: a pod joins one network, as in Kubernetes",
            hint="name one; pods of one network reach each other, and the host's ports",
        )
    if not listed:
        return Joined()
    name, _, rest = listed[0].partition(":")
    if name in _OTHER_NETWORKS:
        raise Invalid(
            f"--network {listed[0]}: {_OTHER_NETWORKS[name]}",
            hint="bridge, host, none, or a network that podpy network ls shows",
        )
    more = dict(_network_option(word, listed[0]) for word in rest.split(",") if word)
    if name == "host":
        if more:
            raise Invalid(f"--network {listed[0]}: the host's network takes no options")
        return Joined(host=True)
    return Joined(name="default" if name in _MODES else name, more=more)


def _network_option(word: str, whole: str) -> tuple[str, str]:
    key, _, value = word.partition("=")
    wanted = _NETWORK_OPTIONS.get(key)
    if wanted is None:
        raise Invalid(f"--network {whole}: podpy has no option {key}", hint="ip=... and mac=...")
    return wanted, play_flags.setting(wanted, value, f"--network {whole}")


def _published(containers: tuple[Container, ...], flags: _Flags) -> tuple[Container, ...]:
    """The containers with hostPorts as --publish and --publish-all ask."""
    wanted = {(port.inner, port.protocol): port for port in flags.ports}
    changed = []
    for container in containers:
        ports: list[ContainerPort] = []
        for port in container.ports:
            found = wanted.pop((port.container_port, port.protocol.value), None)
            if found is not None:
                port = port.replace(host_ip=found.ip, host_port=found.host)
            elif flags.publish_all and not port.host_port:
                port = port.replace(host_port=port.container_port)
            ports.append(port)
        changed.append(container.replace(ports=tuple(ports)))
    if wanted:
        from manifests.container import ContainerPort, Protocol

        extra = tuple(
            ContainerPort(
                container_port=port.inner,
                protocol=Protocol(port.protocol),
                host_ip=port.ip,
                host_port=port.host,
            )
            for port in wanted.values()
        )
        changed[0] = changed[0].replace(ports=(*changed[0].ports, *extra))
    return tuple(changed)


def published(word: str) -> Iterator[Port]:
    """Read [[IP:]HOST:]CONTAINER[/PROTOCOL]; HOST and CONTAINER may be ranges, as 8000-8010."""
    try:
        yield from publishing.read(word)
    except ValueError as error:
        raise Invalid(f"--publish {word}: {error}") from error
