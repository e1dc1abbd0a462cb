"""Find a pod as users name it: its name, an alias, an id, or the workload that it belongs to."""

from __future__ import annotations

from manifests.faults import Invalid
from manifests.meta import DEFAULT_NAMESPACE
from runtime.observe import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.observed import PodRecord
    from runtime.paths import Paths


def pod(paths: Paths, word: str, namespace: str) -> PodRecord:
    """Return the one pod that `word` names: NAME, pod/NAME, deploy/NAME, or an alias.

    Of a workload's pods the first by name is taken, as kubectl does. Raises Invalid when none is.
    """
    place = namespace or DEFAULT_NAMESPACE
    kind, slash, name = word.partition("/")
    if not slash:
        kind, name = "pod", word
    found = [
        record
        for record in records.read_pods(paths)
        if record.pod.metadata.namespace == place and _is_named(record, kind, name)
    ]
    if not found:
        raise Invalid(f'there is no {kind} "{name}" in namespace {place}', hint="podpy get pods -A")
    return min(found, key=lambda record: record.pod.metadata.name)


def _is_named(record: PodRecord, kind: str, name: str) -> bool:
    metadata = record.pod.metadata
    if kind in ("pod", "pods", "po"):
        return name == metadata.name or name in record.aliases
    from podpy import names

    wanted = names.kind(kind).kind
    return any(owner.kind == wanted and owner.name == name for owner in metadata.owner_references)


def container(record: PodRecord, name: str) -> str:
    """Return the name of the container that is meant: `name`, or the pod's default one."""
    spec = record.pod.spec
    known = [one.name for one in (*spec.containers, *spec.init_containers)]
    default = record.pod.metadata.annotations.get("kubectl.kubernetes.io/default-container", "")
    wanted = name or (default if default in known else known[0])
    if wanted not in known:
        raise Invalid(
            f'pod {record.pod.metadata.name} has no container "{wanted}"',
            hint=f"its containers: {', '.join(known)}",
        )
    return wanted
