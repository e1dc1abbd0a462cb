"""Bring a pod up: step after step of reconciler.targets.host.sync, until it runs, and why not."""

from __future__ import annotations

import os
import time

from manifests import kinds
from manifests.faults import HostFault, NotReady
from manifests.observed import Phase, Stage
from reconciler.health import readiness, readying
from reconciler.targets.host import sync
from reconciler.workloads import lifecycle
from reconciler.workloads.ownership import owner_in
from runtime import interrupts
from runtime.kernel import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from manifests.observed import PodState
    from reconciler.targets.host.base import Base
    from reconciler.workloads.lifecycle import Decision
    from runtime.kernel.inside import Inside

_POLL_SECONDS = 0.05
"""How often what another process's probes have found is looked at."""


def bring_up(base: Base, uid: str, inside: Inside | None = None) -> None:
    """Take the pod on until it runs or has ended well; raise what keeps it from that.

    A Job's may end in any way: the Job counts its failures, and has others made.
    NotReady when it does not run after base.start_seconds: it is left to go on by itself.
    """
    deadline = time.monotonic() + base.start_seconds
    with readying.probing(base) as probe:
        _bring_up(base, uid, inside, deadline, probe)


def _bring_up(
    base: Base,
    uid: str,
    inside: Inside | None,
    deadline: float,
    probe: Callable[[Iterable[str], float], None],
) -> None:
    while True:
        stepped = sync.step(base, uid, inside)
        if stepped is None:
            return
        state, decision = stepped
        if decision.phase is Phase.FAILED and not (_begun(state) or _is_jobs(state)):
            why = lifecycle.MESSAGES.get(decision.reason) or _init_failure(state)
            raise HostFault(f"{_name(state)}: {why}")
        if decision.phase is not Phase.PENDING:
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise NotReady(
                f"{_name(state)}: does not run after {base.start_seconds:g} s: "
                f"{_waits_for(state, decision)}",
                hint=f"podpy logs {state.pod.metadata.name}; podpy describe pod "
                f"{state.pod.metadata.name}",
            )
        if decision.unstarted:
            probe([uid], min(left, _POLL_SECONDS))
        else:
            _wait(state, decision, left)


def _begun(state: PodState) -> bool:
    return any(
        state.containers[container.name].stage is not Stage.ABSENT
        for container in state.pod.spec.containers
    )


def _is_jobs(state: PodState) -> bool:
    owner = owner_in(state.record)
    return owner is not None and owner.kind == "Job"


def _name(state: PodState) -> str:
    return str(kinds.ref(state.pod))


def _init_failure(state: PodState) -> str:
    for container in state.pod.spec.init_containers:
        ended = state.containers[container.name].ended
        if ended is not None and ended.exit_code != 0:
            return (
                f"init container {container.name} failed with exit code {ended.exit_code} "
                f"({ended.reason})"
            )
    return "an init container failed"


def _waits_for(state: PodState, decision: Decision) -> str:
    if decision.waiting_for:
        return f"init container {', '.join(decision.waiting_for)} is still running"
    if decision.unstarted:
        return readiness.why_not(state)
    return _init_failure(state)


def _wait(state: PodState, decision: Decision, left: float) -> None:
    """Wait until an awaited init container ends, a back-off is over, or `left` seconds passed."""
    interrupts.check(_name(state))
    left = min(left, interrupts.CHECK_SECONDS)
    if decision.wake_at is not None:
        left = min(left, max(decision.wake_at - time.time(), 0.0))
    opened = [
        descriptor
        for name in decision.waiting_for
        # A container that has just died runs until conmon has noted how, and has no process then.
        if (pid := state.containers[name].pid) and (descriptor := processes.opened(pid)) is not None
    ]
    try:
        if opened:
            processes.wait(opened, left)
            # conmon writes how the container ended about two milliseconds after it did.
            time.sleep(0.003)
        else:
            time.sleep(min(left, 0.02) if decision.waiting_for else left)
    finally:
        for descriptor in opened:
            os.close(descriptor)
