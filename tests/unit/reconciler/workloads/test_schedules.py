"""What is decided about a CronJob, from its Jobs and the time."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from manifests import codec, kinds
from manifests.ref import Ref
from manifests.workloads import CronJob
from reconciler.workloads import schedules
from reconciler.workloads.schedules import Decision, Run, Standing

UTC = datetime.UTC
NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
MINUTE, HOUR = 60.0, 3600.0


def cron_job(**spec: Any) -> CronJob:
    template = {
        "metadata": {"labels": {"app": "b"}, "annotations": {"note": "x"}},
        "spec": {
            "template": {
                "spec": {"containers": [{"name": "a", "image": "a:1"}], "restartPolicy": "Never"}
            }
        },
    }
    raw = {
        "metadata": {
            "name": "backup",
            "namespace": "shop",
            "annotations": {"podpy.dev/network": "inner", "other": "y"},
        },
        "spec": {"schedule": "0 * * * *", "jobTemplate": template, **spec},
    }
    return codec.restore(CronJob, raw)


def run(name: str, at: float, *, active: bool = False, failed: bool = False) -> Run:
    ref = Ref(kind="Job", namespace="shop", name=name)
    return Run(ref=ref, at=at, active=active, failed=failed)


def decided(
    thing: CronJob,
    *runs: Run,
    now: float = NOON,
    last: float = NOON - HOUR,
    since: float = NOON - 9 * HOUR,
) -> Decision:
    return schedules.decide(thing, Standing(last=last), since, runs, now, UTC)


def test_what_is_due_is_started_once() -> None:
    first = decided(cron_job())
    again = schedules.decide(cron_job(), first.standing, NOON - 9 * HOUR, (), NOON, UTC)

    assert (first.start, first.standing.last, first.next_at) == (NOON, NOON, NOON + HOUR)
    assert (again.start, again.standing, again.next_at) == (None, first.standing, NOON + HOUR)


def test_nothing_is_due_from_before_it_was_applied() -> None:
    decision = decided(cron_job(), last=0.0, since=NOON + 1, now=NOON + 90)

    assert (decision.start, decision.next_at) == (None, NOON + HOUR)


def test_of_missed_times_the_last_is_made_up_for() -> None:
    decision = decided(cron_job(), last=NOON - 5 * HOUR, now=NOON + 59 * MINUTE)

    assert (decision.start, decision.notes) == (NOON, ())


def test_a_time_that_is_past_its_deadline_is_told_of_once() -> None:
    thing = cron_job(startingDeadlineSeconds=60)
    intime = decided(thing, now=NOON + 60)
    late = decided(thing, now=NOON + 61)
    again = schedules.decide(thing, late.standing, 0.0, (), NOON + 70, UTC)

    assert intime.start == NOON
    assert (late.start, [note.reason for note in late.notes]) == (None, ["MissSchedule"])
    assert "2026-03-01T12:00:00Z" in late.notes[0].message
    assert (again.start, again.notes, again.next_at) == (None, (), NOON + HOUR)


def test_more_than_a_hundred_missed_times_are_told() -> None:
    decision = decided(cron_job(schedule="* * * * *"), last=NOON - 101 * MINUTE)
    few = decided(cron_job(schedule="* * * * *"), last=NOON - 100 * MINUTE)

    assert decision.start == few.start == NOON
    assert [note.reason for note in decision.notes] == ["TooManyMissedTimes"]
    assert few.notes == ()


def test_a_clock_that_was_set_back_starts_nothing_again() -> None:
    decision = decided(cron_job(), last=NOON, now=NOON - 30 * MINUTE)

    assert (decision.start, decision.next_at) == (None, NOON + HOUR)


def test_one_that_is_suspended_starts_nothing() -> None:
    decision = decided(cron_job(suspend=True), run("old", NOON, active=True))

    assert (decision.start, decision.next_at, decision.surplus) == (None, None, ())


def test_with_allow_another_job_runs_beside() -> None:
    assert decided(cron_job(), run("old", NOON - HOUR, active=True)).start == NOON


def test_with_forbid_a_time_waits_for_the_end_of_a_job() -> None:
    thing = cron_job(concurrencyPolicy="Forbid")
    busy = decided(thing, run("old", NOON - HOUR, active=True))
    again = schedules.decide(
        thing, busy.standing, 0.0, [run("old", 0.0, active=True)], NOON + 1, UTC
    )
    free = schedules.decide(thing, busy.standing, 0.0, [run("old", 0.0)], NOON + 9, UTC)

    assert (busy.start, [note.reason for note in busy.notes]) == (None, ["JobAlreadyActive"])
    assert (again.start, again.notes) == (None, ())
    assert free.start == NOON


def test_with_replace_the_job_before_goes() -> None:
    thing = cron_job(concurrencyPolicy="Replace")
    old, older = run("old", 2.0, active=True), run("older", 1.0, active=True)
    due = decided(thing, older, old)
    left = schedules.decide(thing, due.standing, 0.0, [older, old], NOON + 1, UTC)

    assert due.start == NOON
    assert set(due.surplus) == {old.ref, older.ref}
    # A pass was killed between the start and the removal.
    assert left.surplus == (older.ref,)


def test_of_jobs_that_have_ended_the_newest_stay() -> None:
    good = [run(f"good{number}", float(number)) for number in range(5)]
    failed = [run(f"failed{number}", float(number), failed=True) for number in range(3)]
    runs = [*good, *failed, run("now", 9.0, active=True)]
    by_default = decided(cron_job(), *runs)
    none = decided(cron_job(successfulJobsHistoryLimit=0, failedJobsHistoryLimit=0), *runs)

    assert {ref.name for ref in by_default.surplus} == {"good0", "good1", "failed0", "failed1"}
    assert len(none.surplus) == 8


def test_the_job_has_the_name_of_its_time_and_says_whose_it_is() -> None:
    job = schedules.job(cron_job(), NOON, UTC)
    metadata = job.metadata

    assert (metadata.name, metadata.namespace) == (f"backup-{int(NOON) // 60}", "shop")
    assert metadata.labels == {"app": "b"}
    assert metadata.annotations == {
        "podpy.dev/network": "inner",
        "note": "x",
        schedules.SCHEDULED_AT: "2026-03-01T12:00:00Z",
    }
    assert (schedules.is_counted(job), job.spec) == (True, cron_job().spec.job_template.spec)


def test_a_job_by_hand_is_not_counted() -> None:
    job = schedules.manual(cron_job(), "now")

    assert not schedules.is_counted(job)
    assert job.metadata.annotations[schedules.MANUAL] == "manual"


@pytest.mark.parametrize("name", ["backup", "a.b"])
def test_the_apply_set_of_its_jobs_tells_the_cron_job(name: str) -> None:
    ref = Ref(kind="CronJob", namespace="shop", name=name)

    assert schedules.owner(schedules.applyset(ref)) == ref
    assert schedules.owner("shop") is None
    assert kinds.BY_KIND["CronJob"].api_version == "batch/v1"
