"""Changes of Networks that would move the pods on them."""

from __future__ import annotations

import pytest

from manifests.config import Driver, NetworkSpec
from manifests.observed import NetworkState, Observed, PodRecord, PodState
from reconciler.plan import networks
from reconciler.plan.wish import Wish
from tests.unit.reconciler import builders
from tests.unit.reconciler.planning import wished

HERE = NetworkState(name="front", driver="bridge", subnet="10.64.0.0/16", gateway="10.64.0.1")


def refused(spec: NetworkSpec, *, on: str = "front", finished: bool = False) -> tuple[str, ...]:
    record = PodRecord(
        uid="u", pod=builders.pod("web"), spec_hash="", network=on, finished=finished
    )
    observed = Observed(pods=(PodState(record=record),), networks={"front": HERE})
    thing = builders.network().replace(spec=spec)
    return networks.refused(Wish(objects=(wished(thing),)), observed)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (NetworkSpec(subnet="10.65.0.0/16"), ".spec.subnet: cannot change from 10.64.0.0/16 to 1"),
        (NetworkSpec(gateway="10.64.0.9"), ".spec.gateway: cannot change from 10.64.0.1 to 10.64"),
        (NetworkSpec(driver=Driver.NONE), ".spec.driver: cannot change from bridge to none"),
    ],
)
def test_what_moves_pods_is_refused_with_their_names(spec: NetworkSpec, said: str) -> None:
    (told,) = refused(spec)

    assert told.startswith("web.yaml:7: Network/front .spec")
    assert said in told
    assert "Pod/default/web" in told or "Pod/web" in told
    assert refused(spec, on="other") == ()
    assert refused(spec, finished=True) == ()


@pytest.mark.parametrize(
    "spec",
    [
        NetworkSpec(),
        NetworkSpec(mtu=1400, internal=True),
        NetworkSpec(subnet="10.64.0.0/16", gateway="10.64.0.1"),
    ],
)
def test_other_changes_are_made(spec: NetworkSpec) -> None:
    assert refused(spec) == ()
