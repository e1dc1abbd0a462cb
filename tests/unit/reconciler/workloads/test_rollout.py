"""reconciler.workloads.rollout: the steps in which old pods give way to new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.container import ContainerPort
from manifests.volumes import ClaimVolume, Volume
from manifests.workloads import (
    DaemonSetRollingUpdate,
    DaemonSetStrategyType,
    DaemonSetUpdateStrategy,
    DeploymentStrategy,
    RollingUpdate,
    StrategyType,
)
from reconciler.workloads import rollout
from reconciler.workloads.expand import Manner, expand
from reconciler.workloads.rollout import Bounds, One, Scene
from tests.unit.reconciler.builders import (
    NOW,
    applied,
    container,
    daemon_set,
    deployment,
    spec,
    template,
)

if TYPE_CHECKING:
    from manifests.pod import PodTemplate


def strategy(surge: int | str, unavailable: int | str) -> DeploymentStrategy:
    rolling = RollingUpdate(max_surge=surge, max_unavailable=unavailable)
    return DeploymentStrategy(rolling_update=rolling)


def ones(prefix: str, count: int, ready: int | None = None, created_at: float = 0.0) -> list[One]:
    """`count` pods of which the first `ready` are ready since they were made; all if left out."""
    return [
        One(
            uid=f"{prefix}{number}",
            created_at=created_at + number,
            ready_since=created_at if ready is None or number < ready else None,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        # Kubernetes' documentation: 25 % of 10 is 3 beyond, rounded up, and 2 short, rounded down.
        (10, "25%", "25%", (3, 2)),
        (10, "30%", "30%", (3, 3)),
        (4, "25%", "25%", (1, 1)),
        (3, "25%", "25%", (1, 0)),
        (1, "25%", "25%", (1, 0)),
        (5, 2, 0, (2, 0)),
        (3, 0, "10%", (0, 1)),
        (0, "25%", "25%", (0, 1)),
        (3, "100%", "100%", (3, 3)),
    ],
)
def test_percentages_are_rounded_as_kubernetes_does(
    replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]
) -> None:
    thing = deployment(replicas)
    thing = thing.replace(spec=thing.spec.replace(strategy=strategy(surge, unavailable)))
    found = rollout.bounds(thing)

    assert found is not None
    assert (found.surge, found.unavailable) == expected


def test_without_a_strategy_a_deployment_rolls_a_quarter_at_a_time() -> None:
    assert rollout.bounds(deployment(8)) == Bounds(surge=2, unavailable=2)


def test_recreate_is_no_rollout() -> None:
    thing = deployment(3)
    recreate = DeploymentStrategy(type=StrategyType.RECREATE)

    assert rollout.bounds(thing.replace(spec=thing.spec.replace(strategy=recreate))) is None


def test_a_daemon_sets_old_pod_goes_first_unless_it_may_surge() -> None:
    thing = daemon_set()
    rolling = DaemonSetRollingUpdate(max_surge="10%", max_unavailable=0)
    surging = DaemonSetUpdateStrategy(rolling_update=rolling)

    assert rollout.bounds(thing) == Bounds(surge=0, unavailable=1)
    surged = thing.replace(spec=thing.spec.replace(update_strategy=surging))
    assert rollout.bounds(surged) == Bounds(surge=1, unavailable=0)


@pytest.mark.parametrize(
    ("old", "new", "ready", "within", "expected"),
    [
        # replicas 4, one beyond and one short: one old pod goes at once, and two new ones come.
        (4, 0, 0, (1, 1), (3, 2, 1)),
        (3, 2, 0, (1, 1), (3, 2, 0)),
        (3, 2, 1, (1, 1), (2, 3, 0)),
        (3, 2, 2, (1, 1), (1, 4, 0)),
        (1, 4, 2, (1, 1), (1, 4, 0)),
        (1, 4, 3, (1, 1), (0, 4, 0)),
        # only beyond: nothing goes before a new pod is ready
        (4, 0, 0, (1, 0), (4, 1, 1)),
        (4, 1, 0, (1, 0), (4, 1, 0)),
        (4, 1, 1, (1, 0), (3, 2, 0)),
        (4, 0, 0, (4, 0), (4, 4, 4)),
        (4, 4, 3, (4, 0), (1, 4, 0)),
        # only short: each new pod waits for an old one to go
        (4, 0, 0, (0, 1), (3, 1, 0)),
        (3, 1, 0, (0, 1), (3, 1, 0)),
        (3, 1, 1, (0, 1), (2, 2, 0)),
        # all short
        (4, 0, 0, (0, 4), (0, 4, 0)),
    ],
)
def test_a_step_of_four_replicas(
    old: int, new: int, ready: int, within: tuple[int, int], expected: tuple[int, int, int]
) -> None:
    scene = Scene(replicas=4, old=ones("o", old), new=ones("n", new, ready))
    step = rollout.step(scene, Bounds(surge=within[0], unavailable=within[1]), NOW)

    assert (len(step.kept), step.new, step.beside) == expected


@pytest.mark.parametrize("replicas", [1, 2, 3, 5, 10])
@pytest.mark.parametrize(("surge", "unavailable"), [(0, 1), (1, 0), (1, 1), (2, 3), (10, 0)])
def test_a_rollout_ends_and_keeps_within_its_bounds(
    replicas: int, surge: int, unavailable: int
) -> None:
    within = Bounds(surge=surge, unavailable=min(unavailable, replicas))
    old, new, steps = ones("o", replicas), list[One](), 0
    while True:
        step = rollout.step(Scene(replicas=replicas, old=old, new=new), within, NOW)
        old = [one for one in old if one.uid in step.kept]
        assert len(old) + len(new) >= replicas - within.unavailable
        new = ones("n", step.new)
        assert len(old) + len(new) <= replicas + within.surge
        steps += 1
        if not step.waits_for:
            break
        assert steps <= 2 * replicas + 1

    assert (len(old), len(new)) == (0, replicas)


def test_old_pods_that_serve_nobody_go_first() -> None:
    old = [*ones("o", 2), *ones("x", 2, ready=0)]
    within = Bounds(surge=1, unavailable=1)
    step = rollout.step(Scene(replicas=4, old=old, new=()), within, NOW)

    assert step.kept == ("x1", "o0", "o1")


def test_new_pods_that_never_become_ready_leave_the_old_ones() -> None:
    within = Bounds(surge=1, unavailable=1)
    scene = Scene(
        replicas=4, old=ones("o", 3), new=ones("n", 2, ready=0, created_at=NOW - 600), deadline=600
    )

    assert not rollout.step(scene, within, NOW).overdue
    late = rollout.step(scene, within, NOW + 2)
    assert late.overdue
    assert late.kept == ("o0", "o1", "o2")
    assert late.waits_for == "0 of 4 new pods are available, 3 old ones stay until then"


def test_a_pod_that_becomes_ready_prolongs_the_deadline() -> None:
    new = [*ones("n", 1, created_at=NOW), *ones("m", 1, ready=0, created_at=NOW - 700)]
    scene = Scene(replicas=2, old=(), new=new, deadline=600)
    step = rollout.step(scene, Bounds(surge=1, unavailable=0), NOW + 1)

    assert not step.overdue
    assert step.wake_at == NOW + 600


def test_a_pod_is_available_when_it_has_been_ready_for_min_ready_seconds() -> None:
    scene = Scene(replicas=1, old=ones("o", 1), new=ones("n", 1, created_at=NOW), min_ready=10)
    within = Bounds(surge=1, unavailable=0)

    early = rollout.step(scene, within, NOW + 9)
    assert (early.kept, early.wake_at) == (("o0",), NOW + 10)
    assert rollout.step(scene, within, NOW + 10) == rollout.Step(new=1)


def test_a_held_rollout_scales_and_replaces_nothing() -> None:
    assert rollout.paused(Scene(replicas=2, old=ones("o", 2), new=())).new == 0
    down = rollout.paused(Scene(replicas=1, old=ones("o", 2), new=()))
    assert (down.kept, down.new) == (("o1",), 0)
    up = rollout.paused(Scene(replicas=4, old=ones("o", 2), new=ones("n", 1)))
    assert (up.kept, up.again, up.new) == (("o0", "o1"), 0, 2)


def test_a_held_rollout_makes_lost_pods_again_as_they_were() -> None:
    states = applied(deployment(2))
    thing = deployment(3, template(spec(container(image="redis"))))
    thing = thing.replace(spec=thing.spec.replace(paused=True))
    pods = expand([thing], states, NOW, manner=ALONE).pods

    assert [pod.uid for pod in pods] == ["uid-0", "uid-1", ""]
    assert {pod.pod.spec for pod in pods} == {states[0].pod.spec}
    assert {pod.spec_hash for pod in pods} == {states[0].record.spec_hash}
    assert len({pod.pod.metadata.name for pod in pods}) == 3


def on_port(number: int, word: str) -> PodTemplate:
    port = ContainerPort(container_port=80, host_port=number)
    return template(spec(container(image=word).replace(ports=(port,))))


def on_claim(word: str) -> PodTemplate:
    source = ClaimVolume(claim_name="data")
    volume = Volume(name="v", persistent_volume_claim=source)
    return template(spec(container(image=word), volumes=[volume]))


ALONE = Manner(shared=lambda _claim: False)


@pytest.mark.parametrize(
    ("old", "new", "manner", "why"),
    [
        (on_port(80, "a"), on_port(80, "b"), ALONE, "port 80/TCP of this host can be had once"),
        (on_port(80, "a"), on_port(81, "b"), ALONE, ""),
        (on_claim("a"), on_claim("b"), ALONE, "claim data is written by one pod at a time"),
        (on_claim("a"), on_claim("b"), Manner(shared=lambda _claim: True), ""),
    ],
    ids=["same port", "other port", "claim", "claim of many"],
)
def test_what_cannot_run_twice_on_one_host_goes_first(
    old: PodTemplate, new: PodTemplate, manner: Manner, why: str
) -> None:
    expansion = expand([deployment(1, new)], applied(deployment(1, old)), NOW, manner=manner)
    (step,) = expansion.rollouts.values()

    assert step.note == (f"old pods go first: {why}" if why else "")
    assert [pod.uid for pod in expansion.pods] == ([""] if why else ["uid-0", ""])


def test_replicas_that_share_a_claim_may_do_so_in_a_rollout() -> None:
    states = applied(deployment(2, on_claim("a")))
    expansion = expand([deployment(2, on_claim("b"))], states, NOW, manner=ALONE)

    assert [pod.uid for pod in expansion.pods] == ["uid-0", "uid-1", ""]


def test_a_daemon_sets_pod_stays_until_it_is_deleted_where_that_is_asked_for() -> None:
    old, new = daemon_set(), daemon_set()
    by_hand = DaemonSetUpdateStrategy(type=DaemonSetStrategyType.ON_DELETE)
    changed = template(spec(container(image="redis")))
    new = new.replace(spec=new.spec.replace(template=changed, update_strategy=by_hand))

    assert [one.uid for one in expand([new], applied(old), NOW, manner=ALONE).pods] == ["uid-0"]
    assert [one.uid for one in expand([new], (), NOW, manner=ALONE).pods] == [""]


def test_without_old_pods_there_is_no_rollout() -> None:
    assert not expand([deployment(2)], (), NOW, manner=ALONE).rollouts
    assert not expand([deployment(2)], applied(deployment(2)), NOW, manner=ALONE).rollouts
