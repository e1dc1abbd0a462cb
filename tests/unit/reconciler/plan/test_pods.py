"""reconciler.plan.pods: one change for each pod, with its reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.container import EnvVar, EnvVarSource, KeyRef
from manifests.observed import Mend, Observed
from manifests.places import Text
from manifests.pod import RestartPolicy
from manifests.sources import File
from manifests.volumes import ClaimVolume, ConfigMapVolume, Volume
from reconciler.plan import make
from reconciler.plan.change import Effect, Op
from reconciler.plan.wish import Wish
from reconciler.workloads.expand import expand
from tests.unit.reconciler.builders import (
    NOW,
    applied,
    config_map,
    container,
    deployment,
    exited,
    job,
    meta,
    on_host,
    pod,
    running,
    secret,
    spec,
    template,
)
from tests.unit.reconciler.planning import (
    LOGIN,
    SETTINGS,
    drifted,
    ops,
    plan,
    reads,
    reasons,
    remembered,
    wished,
)

if TYPE_CHECKING:
    from manifests.kinds import Object


def test_a_new_pod_is_made_because_it_is_written() -> None:
    change = plan([pod()]).changes[0]

    assert (change.op, change.effect, change.uid) == (Op.CREATE, Effect.NONE, "")
    assert reasons(change) == ["not running yet (web.yaml:7)"]


def test_a_pod_needs_what_it_names_and_its_network() -> None:
    data = Volume(name="d", persistent_volume_claim=ClaimVolume(claim_name="data"))
    thing = pod(of=spec(volumes=[SETTINGS, LOGIN, data]), network="front")

    assert {(need.kind, need.name) for need in plan([thing]).changes[0].needs} == {
        ("ConfigMap", "settings"),
        ("Secret", "login"),
        ("PersistentVolumeClaim", "data"),
        ("Network", "front"),
    }


def test_a_changed_pod_is_replaced_with_the_field_and_its_place() -> None:
    changed = pod(of=spec(container(image="redis")))

    change = plan([changed], applied(pod()), remembered(pod())).changes[0]

    assert (change.op, change.effect, change.uid) == (Op.REPLACE, Effect.RECREATE, "uid-0")
    assert reasons(change) == [".spec.containers.app.image changed busybox -> redis (web.yaml:7)"]
    assert change.pod is not None
    assert (change.pod.pod, change.pod.uid) == (changed, "")


def test_a_changed_field_of_a_template_is_told_with_its_own_line() -> None:
    text = b"kind: Deployment\napiVersion: apps/v1\nspec:\n  template:\n    spec:\n"
    text += b"      containers:\n      - name: app\n        image: redis\n"
    before = deployment()
    spec_now = before.spec.template.replace(spec=spec(container(image="redis")))
    now = wished(before.replace(spec=before.spec.replace(template=spec_now)))
    now = now.replace(text=Text(File(name="web.yaml", data=text)))
    wish = Wish(objects=(now,), remembered=remembered(before))
    states = applied(before)
    observed = Observed(pods=tuple(states))

    made = make.make(wish, expand([now.object], states, NOW), observed)
    said = {str(reason) for change in made.changes for reason in change.reasons if reason.path}
    assert said == {
        ".spec.template.spec.containers.app.image changed busybox -> redis (web.yaml:8)",
        ".spec.containers.app.image changed busybox -> redis (web.yaml:8)",
    }


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


def test_an_environment_from_a_secret_tells_names_only() -> None:
    source = EnvVarSource(secret_key_ref=KeyRef(name="login", key="password"))
    env = container().replace(env=(EnvVar(name="A", value_from=source),))

    said = " ".join(
        reasons(plan([secret(password="hunter2"), pod(of=spec(env))], applied(pod())).changes[1])
    )

    assert said.startswith('.spec.containers.app.env added: [{"name": "A", "valueFrom": ')
    assert "hunter2" not in said
