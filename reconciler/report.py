"""What a pass came to: the answer of reconciler.cycle and reconciler.removing to commands."""

from __future__ import annotations

from manifests.value import EMPTY, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from manifests.ref import Ref
    from reconciler.execute.run import Outcome
    from reconciler.plan.change import Plan
    from reconciler.workloads.jobs import Progress


class Report(Value):
    """What a pass came to. `rebuilt`: the database had been lost, so nothing was pruned.

    `refused`: nothing was done, since something of it could not be made. `rolled_back`: nothing of
    it was kept. `restored` says what was put back, there or for single objects that failed.
    `progress` is how far Jobs were when it began. `held` are objects that wait for others,
    `rolling` workloads with old pods that a later pass is to replace.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...] = ()
    progress: Mapping[Ref, Progress] = EMPTY
    refused: bool = False
    rolled_back: bool = False
    restored: tuple[Outcome, ...] = ()
    rebuilt: bool = False
    held: tuple[Ref, ...] = ()
    rolling: tuple[Ref, ...] = ()

    @property
    def failed(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.fault is not None)
