"""Restarts of workloads: the mark that `rollout restart` leaves in templates, as kubectl. Pure.

    kubectl.kubernetes.io/restartedAt: "2026-01-31T08:00:00Z"

A template with another mark is another template, so its pods are replaced as for any change. The
mark is in no manifest: what is applied again takes it over from what was applied before, as
`kubectl apply` leaves alone what it has not set. A manifest that has one of its own decides.
"""

from __future__ import annotations

import time

from manifests.workloads import DaemonSet, Deployment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from manifests.kinds import Object

    Rolling = Deployment | DaemonSet

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
KINDS = ("Deployment", "DaemonSet")


def mark(now: float) -> str:
    """Return the mark of a restart at `now`, seconds since the epoch."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))


def mark_of(thing: Object) -> str:
    """Return the mark of a workload's last restart, "" where there was none."""
    if not isinstance(thing, Deployment | DaemonSet):
        return ""
    return thing.spec.template.metadata.annotations.get(RESTARTED_AT, "")


def marked(thing: Rolling, at: str) -> Rolling:
    """Return the workload as it is after the restart that has this mark."""
    template = thing.spec.template
    annotations = {**template.metadata.annotations, RESTARTED_AT: at}
    template = template.replace(metadata=template.metadata.replace(annotations=annotations))
    return thing.replace(spec=thing.spec.replace(template=template))


def taken_over(thing: Object, before: Object) -> Object:
    """Return what is to be applied, with the mark that what was applied `before` has."""
    at = mark_of(before)
    if at and not mark_of(thing) and isinstance(thing, Deployment | DaemonSet):
        return marked(thing, at)
    return thing
