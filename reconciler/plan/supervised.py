"""Say what would take a pod from systemd, whose units start and stop its containers. Pure.

Such pods are made, ended and replaced by their units alone (reconciler.units).
"""

from __future__ import annotations

from manifests import kinds, settings
from manifests.faults import Invalid
from manifests.pod import Pod
from reconciler.workloads.ownership import belongs_to
from renderers import unit_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from manifests.observed import Observed, PodState
    from manifests.ref import Ref
    from reconciler.plan.wish import Wish
    from reconciler.workloads.expand import Expansion


def is_supervised(pod: Pod) -> bool:
    """Tell whether the pod is meant for units of systemd's."""
    return pod.metadata.annotations.get(settings.SUPERVISOR) == settings.SYSTEMD


def refuse_wished(wish: Wish, expansion: Expansion, observed: Observed) -> None:
    """Raise Invalid where a wish names pods that systemd runs, or is to run."""
    theirs = {kinds.ref(state.pod) for state in observed.pods if state.record.supervised}
    where = {item.ref: item.where for item in wish.objects}
    taken = [
        f"{where.get(wanted.of, '')}: {kinds.ref(wanted.pod)} is run by units of systemd's"
        for wanted in expansion.pods
        if is_supervised(wanted.pod) or kinds.ref(wanted.pod) in theirs
    ]
    if taken:
        raise Invalid("\n".join(taken), hint="systemctl list-units 'podpy-*'")


def refuse_removal(refs: Collection[Ref], states: Iterable[PodState]) -> None:
    """Raise Invalid where the removal of these objects would remove pods that systemd runs."""
    services = [
        unit_names.pod_service(state.pod.metadata.namespace, state.pod.metadata.name)
        for state in states
        if state.record.supervised
        and not {belongs_to(state), kinds.ref(state.pod)}.isdisjoint(refs)
    ]
    if services:
        raise Invalid(
            f"systemd runs what is to go: {', '.join(services)}",
            hint=f"systemctl disable --now {' '.join(services)}",
        )
