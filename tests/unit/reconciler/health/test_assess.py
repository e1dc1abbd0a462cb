"""reconciler.health.assess: how an object is, and why it is not well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.pod import RestartPolicy
from reconciler.health.assess import Health, assess
from reconciler.workloads.expand import expand
from reconciler.workloads.jobs import Ending, Progress
from tests.unit.reconciler.builders import (
    NOW,
    absent,
    applied,
    claim,
    config_map,
    container,
    deployment,
    exited,
    job,
    on_host,
    pod,
    running,
    spec,
    template,
)

if TYPE_CHECKING:
    from manifests.kinds import Object
    from manifests.observed import ContainerState, PodState

HEALTHY, PROGRESSING, DEGRADED = Health.HEALTHY, Health.PROGRESSING, Health.DEGRADED
MISSING, SUSPENDED = Health.MISSING, Health.SUSPENDED
NEVER = RestartPolicy.NEVER


def words(code: int, said: str, backoff: float = 40.0) -> ContainerState:
    state = exited(code=code, backoff=backoff)
    assert state.ended is not None
    return state.replace(ended=state.ended.replace(message=said))


def refused() -> ContainerState:
    state = absent()
    record = state.record.replace(problem="no such image", problem_reason="ErrImagePull")
    return state.replace(record=record)


def pods(thing: Object, *containers: ContainerState) -> list[PodState]:
    """A pod of the object for each container."""
    wanted = expand([thing], (), NOW).pods
    return [
        on_host(wanted[index], f"uid-{index}", each, created_at=float(index))
        for index, each in enumerate(containers)
    ]


INIT = spec(init=[container("first")])
CASES = [
    (config_map(), (), HEALTHY, ""),
    (claim(), (), HEALTHY, ""),
    (pod(), (), MISSING, "its pod is not there"),
    (pod(), (running(),), HEALTHY, ""),
    (pod(), (absent(),), PROGRESSING, "container app does not run"),
    (pod(), (refused(),), DEGRADED, "container app: waiting, ErrImagePull: no such image"),
    (
        pod(),
        (words(3, "no\nlicence"),),
        DEGRADED,
        "container app: waiting, CrashLoopBackOff, last exit 3: no licence",
    ),
    (pod(of=spec(restart=NEVER)), (exited(),), HEALTHY, ""),
    (pod(of=spec(restart=NEVER)), (words(2, "oh"),), DEGRADED, "container app: exit 2: oh"),
    (pod(of=INIT), (running("first"),), PROGRESSING, "init container first is still running"),
    (deployment(3), (), MISSING, "0 of 3 replicas ready"),
    (deployment(0), (), HEALTHY, ""),
    (deployment(2), (running(), running()), HEALTHY, ""),
    (deployment(2), (running(),), PROGRESSING, "1 of 2 replicas ready"),
    (
        deployment(3),
        (running(), absent(), words(1, "bye")),
        DEGRADED,
        "container app: waiting, CrashLoopBackOff, last exit 1: bye; 1 of 3 replicas ready",
    ),
    (job(), (), MISSING, "the Job has not begun"),
    (job(), (running(),), PROGRESSING, "it runs; 0 of 1 completed"),
    (job(), (exited(),), HEALTHY, ""),
    (
        job(),
        (words(2, "no table"),),
        DEGRADED,
        "container app: exit 2: no table; 1 of 7 tries failed; 0 of 1 completed",
    ),
    (
        job(backoff_limit=0),
        (words(2, "no table"),),
        DEGRADED,
        "container app: exit 2: no table; 1 failures, backoffLimit is 0",
    ),
]


@pytest.mark.parametrize(("thing", "containers", "health", "why"), CASES)
def test_health_and_its_reason(
    thing: Object, containers: tuple[ContainerState, ...], health: Health, why: str
) -> None:
    found = assess(thing, pods(thing, *containers), NOW)

    assert (found.health, found.why) == (health, why)


def test_pods_of_an_earlier_template_do_not_count() -> None:
    old = applied(deployment(1))
    new = deployment(1, template(spec(container(image="other"))))
    both = [*old, *(one.replace(record=one.record.replace(uid="b")) for one in applied(new))]

    assert assess(new, old, NOW).health is PROGRESSING
    assert assess(new, old, NOW).why == "0 of 1 replicas ready"
    assert assess(new, both, NOW).why == "an old pod is still there"
    assert assess(pod(of=spec(container(image="new"))), applied(pod()), NOW).health is MISSING


def test_a_pod_that_is_not_to_be_started_is_suspended() -> None:
    (state,) = applied(pod())
    held = state.replace(record=state.record.replace(held=True), containers={})

    assert assess(pod(), [held], NOW).health is SUSPENDED


def test_what_gets_no_better_is_final() -> None:
    failed = job(backoff_limit=0)
    lasting = pod(of=spec(restart=NEVER))

    assert assess(failed, pods(failed, exited(code=1)), NOW).final
    assert assess(lasting, pods(lasting, exited(code=1)), NOW).final
    assert not assess(pod(), pods(pod(), words(1, "")), NOW).final


def test_a_job_whose_pods_are_gone_is_what_it_was_known_to_be() -> None:
    (ref,) = [one.of for one in expand([job()], (), NOW).pods]

    known = {ref: Progress(ending=Ending.COMPLETE, succeeded=1)}
    assert assess(job(), (), NOW, known).health is HEALTHY
