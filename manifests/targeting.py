"""Which objects are for a host: an object and a host in, the reason why not out. Pure.

    podpy.dev/hosts             names of hosts, on any object, or on a workload's template
    spec.hosts, .hostSelector   of a Sync
    nodeSelector, nodeAffinity  of a pod, or of a workload's pods

All of them must hold. Asked by whoever takes objects: each pass of a Sync, and `apply`.
"""

from __future__ import annotations

from manifests import kinds, settings
from manifests.loaded import Elsewhere
from manifests.sync import Sync
from manifests.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from manifests.kinds import Object
    from manifests.loaded import Loaded
    from manifests.pod import PodSpec
    from manifests.sync import SyncSpec


class HostIdentity(Value):
    """What a host is known by: its name, in lower case, and its labels."""

    name: str
    labels: Mapping[str, str] = EMPTY


def taken(loaded: Loaded, host: HostIdentity) -> Loaded:
    """Return what was loaded with those objects alone that are for the host."""
    reasons = {id(item): elsewhere(item.object, host) for item in loaded.objects}
    return loaded.replace(
        objects=tuple(item for item in loaded.objects if not reasons[id(item)]),
        elsewhere=tuple(
            Elsewhere(ref=kinds.ref(item.object), reason=reasons[id(item)])
            for item in loaded.objects
            if reasons[id(item)]
        ),
    )


def elsewhere(thing: Object, host: HostIdentity) -> str:
    """Return why the object is not for the host; "" where it is."""
    part = kinds.pod_part(thing)
    annotated = [thing.metadata.annotations]
    if part is not None and part[0] is not thing.metadata:
        annotated.append(part[0].annotations)
    reasons = [
        _unnamed(settings.HOSTS, settings.hosts(given[settings.HOSTS]), host)
        for given in annotated
        if settings.HOSTS in given
    ]
    if part is not None:
        reasons.append(_of_pod(part[1], host))
    if isinstance(thing, Sync):
        reasons.append(of_sync(thing.spec, host))
    return next(filter(None, reasons), "")


def of_sync(spec: SyncSpec, host: HostIdentity) -> str:
    """Return why a Sync is not for the host; "" where it is."""
    if spec.hosts and (reason := _unnamed("spec.hosts", spec.hosts, host)):
        return reason
    selector = spec.host_selector
    if selector is None or selector.matches(host.labels):
        return ""
    return _missing("spec.hostSelector", selector.match_labels, host) or (
        "a requirement of its spec.hostSelector does not hold"
    )


def _of_pod(spec: PodSpec, host: HostIdentity) -> str:
    if reason := _missing("nodeSelector", spec.node_selector, host):
        return reason
    affinity = spec.affinity.node_affinity if spec.affinity else None
    wanted = affinity.required_during_scheduling_ignored_during_execution if affinity else None
    if wanted is None or any(term.matches(host.labels) for term in wanted.node_selector_terms):
        return ""
    terms = " or ".join(map(str, wanted.node_selector_terms))
    return f"its nodeAffinity wants {terms}"


def _missing(where: str, wanted: Mapping[str, str], host: HostIdentity) -> str:
    """Say which of the labels the host has not; "" where it has all."""
    for key, value in wanted.items():
        held = host.labels.get(key)
        if held != value:
            has = "has no such label" if held is None else f"has {key}={held}"
            return f"its {where} wants {key}={value}, and this host {has}"
    return ""


def _unnamed(where: str, patterns: Iterable[str], host: HostIdentity) -> str:
    if any(_matches(host.name, pattern) for pattern in patterns):
        return ""
    return f"its {where} names {', '.join(patterns)}, and this host is {host.name}"


def _matches(name: str, pattern: str) -> bool:
    pattern = pattern.lower()
    if "*" not in pattern and "?" not in pattern:
        return name == pattern
    import re

    signs = {"*": ".*", "?": "."}
    return bool(re.fullmatch("".join(signs.get(one) or re.escape(one) for one in pattern), name))
