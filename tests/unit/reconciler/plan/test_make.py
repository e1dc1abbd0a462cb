"""reconciler.plan.make: from wish and host to the changes of objects, and to removals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from manifests.observed import NetworkState, Observed
from reconciler.plan import make
from reconciler.plan.change import Effect, Op, Plan, Reason
from reconciler.plan.wish import Wish
from reconciler.workloads.expand import expand
from tests.unit.reconciler.builders import (
    NOW,
    applied,
    claim,
    config_map,
    daemon_set,
    deployment,
    job,
    meta,
    network,
    pod,
    secret,
    spec,
)
from tests.unit.reconciler.planning import (
    LOGIN,
    SETTINGS,
    digest,
    ops,
    plan,
    reads,
    reasons,
    remembered,
)

if TYPE_CHECKING:
    from manifests.kinds import Object


def test_objects_come_in_the_order_of_their_kinds_each_with_its_pods() -> None:
    made = plan([job(), deployment(2), pod(), claim(), secret(), config_map(), network()])

    assert ops(made) == [
        ("create", "Network"),
        ("create", "ConfigMap"),
        ("create", "Secret"),
        ("create", "PersistentVolumeClaim"),
        ("create", "Pod"),
        ("create", "Deployment"),
        ("create", "Pod"),
        ("create", "Pod"),
        ("create", "Job"),
        ("create", "Pod"),
    ]


def test_applying_twice_keeps_everything() -> None:
    things: list[Object] = [
        network(),
        config_map(colour="red"),
        secret(password="x"),
        claim(),
        pod("bare", spec(volumes=[SETTINGS, LOGIN])),
        deployment(3),
        daemon_set("ds"),
        job(),
    ]
    configs = {f"{each.kind}/{each.metadata.name}": digest(each) for each in things[1:3]}
    pods = [
        state.replace(record=state.record.replace(configs=configs)) for state in applied(*things)
    ]
    front = NetworkState(name="front", driver="bridge")
    data = frozenset({("default", "data")})

    made = plan(
        things, pods, remembered(*things), networks={"front": front}, claims=data, prune=True
    )

    assert made.effective() == ()
    assert {change.op for change in made.changes} == {Op.KEEP}
    assert len(made.changes) == 7 + 1 + 3 + 1 + 1


def test_a_changed_config_map_follows_into_the_pods_that_show_it() -> None:
    things: list[Object] = [config_map(colour="blue"), reads(SETTINGS)]
    old = config_map(colour="red")
    pods = [
        state.replace(record=state.record.replace(configs={"ConfigMap/settings": digest(old)}))
        for state in applied(*things)
    ]

    made = plan(things, pods, remembered(old, things[1]))

    assert ops(made) == [("update", "ConfigMap"), ("update", "Pod")]
    assert reasons(made.changes[0]) == [".data.colour changed red -> blue (web.yaml:7)"]
    assert reasons(made.changes[1]) == [
        "ConfigMap/settings changed: its files in the pod follow (web.yaml:7)"
    ]


def test_a_secrets_values_are_in_no_reason() -> None:
    old, new = (
        secret(password="hunter2"),
        secret(password="hunter3").replace(string_data={"token": "hunter4"}),
    )
    things: list[Object] = [new, reads(LOGIN)]

    made = plan(things, applied(*things), remembered(old, things[1]))
    said = " ".join(text for change in made.changes for text in reasons(change))

    assert ops(made) == [("update", "Secret"), ("update", "Pod")]
    assert reasons(made.changes[0]) == ["its content changed (web.yaml:7)"]
    for value in ("hunter", "aHVudGVy"):
        assert value not in said
        assert value not in repr(made.changes)


def test_a_secrets_labels_are_told_and_its_values_still_are_not() -> None:
    old = secret(password="hunter2")
    new = secret(password="hunter3").replace(metadata=meta("login").replace(labels={"a": "b"}))

    change = plan([new], (), remembered(old)).changes[0]

    assert reasons(change) == ['.metadata.labels added: {"a": "b"} (web.yaml:7)']


def test_a_network_or_claim_lost_on_the_host_is_put_back() -> None:
    made = plan([network(), claim()], before=remembered(network(), claim()))

    assert [op for op, _ in ops(made)] == ["repair", "repair"]
    assert reasons(made.changes[0]) == ["the network is gone from the host"]
    assert reasons(made.changes[1]) == ["the claim's directory is gone from the host"]


def test_what_of_a_network_is_broken_is_the_reason_for_its_repair() -> None:
    broken = NetworkState(name="front", driver="bridge", drift=("its link is down",))

    change = plan([network()], before=remembered(network()), networks={"front": broken}).changes[0]

    assert (change.op, reasons(change)) == (Op.REPAIR, ["its link is down"])


def test_without_prune_what_left_the_source_is_kept_back_and_told() -> None:
    things: list[Object] = [pod(), deployment(name="old"), config_map()]

    made = plan([pod()], applied(*things[:2]), remembered(*things))

    assert made.effective() == ()
    assert {str(ref) for ref in made.kept_back} == {"Deployment/old", "ConfigMap/settings"}


def test_prune_removes_pods_first_and_what_they_use_last() -> None:
    things: list[Object] = [network(), config_map(), claim(), deployment(2), pod("bare")]

    made = plan([], applied(*things), remembered(*things), prune=True)

    assert ops(made) == [
        ("delete", "Pod"),
        ("delete", "Pod"),
        ("delete", "Pod"),
        ("delete", "Deployment"),
        ("delete", "PersistentVolumeClaim"),
        ("delete", "ConfigMap"),
        ("delete", "Network"),
    ]
    pods = {change.ref for change in made.changes[:3]}
    for change in made.changes:
        assert reasons(change)[0] == "no longer in the source"
        assert set(change.needs) == (set() if change.ref in pods else pods)
    assert made.kept_back == ()


def test_prune_forgets_a_pod_that_is_not_on_the_host() -> None:
    made = plan([], (), remembered(pod()), prune=True)

    assert [(change.op, change.uid) for change in made.changes] == [(Op.DELETE, "")]


def test_prune_touches_nothing_of_another_source_nor_of_none() -> None:
    others = {**remembered(pod(), applyset="other"), **remembered(deployment(), applyset="")}

    made = plan([], applied(pod(), deployment()), others, prune=True)

    assert made == Plan(changes=())


def test_without_a_source_nothing_is_pruned() -> None:
    wish = Wish(objects=(), prune=True, remembered=remembered(pod(), applyset=""))

    assert make.make(wish, expand([], (), NOW), Observed()) == Plan(changes=())


def test_prune_keeps_a_claims_data() -> None:
    change = plan([], before=remembered(claim()), prune=True).changes[0]

    assert change.effect is Effect.NONE
    assert reasons(change) == ["no longer in the source", "the claim's data is kept"]


def test_a_reason_reads_as_a_sentence() -> None:
    assert str(Reason(path=".a", old="1", new="2", where="f:1")) == ".a changed 1 -> 2 (f:1)"
    assert str(Reason(path=".a", new="2")) == ".a added: 2"
    assert str(Reason(path=".a", old="1")) == ".a removed: 1"
    assert str(Reason(text="lost", where="f:1")) == "lost (f:1)"
