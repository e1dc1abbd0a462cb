"""Check metadata: names by kind, labels, annotations and their sizes."""

from __future__ import annotations

from manifests import kinds, ordering, settings
from manifests.checks import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.checks.findings import Findings
    from manifests.codec import Path
    from manifests.kinds import Object

ANNOTATIONS_SIZE = 256 * 1024
"""Bytes of all annotations of an object, keys and values."""

_LABEL_NAMED = frozenset({"Namespace", "Network", "Sync"})


def check(thing: Object, findings: Findings) -> None:
    """Check an object's own metadata. A missing name is named as what it is."""
    meta = thing.metadata
    judge = names.dns_label if thing.kind in _LABEL_NAMED else names.dns_subdomain
    findings.unless(judge(meta.name), ("metadata", "name"))
    if meta.namespace:
        findings.unless(names.dns_label(meta.namespace), ("metadata", "namespace"))
    check_labels(meta.labels, ("metadata", "labels"), findings)
    check_annotations(meta.annotations, ("metadata", "annotations"), findings)
    if thing.kind != "Pod" and settings.HOSTS in meta.annotations:  # a pod's are checked with it
        where = ("metadata", "annotations", settings.HOSTS)
        findings.unless(settings.fault(settings.HOSTS, meta.annotations[settings.HOSTS]), where)
    if not meta.annotations.keys().isdisjoint(settings.ORDER):
        for key, message in ordering.faults(thing):
            findings.add(("metadata", "annotations", key), message)
    _check_template(thing, findings)


def _check_template(thing: Object, findings: Findings) -> None:
    """What orders objects says nothing in a template."""
    part = kinds.pod_part(thing)
    if part is None or part[0] is thing.metadata:
        return
    for key in part[0].annotations.keys() & set(settings.ORDER):
        where = (*part[2][:-1], "metadata", "annotations", key)
        findings.add(where, f"belongs on the {thing.kind} itself, not on its template")


def check_labels(labels: Mapping[str, str], path: Path, findings: Findings) -> None:
    for key, value in labels.items():
        findings.unless(names.qualified(key), (*path, key))
        findings.unless(names.label_value(value), (*path, key))


def check_annotations(annotations: Mapping[str, str], path: Path, findings: Findings) -> None:
    size = 0
    for key, value in annotations.items():
        findings.unless(names.qualified(key.lower()), (*path, key))
        size += len(key.encode()) + len(value.encode())
    if size > ANNOTATIONS_SIZE:
        findings.add(path, f"must be no more than {ANNOTATIONS_SIZE} bytes in all; they are {size}")
