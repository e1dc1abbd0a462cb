"""Say which changes of Networks cannot be made while pods are on them. Pure.

A pod keeps its address and its name server's for good. MTU and `internal` change in place.
"""

from __future__ import annotations

from manifests import kinds
from manifests.config import Driver, Network
from reconciler.plan.diff import Difference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from manifests.observed import NetworkState, Observed
    from reconciler.plan.wish import Wish


def refused(wish: Wish, observed: Observed) -> tuple[str, ...]:
    """Return one line for each Network that would move pods: where, what, and whose."""
    found = []
    for item in wish.objects:
        thing = item.object
        here = observed.networks.get(thing.metadata.name) if isinstance(thing, Network) else None
        if here is None or not isinstance(thing, Network):
            continue
        pods = [
            str(kinds.ref(state.pod))
            for state in observed.pods
            if state.record.network == here.name and not state.record.finished
        ]
        for change in _moves(thing, here) if pods else ():
            where = item.where_of(change.steps)
            found.append(
                f"{where}: {item.ref} {change.path}: cannot change from {change.old} to "
                f"{change.new} while pods are on the network: {', '.join(pods)}"
            )
    return tuple(found)


def _moves(wanted: Network, here: NetworkState) -> Iterator[Difference]:
    spec = wanted.spec
    if spec.driver is not Driver.BRIDGE:
        yield Difference(path=".spec.driver", old=here.driver, new=spec.driver)
        return
    for field in ("subnet", "gateway"):
        old, new = getattr(here, field), getattr(spec, field)
        if new and new != old:
            yield Difference(path=f".spec.{field}", old=old, new=new)
