"""reconciler.workloads.expand: from objects and what runs to the pods wanted now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.observed import Phase
from manifests.pod import RestartPolicy
from manifests.ref import Ref
from reconciler.workloads.expand import Expansion, expand, phase_of
from reconciler.workloads.jobs import Ending, Progress
from reconciler.workloads.ownership import owner_of
from tests.unit.reconciler.builders import (
    NOW,
    absent,
    applied,
    container,
    daemon_set,
    deployment,
    exited,
    job,
    meta,
    on_host,
    pod,
    replica_set,
    running,
    spec,
    template,
)

if TYPE_CHECKING:
    from manifests.kinds import Object
    from manifests.pod import Pod, PodTemplate

FAILING = spec(restart=RestartPolicy.NEVER)


def names(expansion: Expansion) -> list[str]:
    return [wanted.pod.metadata.name for wanted in expansion.pods]


def uids(expansion: Expansion) -> list[str]:
    return [wanted.uid for wanted in expansion.pods]


def test_a_bare_pod_is_wanted_as_it_is_written() -> None:
    wanted = expand([pod()], (), NOW).pods[0]

    assert (wanted.pod, wanted.uid, wanted.of) == (
        pod(),
        "",
        Ref(kind="Pod", namespace="default", name="web"),
    )


def test_a_bare_pod_that_runs_stays() -> None:
    assert uids(expand([pod()], applied(pod()), NOW)) == ["uid-0"]


def test_a_bare_pod_that_has_ended_stays_too() -> None:
    wanted = expand([pod(of=FAILING)], (), NOW).pods[0]

    assert uids(expand([pod(of=FAILING)], [on_host(wanted, "u", exited(code=1))], NOW)) == ["u"]


@pytest.mark.parametrize(
    "changed",
    [pod(of=spec(container(image="redis"))), pod(network="front"), pod(namespace="shop")],
    ids=["spec", "annotation that podpy reads", "namespace"],
)
def test_a_bare_pod_that_runs_something_else_is_wanted_anew(changed: Pod) -> None:
    assert uids(expand([changed], applied(pod()), NOW)) == [""]


def test_a_bare_pod_with_other_labels_stays() -> None:
    labelled = pod().replace(metadata=meta("web").replace(labels={"tier": "front"}))

    assert uids(expand([labelled], applied(pod()), NOW)) == ["uid-0"]


def test_a_pod_that_is_being_removed_does_not_count() -> None:
    for thing in (pod(), deployment(), job()):
        state = applied(thing)[0]
        leaving = state.replace(record=state.record.replace(deleting=True))

        assert uids(expand([thing], [leaving], NOW)) == [""]


def test_replicas_have_names_of_their_own_and_their_owner() -> None:
    expansion = expand([deployment(3)], (), NOW)

    assert len(set(names(expansion))) == 3
    assert {owner_of(on_host(wanted, "u")) for wanted in expansion.pods} == {
        Ref(kind="Deployment", namespace="default", name="web")
    }


def test_a_deployments_pods_carry_the_template_hash_in_label_and_name() -> None:
    wanted = expand([deployment()], (), NOW).pods[0]
    label = wanted.pod.metadata.labels["pod-template-hash"]

    assert wanted.pod.metadata.name.startswith(f"web-{label}-")
    assert wanted.pod.metadata.labels["app"] == "web"


def test_replica_and_daemon_sets_name_their_pods_after_themselves() -> None:
    for thing in (replica_set(), daemon_set()):
        name = names(expand([thing], (), NOW))[0]

        assert name.startswith("web-")
        assert len(name) == len("web-") + 5


def test_a_daemon_set_wants_one_pod() -> None:
    assert len(expand([daemon_set()], (), NOW).pods) == 1


def test_expanding_again_changes_nothing() -> None:
    things: list[Object] = [pod("a"), deployment(3), replica_set(2, "rs"), daemon_set("ds"), job()]
    states = applied(*things)

    expansion = expand(things, states, NOW)

    assert names(expansion) == [state.pod.metadata.name for state in states]
    assert uids(expansion) == [state.uid for state in states]


def test_scaling_up_keeps_the_pods_that_run() -> None:
    states = applied(deployment(2))

    expansion = expand([deployment(4)], states, NOW)

    assert uids(expansion) == ["uid-0", "uid-1", "", ""]
    assert len(set(names(expansion))) == 4


def test_scaling_down_keeps_the_oldest() -> None:
    assert uids(expand([deployment(2)], applied(deployment(4)), NOW)) == ["uid-0", "uid-1"]


def test_scaling_down_gives_up_first_what_does_not_run_yet() -> None:
    states = applied(deployment(3))
    starting = states[0].replace(containers={"app": absent()})

    assert uids(expand([deployment(2)], [starting, *states[1:]], NOW)) == ["uid-1", "uid-2"]


def test_scaling_to_nothing_wants_nothing() -> None:
    assert expand([deployment(0)], applied(deployment(3)), NOW).pods == ()


def test_a_crashing_pod_is_not_replaced() -> None:
    wanted = expand([deployment()], (), NOW).pods[0]
    crashing = on_host(wanted, "u", exited(code=1, backoff=300))

    assert uids(expand([deployment()], [crashing], NOW)) == ["u"]


@pytest.mark.parametrize("code", [0, 1])
def test_a_replica_that_has_ended_is_replaced_under_another_name(code: int) -> None:
    thing = deployment(2, template(FAILING))
    states = applied(thing)
    ended = states[0].replace(containers={"app": exited(code=code)})

    expansion = expand([thing], [ended, states[1]], NOW)

    assert uids(expansion) == ["uid-1", ""]
    assert ended.pod.metadata.name not in names(expansion)


@pytest.mark.parametrize(
    "changed",
    [template(spec(container(image="redis"))), template(tier="front")],
    ids=["spec", "labels"],
)
def test_a_changed_template_wants_all_pods_anew(changed: PodTemplate) -> None:
    states = applied(deployment(2))

    expansion = expand([deployment(2, changed)], states, NOW)

    assert uids(expansion) == ["", ""]
    assert not {state.pod.metadata.name for state in states} & set(names(expansion))


def test_a_changed_annotation_of_the_workload_that_podpy_reads_wants_all_pods_anew() -> None:
    states = applied(deployment(network="front"))

    assert uids(expand([deployment(network="front")], states, NOW)) == ["uid-0"]
    assert uids(expand([deployment(network="back")], states, NOW)) == [""]


def test_the_templates_annotations_win_over_the_workloads() -> None:
    of = template().replace(
        metadata=template().metadata.replace(annotations={"podpy.dev/network": "inner"})
    )

    wanted = expand([deployment(of=of, network="outer")], (), NOW).pods[0]

    assert wanted.pod.metadata.annotations["podpy.dev/network"] == "inner"


def test_annotations_of_the_workload_for_people_stay_with_it() -> None:
    thing = deployment()
    noted = thing.replace(metadata=thing.metadata.replace(annotations={"note": "x"}))

    assert "note" not in expand([noted], (), NOW).pods[0].pod.metadata.annotations


def test_a_single_replica_has_podmans_name_as_an_alias() -> None:
    one, two = expand([deployment(1)], (), NOW), expand([deployment(2)], (), NOW)

    assert one.pods[0].aliases == ("web-pod",)
    assert [wanted.aliases for wanted in two.pods] == [(), ()]


def test_workloads_of_one_name_keep_their_pods_apart() -> None:
    states = applied(deployment(), daemon_set(), deployment(namespace="shop"))

    assert uids(expand([daemon_set()], states, NOW)) == ["uid-1"]
    assert uids(expand([deployment(namespace="shop")], states, NOW)) == ["uid-2"]


def test_pods_of_other_objects_are_not_taken_over() -> None:
    others = applied(pod("web"), replica_set(2, name="other"))

    assert uids(expand([replica_set(1)], others, NOW)) == [""]


def test_a_pod_object_does_not_take_over_a_replica_of_its_name() -> None:
    replica = applied(deployment())[0]
    thing = pod(replica.pod.metadata.name, replica.pod.spec)

    assert uids(expand([thing], [replica], NOW)) == [""]


def test_a_name_that_is_taken_on_the_host_is_not_chosen() -> None:
    name = names(expand([replica_set()], (), NOW))[0]

    assert names(expand([replica_set()], applied(pod(name)), NOW)) != [name]


def test_a_job_wants_a_pod_with_its_label() -> None:
    wanted = expand([job()], (), NOW).pods[0]

    assert wanted.pod.metadata.labels["batch.kubernetes.io/job-name"] == "sum"
    assert wanted.aliases == ("sum-pod",)


def test_a_jobs_ended_pods_stay_for_their_logs() -> None:
    thing = job(completions=2)
    first = expand([thing], (), NOW).pods[0]

    expansion = expand([thing], [on_host(first, "u", exited())], NOW)

    assert uids(expansion) == ["u", ""]
    assert len(set(names(expansion))) == 2


def test_the_pods_that_a_failed_job_leaves_running_are_not_wanted() -> None:
    thing = job(parallelism=2, completions=2, backoff_limit=0)
    one, two = expand([thing], (), NOW).pods

    expansion = expand([thing], [on_host(one, "a", exited(code=1)), on_host(two, "b")], NOW)

    assert uids(expansion) == ["a"]
    assert expansion.progress[one.of].ending is Ending.FAILED


def test_a_job_remembered_as_ended_wants_nothing_any_more() -> None:
    ref = Ref(kind="Job", namespace="default", name="sum")

    expansion = expand([job()], (), NOW, remembered={ref: Progress(ending=Ending.COMPLETE)})

    assert expansion.pods == ()


def test_a_job_made_anew_begins_again_beside_the_pods_it_had() -> None:
    ref = Ref(kind="Job", namespace="default", name="sum")
    (one,) = expand([job()], (), NOW).pods
    before = [on_host(one, "a", exited())]
    end = {ref: Progress(succeeded=1, ending=Ending.COMPLETE)}

    (again,) = expand([job()], before, NOW, remembered=end, anew=True).pods

    assert again.uid == ""
    assert again.pod.metadata.name != one.pod.metadata.name


def test_phases_are_kubernetes_own() -> None:
    wanted = expand([pod(of=FAILING)], (), NOW).pods[0]

    assert [
        phase_of(on_host(wanted, "u", state), NOW)
        for state in (absent(), running(), exited(), exited(code=1))
    ] == [Phase.PENDING, Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED]
