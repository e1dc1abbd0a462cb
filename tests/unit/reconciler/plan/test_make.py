"""reconciler.plan.make and .pods: from wish and host to changes with their reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests import kinds
from manifests.container import EnvVar
from manifests.observed import Drift, Mend, NetworkState, Observed, PodState
from manifests.pod import RestartPolicy
from manifests.ref import Ref
from manifests.value import EMPTY
from manifests.volumes import ClaimVolume, ConfigMapVolume, SecretVolume, Volume
from reconciler.plan import make
from reconciler.plan.change import Change, Effect, Op, Plan, Reason
from reconciler.plan.wish import Remembered, Wish, Wished
from reconciler.workloads.expand import expand
from tests.unit.reconciler.builders import (
    NOW,
    applied,
    claim,
    config_map,
    container,
    daemon_set,
    deployment,
    exited,
    job,
    meta,
    network,
    on_host,
    pod,
    running,
    secret,
    spec,
    template,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from manifests.kinds import Object

ASKED = Reason(text="asked for")


def digest(thing: Object) -> str:
    """Any text that differs where the objects do."""
    return repr(kinds.dump(thing))


def wished(thing: Object) -> Wished:
    return Wished(object=thing, digest=digest(thing), file="web.yaml", line=7)


def remembered(*things: Object, applyset: str = "app") -> dict[Ref, Remembered]:
    """What the database tells of objects that were applied before."""
    return {
        kinds.ref(thing): Remembered(
            object=thing.replace(data=EMPTY, string_data=EMPTY)
            if thing.kind == "Secret"
            else thing,
            digest=digest(thing),
            applyset=applyset,
        )
        for thing in things
    }


def plan(
    things: Sequence[Object],
    pods: Sequence[PodState] = (),
    before: Mapping[Ref, Remembered] = EMPTY,
    *,
    prune: bool = False,
    recreate: bool = False,
    networks: Mapping[str, NetworkState] = EMPTY,
    claims: frozenset[tuple[str, str]] = frozenset(),
) -> Plan:
    shown = {
        kinds.ref(each): digest(each) for each in things if each.kind in ("ConfigMap", "Secret")
    }
    wish = Wish(
        objects=tuple(wished(thing) for thing in things),
        applyset="app",
        prune=prune,
        recreate=recreate,
        remembered=before,
        digests=shown,
    )
    observed = Observed(pods=tuple(pods), networks=networks, claims=claims)
    return make.make(wish, expand(things, pods, NOW), observed)


def ops(made: Plan) -> list[tuple[str, str]]:
    return [(change.op.value, change.ref.kind) for change in made.changes]


def reasons(change: Change) -> list[str]:
    return [str(reason) for reason in change.reasons]


def drifted(state: PodState, *mends: Mend) -> PodState:
    return state.replace(drift=tuple(Drift(mend=mend, text=f"lost {mend}") for mend in mends))


def reads(
    volume: Volume, name: str = "web", restart: RestartPolicy = RestartPolicy.ALWAYS
) -> Object:
    return pod(name, spec(volumes=[volume], restart=restart))


SETTINGS = Volume(name="v", config_map=ConfigMapVolume(name="settings"))
LOGIN = Volume(name="w", secret=SecretVolume(secret_name="login"))


def test_a_new_pod_is_made_because_it_is_written() -> None:
    change = plan([pod()]).changes[0]

    assert (change.op, change.effect, change.uid) == (Op.CREATE, Effect.NONE, "")
    assert reasons(change) == ["not running yet (web.yaml:7)"]


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


def test_a_pod_needs_what_it_names_and_its_network() -> None:
    data = Volume(name="d", persistent_volume_claim=ClaimVolume(claim_name="data"))
    thing = pod(of=spec(volumes=[SETTINGS, LOGIN, data]), network="front")

    assert {(need.kind, need.name) for need in plan([thing]).changes[0].needs} == {
        ("ConfigMap", "settings"),
        ("Secret", "login"),
        ("PersistentVolumeClaim", "data"),
        ("Network", "front"),
    }


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


def test_a_changed_pod_is_replaced_with_the_field_and_its_place() -> None:
    changed = pod(of=spec(container(image="redis")))

    change = plan([changed], applied(pod()), remembered(pod())).changes[0]

    assert (change.op, change.effect, change.uid) == (Op.REPLACE, Effect.RECREATE, "uid-0")
    assert reasons(change) == [".spec.containers.app.image changed busybox -> redis (web.yaml:7)"]
    assert change.pod is not None
    assert (change.pod.pod, change.pod.uid) == (changed, "")


def test_a_pod_replaced_for_its_annotation_says_which() -> None:
    change = plan([pod(network="back")], applied(pod(network="front"))).changes[0]

    assert change.op is Op.REPLACE
    assert reasons(change) == [
        '.metadata.annotations["podpy.dev/network"] changed front -> back (web.yaml:7)'
    ]


def test_another_order_of_containers_is_a_reason_too() -> None:
    one, two = container("one"), container("two")

    change = plan([pod(of=spec(two, one))], applied(pod(of=spec(one, two)))).changes[0]

    assert reasons(change) == [
        '.spec.containers changed ["one", "two"] -> ["two", "one"] (web.yaml:7)'
    ]


def test_labels_change_in_place() -> None:
    labelled = pod().replace(metadata=meta("web").replace(labels={"tier": "a"}))

    change = plan([labelled], applied(pod())).changes[0]

    assert (change.op, change.effect, change.uid) == (Op.UPDATE, Effect.IN_PLACE, "uid-0")
    assert reasons(change) == [".metadata.labels.tier added: a (web.yaml:7)"]


def test_every_pod_is_made_anew_when_asked_for() -> None:
    made = plan([pod("bare"), deployment(2)], applied(pod("bare"), deployment(2)), recreate=True)
    replaced = [change for change in made.changes if change.op is Op.REPLACE]

    assert [change.uid for change in replaced] == ["uid-0", "uid-1", "uid-2"]
    assert {str(reason) for change in replaced for reason in change.reasons} == {"asked for"}


@pytest.mark.parametrize(
    ("mends", "op", "effect"),
    [
        ([Mend.NETWORK], Op.REPAIR, Effect.IN_PLACE),
        ([Mend.CONTAINERS], Op.REPAIR, Effect.RESTART),
        ([Mend.NETWORK, Mend.CONTAINERS], Op.REPAIR, Effect.RESTART),
        ([Mend.RECREATE], Op.REPLACE, Effect.RECREATE),
        ([Mend.NETWORK, Mend.RECREATE], Op.REPLACE, Effect.RECREATE),
    ],
)
def test_drift_is_mended_at_its_cost(mends: list[Mend], op: Op, effect: Effect) -> None:
    state = drifted(applied(pod())[0], *mends)

    change = plan([pod()], [state]).changes[0]

    assert (change.op, change.effect, change.uid) == (op, effect, "uid-0")
    assert f"lost {mends[-1]}" in reasons(change)


def test_a_repair_brings_changed_labels_and_files_along() -> None:
    labelled = pod().replace(metadata=meta("web").replace(labels={"tier": "a"}))

    change = plan([labelled], [drifted(applied(pod())[0], Mend.NETWORK)]).changes[0]

    assert reasons(change) == ["lost network", ".metadata.labels.tier added: a (web.yaml:7)"]


def test_a_pod_that_has_ended_is_not_repaired() -> None:
    thing = pod(of=spec(restart=RestartPolicy.NEVER))
    state = on_host(expand([thing], (), NOW).pods[0], "u", exited())
    ended = drifted(state.replace(record=state.record.replace(finished=True)), Mend.NETWORK)

    assert plan([thing], [ended]).changes[0].op is Op.KEEP


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


def test_a_config_map_shown_twice_is_told_once() -> None:
    twice = [SETTINGS, SETTINGS.replace(name="again")]
    things: list[Object] = [config_map(colour="blue"), pod(of=spec(volumes=twice))]

    made = plan(things, applied(*things), remembered(*things))

    assert len(made.changes[1].reasons) == 1


def test_an_optional_config_map_that_appears_is_shown() -> None:
    optional = Volume(name="v", config_map=ConfigMapVolume(name="settings", optional=True))
    thing = reads(optional)
    kept = plan([thing], applied(thing)).changes[0]
    shown = plan([config_map(), thing], applied(thing)).changes[1]

    assert (kept.op, shown.op) == (Op.KEEP, Op.UPDATE)


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

    assert reasons(change) == [".metadata.labels.a added: b (web.yaml:7)"]


def test_an_environment_that_refers_to_a_secret_tells_names_only() -> None:
    env = container().replace(env=(EnvVar(name="A", value="1"),))

    change = plan([pod(of=spec(env))], applied(pod())).changes[0]

    assert reasons(change) == [
        '.spec.containers.app.env added: [{"name": "A", "value": "1"}] (web.yaml:7)'
    ]


def test_a_changed_template_replaces_the_pods_with_the_field_that_changed() -> None:
    old, new = deployment(2), deployment(2, template(spec(container(image="redis"))))

    made = plan([new], applied(old), remembered(old))
    made_anew = [change for change in made.changes if change.op is Op.CREATE]
    leaving = [change for change in made.changes if change.op is Op.DELETE]

    assert ops(made)[0] == ("update", "Deployment")
    assert reasons(made_anew[0]) == [
        ".spec.containers.app.image changed busybox -> redis (web.yaml:7)"
    ]
    assert [change.uid for change in leaving] == ["uid-0", "uid-1"]
    assert {change.effect for change in leaving} == {Effect.RECREATE}
    for change in made_anew:
        assert {change.ref for change in leaving} <= set(change.needs)


def test_scaling_up_touches_no_pod_that_runs() -> None:
    made = plan([deployment(4)], applied(deployment(2)), remembered(deployment(2)))

    assert [op for op, kind in ops(made) if kind == "Pod"] == ["keep", "keep", "create", "create"]


def test_scaling_down_removes_the_youngest() -> None:
    made = plan([deployment(2)], applied(deployment(3)), remembered(deployment(3)))

    assert [op for op, _ in ops(made)] == ["update", "keep", "keep", "delete"]
    assert made.changes[-1].uid == "uid-2"
    assert reasons(made.changes[-1]) == ["Deployment/web wants no more of these pods (web.yaml:7)"]


def test_a_replica_that_has_ended_is_replaced_and_that_is_the_reason() -> None:
    thing = deployment(1, template(spec(restart=RestartPolicy.NEVER)))
    state = applied(thing)[0]
    ended = state.replace(containers={"app": exited(code=1)})

    made = plan([thing], [ended], remembered(thing))

    assert [op for op, _ in ops(made)] == ["keep", "create", "delete"]
    assert reasons(made.changes[1]) == [f"Pod/{state.pod.metadata.name} has ended"]


def test_a_removal_cut_short_is_taken_up_and_the_pod_made_anew() -> None:
    for thing in (pod(), deployment()):
        state = applied(thing)[0]
        leaving = state.replace(record=state.record.replace(deleting=True))
        made = plan([thing], [leaving], remembered(thing))
        going = [change for change in made.changes if change.uid]
        coming = [change for change in made.changes if change.pod is not None]

        assert [change.uid for change in going] == ["uid-0"]
        assert len(coming) == 1
        assert reasons(coming[0])[0].endswith("was left half removed")


def test_a_second_pod_of_one_name_is_removed() -> None:
    first = applied(pod())[0]
    second = first.replace(record=first.record.replace(uid="uid-1"))

    made = plan([pod()], [first, second], remembered(pod()))

    assert [(change.op, change.uid) for change in made.changes] == [
        (Op.KEEP, "uid-0"),
        (Op.DELETE, "uid-1"),
    ]


def test_pods_of_objects_that_are_not_wished_are_left_alone() -> None:
    made = plan([pod()], applied(pod(), deployment(2, name="other"), pod("third")))

    assert [(change.op, change.ref.name) for change in made.changes] == [(Op.KEEP, "web")]


def test_a_job_that_goes_on_keeps_its_ended_pods() -> None:
    thing = job(completions=2)
    ended = on_host(expand([thing], (), NOW).pods[0], "u", exited())

    assert [op for op, _ in ops(plan([thing], [ended], remembered(thing)))] == [
        "keep",
        "keep",
        "create",
    ]


def test_what_a_failed_job_leaves_running_is_removed() -> None:
    thing = job(parallelism=2, completions=2, backoff_limit=0)
    one, two = expand([thing], (), NOW).pods
    pods = [on_host(one, "a", exited(code=1)), on_host(two, "b", running())]

    made = plan([thing], pods, remembered(thing))

    assert [(change.op, change.uid) for change in made.changes[1:]] == [
        (Op.KEEP, "a"),
        (Op.DELETE, "b"),
    ]


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


def test_a_claims_data_goes_only_with_consent() -> None:
    things = {kinds.ref(claim()): claim(), kinds.ref(config_map()): config_map()}
    kept = make.remove(dict(things), Observed(), ASKED)  # type: ignore[arg-type]
    lost = make.remove(dict(things), Observed(), ASKED, data=True)  # type: ignore[arg-type]

    assert [change.effect for change in kept] == [Effect.NONE, Effect.NONE]
    assert [change.effect for change in lost] == [Effect.DATA_LOSS, Effect.NONE]
    assert reasons(lost[0]) == ["asked for"]


def test_removing_a_workload_removes_its_pods_and_no_others() -> None:
    things: list[Object] = [deployment(2), daemon_set("web"), deployment(namespace="shop")]

    made = make.remove(
        {kinds.ref(things[0]): things[0]}, Observed(pods=tuple(applied(*things))), ASKED
    )

    assert [change.uid for change in made] == ["uid-0", "uid-1", ""]


def test_a_reason_reads_as_a_sentence() -> None:
    assert str(Reason(path=".a", old="1", new="2", where="f:1")) == ".a changed 1 -> 2 (f:1)"
    assert str(Reason(path=".a", new="2")) == ".a added: 2"
    assert str(Reason(path=".a", old="1")) == ".a removed: 1"
    assert str(Reason(text="lost", where="f:1")) == "lost (f:1)"
