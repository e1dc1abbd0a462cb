"""Say what of an object may not change while it exists: `immutable_changes(old, new)`. Pure.

Pods are not here: podpy makes a changed pod anew, where the API server refuses the change.
"""

from __future__ import annotations

from manifests.checks.findings import Findings
from manifests.config import ConfigMap, PersistentVolumeClaim, Secret
from manifests.workloads import DaemonSet, Deployment, Job, ReplicaSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.codec import Flaw
    from manifests.kinds import Object

_AGAIN = "cannot change; delete the {kind} and apply it again"


def immutable_changes(
    old: Object, new: Object, *, content_changed: bool | None = None
) -> tuple[Flaw, ...]:
    """Return the changes from `old` to `new`, two states of one object, that are not allowed.

    Both have their defaults. `content_changed` tells it of ConfigMaps and Secrets whose old
    content is not at hand; None compares.
    """
    findings = Findings()
    lasting = (Deployment, ReplicaSet, DaemonSet)
    if isinstance(old, lasting) and isinstance(new, lasting):
        if old.spec.selector != new.spec.selector:
            findings.add(("spec", "selector"), _AGAIN.format(kind=new.kind))
    elif isinstance(old, Job) and isinstance(new, Job):
        if old.spec.template != new.spec.template:
            findings.add(("spec", "template"), _AGAIN.format(kind="Job"))
        # Left out beside one pod at a time it is 1, and stays that when more may run at once.
        before, after = (
            1 if n is None else n for n in (old.spec.completions, new.spec.completions)
        )
        if before != after:
            findings.add(("spec", "completions"), _AGAIN.format(kind="Job"))
    elif isinstance(old, (ConfigMap, Secret)) and isinstance(new, (ConfigMap, Secret)):
        _check_content(old, new, findings, content_changed)
    elif isinstance(old, PersistentVolumeClaim) and isinstance(new, PersistentVolumeClaim):
        _check_claim(old, new, findings)
    return tuple(findings.flaws)


def _check_content(
    old: ConfigMap | Secret,
    new: ConfigMap | Secret,
    findings: Findings,
    content_changed: bool | None,
) -> None:
    if isinstance(old, Secret) and isinstance(new, Secret) and old.type != new.type:
        findings.add(("type",), _AGAIN.format(kind="Secret"))
    if not old.immutable:
        return
    if not new.immutable:
        findings.add(("immutable",), f"cannot be taken back; {_AGAIN.format(kind=new.kind)}")
    changed = old.content() != new.content() if content_changed is None else content_changed
    if changed:
        message = f"cannot change while immutable is true; delete the {new.kind} first"
        findings.add(("data",), message)


def _check_claim(
    old: PersistentVolumeClaim, new: PersistentVolumeClaim, findings: Findings
) -> None:
    if not old.spec.access_modes:
        return  # kube play made it for a pod, and nobody has said yet what it is to be
    for field, wire in (
        ("access_modes", "accessModes"),
        ("storage_class_name", "storageClassName"),
        ("volume_mode", "volumeMode"),
    ):
        if getattr(old.spec, field) != getattr(new.spec, field):
            findings.add(("spec", wire), "of a claim cannot change: delete it, data and all, first")
    before = old.spec.resources.requests.get("storage")
    after = new.spec.resources.requests.get("storage")
    if before is None or after is None or not (before.valid() and after.valid()):
        return
    if after.whole() < before.whole():
        message = f"a claim can only grow; it is {before} now"
        findings.add(("spec", "resources", "requests", "storage"), message)
