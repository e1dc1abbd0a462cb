from __future__ import annotations

from manifests.meta import ObjectMeta
from manifests.ref import Ref
from manifests.sync import DirectorySource, Sync, SyncName, SyncSource, SyncSpec
from reconciler import halting
from reconciler.targets.host import shutdown
from tests.unit.reconciler import builders


def sync(name: str, *depends_on: str) -> Sync:
    source = SyncSource(directory=DirectorySource(path="/srv"))
    first = tuple(SyncName(name=one) for one in depends_on)
    return Sync(metadata=ObjectMeta(name=name), spec=SyncSpec(source=source, depends_on=first))


def test_what_began_last_goes_first_and_pods_of_one_object_go_together() -> None:
    db, web, other = builders.pod("db"), builders.deployment(2), builders.pod("other")
    states = builders.applied(db, web, other)
    begun = {
        Ref(kind="Pod", namespace="default", name="db"): (0, 0),
        Ref(kind="Deployment", namespace="default", name="web"): (0, 1),
    }

    turns = halting.turns(states, begun)

    assert [[state.uid for state in turn] for turn in turns] == [
        ["uid-1", "uid-2"],
        ["uid-0", "uid-3"],
    ]


def test_what_a_sync_has_brought_goes_before_what_that_sync_depends_on() -> None:
    ranks = halting.ranks([sync("db"), sync("web", "db"), sync("other"), sync("edge", "web", "db")])

    assert ranks == {"sync db": 0, "sync web": 1, "sync other": 0, "sync edge": 2}


def test_pods_of_units_are_left_to_these() -> None:
    states = builders.applied(builders.pod("db"), builders.pod("web", supervisor="systemd"))

    assert [state.uid for state in halting.ours(states)] == ["uid-0"]


def test_a_pod_has_its_own_grace_within_what_is_left() -> None:
    quick = builders.spec().replace(termination_grace_period_seconds=2)
    slow = builders.spec().replace(termination_grace_period_seconds=600)
    states = builders.applied(builders.pod("quick", quick), builders.pod("slow", slow))

    assert halting.graces(states, 90.0) == {"uid-0": 2.0, "uid-1": 90.0}
    assert halting.graces(states, 0.0) == {"uid-0": 0.0, "uid-1": 0.0}


def test_systemd_gives_the_unit_longer_than_pods_have() -> None:
    said = shutdown.properties("/var/lib/podpy/hook")

    assert "ExecStop=/var/lib/podpy/hook internal halt" in said
    (limit,) = [one.partition("=")[2] for one in said if one.startswith("TimeoutStopSec=")]
    assert int(limit) > shutdown.SECONDS
