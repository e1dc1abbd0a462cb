"""Wait until pods are ready, and run their probes meanwhile where nobody else does.

Called by passes that are to end with what they made in use. Uids in, what is not ready out.
"""

from __future__ import annotations

import contextlib
import time

from manifests.observed import Phase
from reconciler.health import readiness
from reconciler.workloads import lifecycle
from runtime import interrupts
from runtime.observe import health, pods, records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from manifests.faults import Fault
    from manifests.ref import Ref
    from reconciler.health.prober import Prober
    from reconciler.targets.host.base import Base

TURN_SECONDS = 0.1
_OVER = (Phase.SUCCEEDED, Phase.FAILED)


def until_ready(base: Base, uids: Collection[str], seconds: float) -> dict[str, str]:
    """Return when all these pods are ready, or `seconds` are over: uid -> why it is not.

    A pod that has ended for good, well or not, or is gone is not waited for. Raises Interrupted.
    """
    deadline = time.monotonic() + seconds
    with probing(base) as turn:
        while (left := unready(base, uids)) and time.monotonic() < deadline:
            turn(uids, TURN_SECONDS)
    return left


def until_told(
    base: Base, refs: Collection[Ref], look: Callable[[], tuple[dict[Ref, Fault] | None, list[str]]]
) -> dict[Ref, Fault]:
    """Ask `look` until it tells which of `refs` are given up, and why: {} where one may go on.

    While it tells None, the probes of the pods run that it names beside. A signal gives all up.
    """
    with interrupts.noticed(), probing(base) as turn:
        while True:
            told, uids = look()
            if told is not None:
                return told
            try:
                turn(uids, TURN_SECONDS)
            except interrupts.Interrupted as fault:
                return {ref: interrupts.Interrupted(f"{ref}: {fault}") for ref in refs}


@contextlib.contextmanager
def probing(base: Base) -> Iterator[Callable[[Iterable[str], float], None]]:
    """Give what runs the probes of the pods of some uids, for so many seconds or until one is done.

    Where none of them has probes it sleeps. It raises Interrupted when a signal was noted, and what
    `base.overtaken` raises.
    """
    made: list[Prober] = []

    def turn(uids: Iterable[str], seconds: float) -> None:
        base.overtaken()
        wanted = frozenset(uid for uid in uids if _has_probes(base, uid))
        if not wanted:
            interrupts.sleep(seconds)
            return
        from reconciler.health.prober import COMMAND, Prober

        if not made:
            made.append(Prober(base, COMMAND))
        interrupts.check()
        made[0].watch(wanted)
        made[0].turn(seconds)

    try:
        yield turn
    finally:
        for prober in made:
            prober.close()


def _has_probes(base: Base, uid: str) -> bool:
    record = records.read_pod(base.paths, uid)
    return record is not None and health.has_probes(record.pod)


def unready(base: Base, uids: Collection[str]) -> dict[str, str]:
    """Return those of the pods that are to be ready and are not, with why."""
    found: dict[str, str] = {}
    for uid in uids:
        record = records.read_pod(base.paths, uid)
        if record is None or record.deleting or record.finished or record.held:
            continue
        state = pods.state_of(base.paths, record, base.cgroups)
        if lifecycle.of_pod(state, time.time()).phase in _OVER:
            continue
        why = readiness.why_not(state)
        if why:
            from reconciler.health import assess

            found[uid] = assess.of_pod(state, time.time()).why or why
    return found
