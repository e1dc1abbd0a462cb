"""reconciler.workloads.jobs: how far a Job is and what is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from manifests.pod import RestartPolicy
from reconciler.workloads import jobs
from reconciler.workloads.expand import expand
from reconciler.workloads.jobs import Ending, Progress
from tests.unit.reconciler.builders import (
    NOW,
    container,
    exited,
    job,
    on_host,
    running,
    sidecar,
)

if TYPE_CHECKING:
    from manifests.observed import ContainerState, PodState
    from manifests.workloads import Job

ON_FAILURE = RestartPolicy.ON_FAILURE


def pods(of: Job, *containers: ContainerState | tuple[ContainerState, ...]) -> list[PodState]:
    """A pod of the Job for each container, or tuple of containers."""
    one = of.replace(spec=of.spec.replace(completions=1, parallelism=1))
    wanted = expand([one], (), NOW).pods[0]
    return [
        on_host(wanted, f"uid-{index}", *(each if isinstance(each, tuple) else (each,)))
        for index, each in enumerate(containers)
    ]


def progress(of: Job, *containers: ContainerState | tuple[ContainerState, ...]) -> Progress:
    return jobs.progress(of, pods(of, *containers), NOW, None)


def test_a_new_job_is_due_as_often_as_it_may_run_at_once() -> None:
    assert progress(job()).due == 1
    assert progress(job(completions=5, parallelism=3)).due == 3
    assert progress(job(completions=2, parallelism=3)).due == 2
    assert progress(job(parallelism=0)).due == 0


def test_a_running_job_waits_for_its_pods() -> None:
    assert progress(job(), running()) == Progress(active=1)


def test_a_job_is_complete_when_enough_pods_succeeded() -> None:
    assert progress(job(), exited()) == Progress(
        succeeded=1, counted=("uid-0",), ending=Ending.COMPLETE
    )
    assert progress(job(completions=2), exited()) == Progress(
        succeeded=1, counted=("uid-0",), due=1
    )
    assert progress(job(completions=0)).ending is Ending.COMPLETE


def test_no_more_pods_are_made_than_completions_are_missing() -> None:
    now = progress(job(completions=4, parallelism=3), exited(), exited(), running())

    assert (now.succeeded, now.active, now.due) == (2, 1, 1)


@pytest.mark.parametrize(("failures", "delay"), [(1, 10), (2, 20), (3, 40), (6, 320), (7, 360)])
def test_a_failed_pod_is_replaced_after_a_growing_delay(failures: int, delay: float) -> None:
    of = job(backoff_limit=100)
    failed = [exited(code=1, at=NOW - 1)] * failures

    assert progress(of, *failed).wake_at == NOW - 1 + delay
    assert jobs.progress(of, pods(of, *failed), NOW - 1 + delay, None).due == 1


def test_a_success_makes_the_delays_begin_anew() -> None:
    of = job(backoff_limit=9, completions=2)
    early = [exited(code=1, at=NOW - 50)] * 4

    assert progress(of, *early, exited(at=NOW - 9), exited(code=1, at=NOW - 1)).wake_at == NOW + 9


def test_the_longest_delay_holds_for_any_number_of_failures() -> None:
    now = progress(job(backoff_limit=2000), *([exited(code=1, at=NOW)] * 1500))

    assert now.wake_at == NOW + 360


def test_containers_of_pods_that_have_not_failed_delay_nothing() -> None:
    of = job(completions=3, parallelism=3, init=[sidecar()])
    stopped = (exited("proxy", 143, at=NOW), exited("app", at=NOW - 50))
    failed = (exited("proxy", at=NOW - 50), exited("app", 1, at=NOW - 50))

    assert progress(of, stopped, failed).due == 2


def test_a_job_fails_with_more_failed_pods_than_its_limit() -> None:
    of = job(backoff_limit=1)

    assert progress(of, exited(code=1)).ending is Ending.RUNNING
    failed = progress(of, exited(code=1), exited(code=2))
    assert (failed.ending, failed.failed, failed.due) == (Ending.FAILED, 2, 0)
    assert failed.reason == "BackoffLimitExceeded"
    assert failed.message == "2 failures, backoffLimit is 1"


def test_a_limit_of_zero_allows_no_failure() -> None:
    assert progress(job(backoff_limit=0), exited(code=1)).ending is Ending.FAILED


def test_an_init_container_that_fails_fails_the_pod() -> None:
    of = job(backoff_limit=0, init=[container("prep")])

    assert progress(of, (exited("prep", 1),)).ending is Ending.FAILED


@pytest.mark.parametrize(
    ("limit", "restarts", "ending"),
    [
        (3, 2, Ending.RUNNING),
        (3, 3, Ending.FAILED),
        (1, 0, Ending.RUNNING),
        (1, 1, Ending.FAILED),
        (0, 0, Ending.RUNNING),
        (0, 1, Ending.FAILED),
    ],
)
def test_restarts_in_place_count_under_on_failure(
    limit: int, restarts: int, ending: Ending
) -> None:
    of = job(backoff_limit=limit, restart=ON_FAILURE)

    assert progress(of, running(attempt=restarts)).ending is ending


def test_a_sidecars_restarts_do_not_count_under_never() -> None:
    of = job(backoff_limit=0, init=[sidecar()])

    assert progress(of, (running("proxy", attempt=9), running())).ending is Ending.RUNNING


def test_a_failed_jobs_running_pods_go_and_count_as_failed() -> None:
    now = progress(job(parallelism=2, completions=2, backoff_limit=0), exited(code=1), running())

    assert (now.surplus, now.active, now.failed) == (("uid-1",), 0, 2)


def test_the_youngest_pods_go_when_a_job_may_run_fewer_at_once() -> None:
    of = job(completions=9, parallelism=1)

    assert progress(of, running(), running(), running()).surplus == ("uid-1", "uid-2")


def test_a_complete_jobs_running_pods_go() -> None:
    assert progress(job(), exited(), running()).surplus == ("uid-1",)


@pytest.mark.parametrize("ending", [Ending.COMPLETE, Ending.FAILED])
def test_a_remembered_end_stands_whatever_is_left_on_the_host(ending: Ending) -> None:
    of, end = job(), Progress(succeeded=1, ending=ending)

    assert jobs.progress(of, (), NOW, end) == end
    assert jobs.progress(of, pods(of, exited(code=1)), NOW, end) == end
    assert jobs.progress(of, pods(of, running()), NOW, end).surplus == ("uid-0",)


def test_pods_that_are_gone_stay_counted() -> None:
    of = job(completions=3, backoff_limit=2)
    seen = progress(of, exited(), exited(code=1))
    after_reboot = jobs.progress(of, (), NOW, seen.lasting())
    others = [state.replace(record=state.record.replace(uid="new")) for state in pods(of, exited())]
    later = jobs.progress(of, others, NOW, after_reboot.lasting())

    assert (after_reboot.succeeded, after_reboot.failed, after_reboot.due) == (1, 1, 1)
    assert (later.succeeded, later.failed, later.counted) == (2, 1, ("new",))


def test_a_pod_is_counted_once() -> None:
    of = job(completions=3)
    both = (exited(), exited(code=1, at=NOW - 100))
    once = progress(of, *both)

    assert jobs.progress(of, pods(of, *both), NOW, once.lasting()) == once


def queue(parallelism: int = 3) -> Job:
    of = job(parallelism=parallelism)
    return of.replace(spec=of.spec.replace(completions=None))


def test_a_queue_starts_all_its_pods_and_replaces_those_that_fail() -> None:
    early = exited(code=1, at=NOW - 100)

    assert progress(queue()).due == 3
    assert progress(queue(), early, running(), running()).due == 1


def test_a_queue_gets_no_more_pods_once_one_has_succeeded() -> None:
    early = exited(code=1, at=NOW - 100)
    now = progress(queue(), exited(), early, running())

    assert (now.ending, now.due, now.surplus) == (Ending.RUNNING, 0, ())


def test_a_queue_is_complete_when_one_has_succeeded_and_all_have_ended() -> None:
    assert progress(queue(), exited(), exited(), exited(code=1)).ending is Ending.COMPLETE
    assert progress(queue(), exited(code=1), exited(code=1)).ending is Ending.RUNNING


def test_every_progress_moves_waits_or_is_final() -> None:
    """A Job driven as cycle.resume drives it: each look makes pods, waits, or is the last."""
    of = job(completions=3, parallelism=2, backoff_limit=4)
    codes = iter([1, 0, 1, 1, 0, 0])
    clock, alive = NOW, 0
    ended: list[PodState] = []
    for _ in range(30):
        now = jobs.progress(of, [*ended, *pods(of, *[running()] * alive)], clock, None)
        if now.ending is not Ending.RUNNING:
            break
        assert now.due or now.active or now.wake_at is not None
        alive = now.active + now.due
        if alive:
            clock += 5
            wanted = expand([of], (), NOW).pods[0]
            state = exited(code=next(codes), at=clock)
            ended.append(on_host(wanted, f"ended-{len(ended)}", state))
            alive -= 1
        elif now.wake_at is not None:
            assert now.wake_at > clock
            clock = now.wake_at

    assert (now.ending, now.succeeded, now.failed) == (Ending.COMPLETE, 3, 3)


def test_a_job_fails_at_its_deadline_with_the_pods_that_run() -> None:
    of = limited(30)
    seen = Progress(started_at=NOW - 30)
    found = jobs.progress(of, pods(of, running()), NOW, seen)

    assert (found.ending, found.reason) == (Ending.FAILED, "DeadlineExceeded")
    assert (found.failed, found.surplus) == (1, ("uid-0",))


def test_a_jobs_deadline_counts_from_the_pass_that_first_saw_it() -> None:
    of = limited(30)
    first = jobs.progress(of, [], NOW, None)
    later = jobs.progress(of, pods(of, running()), NOW + 20, first.lasting())

    assert (first.due, first.wake_at) == (1, NOW + 30)
    assert (later.ending, later.wake_at) == (Ending.RUNNING, NOW + 30)


def test_a_job_that_has_completed_does_not_fail_afterwards() -> None:
    of = limited(30)
    found = jobs.progress(of, pods(of, exited()), NOW, Progress(started_at=NOW - 60))

    assert found.ending is Ending.COMPLETE


def test_a_failed_pod_is_replaced_no_later_than_the_deadline_allows() -> None:
    of = limited(30)
    failed = pods(of, exited(code=1, at=NOW - 1))

    assert jobs.progress(of, failed, NOW, Progress(started_at=NOW)).wake_at == NOW + 9
    assert jobs.progress(of, failed, NOW, Progress(started_at=NOW - 25)).wake_at == NOW + 5


def limited(seconds: int) -> Job:
    of = job()
    return of.replace(spec=of.spec.replace(active_deadline_seconds=seconds))
