"""Find out, before anything is changed, what of a plan cannot be done: a run in, faults noted.

    the host        can it make pods at all? else nothing of the plan is done
    images          pulled where they are missing
    each pod        all that making it looks up: volumes, references, addresses, ports of the host

Called by reconciler.cycle. A plan that makes no pods is not looked at: what only removes must be
possible where nothing can be made.
"""

from __future__ import annotations

import time
from functools import partial

from manifests.faults import Fault, HostFault, Unfit
from reconciler.execute import pool
from reconciler.execute.images import out_of_reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from manifests.ref import Ref
    from reconciler.execute.run import Run
    from reconciler.plan.change import Change

PULLS_AT_ONCE = 4


def vet(this: Run, *, whole: bool = False, piecemeal: bool = False) -> None:
    """Fail the changes whose pods could not be made; changes nothing that runs.

    Raises Unfit where the host can make none; with `piecemeal` only what makes some fails then.
    Pods that replace none are looked at where the run is careful, or the plan is to be taken as a
    `whole`; the start of others will tell. Images are pulled for those that are looked at.
    """
    making = [change for change in (*this.early, *this.late) if change.ref not in this.failed]
    if making and not _fit(this, making, piecemeal=piecemeal):
        return
    every = whole or this.careful
    wanted = [one for one in making if every or one in this.beside or one in this.late]
    # What waits for others is not made now, but it is to be known that its images can be had.
    later = [change for change in this.held if change.pod] if whole else []
    if not wanted and not later:
        return
    started = time.monotonic()
    ids = _pulled(this, [*wanted, *later], started)
    _note(this, [change for change in wanted if change.ref not in this.failed], ids, started)


def keeps_back(fault: Fault) -> bool:
    """Tell whether a fault of `vet` is no fault of what was asked for: this host or a registry is
    in the way, and later nothing may be."""
    return isinstance(fault, HostFault) or out_of_reach(fault)


def _fit(this: Run, making: list[Change], *, piecemeal: bool) -> bool:
    """Tell whether the host can make pods."""
    started = time.monotonic()
    faults = this.target.unfit([one.pod for one in making if one.pod is not None])
    if not faults:
        return True
    if not piecemeal:
        raise Unfit((*faults, *_others(this, making)))
    for change in making:
        this.ended(change, started, Unfit(faults, about=str(change.ref)))
    return False


def _others(this: Run, making: list[Change]) -> Iterable[Fault]:
    """What is wrong with single pods beside: somebody who mends the host is told all at once."""
    try:
        return _checked(this, making, {}).values()
    except Fault as fault:  # A full disk, say, of which `unfit` has told.
        return (fault,)


def _pulled(this: Run, changes: list[Change], started: float) -> dict[str, str]:
    """Have the images of these changes; return their ids, and fail what one is missing of."""
    names = sorted({name for change in changes for name in this.images.of(change)})
    pulled = pool.run([partial(this.images.get, name) for name in names], PULLS_AT_ONCE)
    found = dict(zip(names, pulled, strict=True))
    for change in changes:
        fault = next(
            (one for name in this.images.of(change) if isinstance(one := found[name], Fault)), None
        )
        if fault is not None:
            this.ended(change, started, fault)
    return {name: one for name, one in found.items() if isinstance(one, str)}


def _note(this: Run, changes: list[Change], ids: dict[str, str], started: float) -> None:
    refused = _checked(this, changes, ids)
    for change in changes:
        if change.ref in refused:
            this.ended(change, started, refused[change.ref])


def _checked(this: Run, changes: list[Change], ids: dict[str, str]) -> dict[Ref, Fault]:
    leaving = {change.uid for change in this.leaving()}
    pods = [change.pod for change in changes if change.pod is not None]
    return dict(this.target.check(pods, ids, leaving))
