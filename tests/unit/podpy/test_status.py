"""podpy.status: pods in every state, as kubectl would show them."""

from __future__ import annotations

from manifests.container import Container, ContainerRestart
from manifests.meta import ObjectMeta
from manifests.observed import (
    ContainerRecord,
    ContainerState,
    Phase,
    PodRecord,
    PodState,
    Stage,
    Termination,
)
from manifests.pod import Pod, PodSpec, RestartPolicy
from podpy import status

NOW = 1_000_000.0


def running(name: str, *, attempt: int = 0, last: Termination | None = None) -> ContainerState:
    record = ContainerRecord(
        attempt=attempt, container_id=f"id.{name}", started_at=NOW - 50, last=last
    )
    return ContainerState(name=name, stage=Stage.RUNNING, record=record, pid=7)


def exited(
    name: str, code: int, *, reason: str = "", attempt: int = 0, backoff: float = 0.0
) -> ContainerState:
    ended = Termination(
        exit_code=code,
        reason=reason or ("Error" if code else "Completed"),
        started_at=NOW - 9,
        finished_at=NOW - 5,
    )
    record = ContainerRecord(
        attempt=attempt, container_id=f"id.{name}", started_at=NOW - 9, backoff=backoff
    )
    return ContainerState(name=name, stage=Stage.EXITED, record=record, ended=ended)


def absent(name: str) -> ContainerState:
    return ContainerState(name=name, stage=Stage.ABSENT)


def pod(
    *states: ContainerState,
    inits: tuple[str, ...] = (),
    sidecars: tuple[str, ...] = (),
    policy: RestartPolicy = RestartPolicy.ALWAYS,
    finished: bool = False,
    deleting: bool = False,
) -> PodState:
    """A pod with these containers; those named in `inits` and `sidecars` are init containers."""
    containers = {state.name: Container(name=state.name, image="i") for state in states}
    spec = PodSpec(
        init_containers=tuple(
            one.replace(restart_policy=ContainerRestart.ALWAYS) if name in sidecars else one
            for name, one in containers.items()
            if name in inits
        ),
        containers=tuple(one for name, one in containers.items() if name not in inits),
        restart_policy=policy,
    )
    record = PodRecord(
        uid="u",
        pod=Pod(metadata=ObjectMeta(name="web", namespace="default"), spec=spec),
        spec_hash="h",
        address="10.1.0.2",
        created_at=NOW - 60,
        complete=not finished,
        finished=finished,
        deleting=deleting,
    )
    return PodState(record=record, containers={state.name: state for state in states})


def words(state: PodState) -> tuple[str, str]:
    seen = status.summary(state, NOW)
    return f"{seen.ready}/{seen.total}", seen.word


def test_running_containers_are_ready() -> None:
    seen = status.summary(pod(running("a"), running("b", attempt=2)), NOW)

    assert (seen.ready, seen.total, seen.word, seen.restarts) == (2, 2, "Running", 2)


def test_a_container_that_waits_for_its_restart_is_in_crash_loop() -> None:
    state = pod(exited("a", 1, attempt=3, backoff=20.0), running("b"))

    assert words(state) == ("1/2", "CrashLoopBackOff")
    told = status.wire(state, "192.0.2.1", NOW)["containerStatuses"][0]
    assert told["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert told["lastState"]["terminated"]["exitCode"] == 1
    assert told["restartCount"] == 3


def test_a_container_whose_restart_is_due_shows_how_it_ended() -> None:
    assert words(pod(exited("a", 1), running("b"))) == ("1/2", "Error")


def test_ends_have_their_reason() -> None:
    never = RestartPolicy.NEVER

    assert words(pod(exited("a", 0), policy=never, finished=True)) == ("0/1", "Completed")
    assert words(pod(exited("a", 137, reason="OOMKilled"), policy=never)) == ("0/1", "OOMKilled")
    assert words(pod(exited("a", 0), running("b"), policy=never)) == ("1/2", "NotReady")


def test_what_is_not_there_yet_is_being_created() -> None:
    assert words(pod(absent("a"))) == ("0/1", "ContainerCreating")
    assert words(pod(exited("i", 0), absent("a"), inits=("i",))) == ("0/1", "PodInitializing")


def test_init_containers_are_counted() -> None:
    inits = ("i", "j")

    assert words(pod(running("i"), absent("j"), absent("a"), inits=inits))[1] == "Init:0/2"
    assert words(pod(exited("i", 0), running("j"), absent("a"), inits=inits))[1] == "Init:1/2"


def test_a_failed_init_container_is_named() -> None:
    failed = exited("i", 1)
    loop = exited("i", 1, attempt=2, backoff=30.0)

    assert words(pod(failed, absent("a"), inits=("i",), policy=RestartPolicy.NEVER))[1] == (
        "Init:Error"
    )
    assert words(pod(loop, absent("a"), inits=("i",)))[1] == "Init:CrashLoopBackOff"


def test_a_sidecar_counts_as_a_container() -> None:
    state = pod(running("s", attempt=1), running("a"), inits=("s",), sidecars=("s",))
    seen = status.summary(state, NOW)

    assert (seen.ready, seen.total, seen.word, seen.restarts) == (2, 2, "Running", 1)


def test_a_pod_that_leaves_is_terminating() -> None:
    assert words(pod(running("a"), deleting=True))[1] == "Terminating"


def test_status_has_kubernetes_shape() -> None:
    last = Termination(exit_code=2, reason="Error", finished_at=NOW - 55, started_at=NOW - 58)
    told = status.wire(pod(running("a", attempt=1, last=last)), "192.0.2.1", NOW)

    assert told["phase"] == Phase.RUNNING.value
    assert told["podIP"] == "10.1.0.2"
    assert told["hostIP"] == "192.0.2.1"
    assert {one["type"]: one["status"] for one in told["conditions"]} == {
        "PodScheduled": "True",
        "Initialized": "True",
        "ContainersReady": "True",
        "Ready": "True",
    }
    (container,) = told["containerStatuses"]
    assert container["ready"]
    assert container["state"] == {"running": {"startedAt": status.stamp(NOW - 50)}}
    assert container["lastState"]["terminated"]["exitCode"] == 2
    assert "initContainerStatuses" not in told


def test_only_init_containers_are_ready_when_they_are_done() -> None:
    told = status.wire(
        pod(exited("i", 0), exited("a", 0), running("b"), inits=("i",), policy=RestartPolicy.NEVER),
        "",
        NOW,
    )

    assert [one["ready"] for one in told["initContainerStatuses"]] == [True]
    assert [one["ready"] for one in told["containerStatuses"]] == [False, True]


def test_conditions_name_what_they_wait_for() -> None:
    told = status.wire(pod(running("i"), absent("a"), inits=("i",)), "", NOW)
    said = {one["type"]: one for one in told["conditions"]}

    assert said["Initialized"]["message"] == "containers with incomplete status: [i]"
    assert said["Ready"]["message"] == "containers with unready status: [a]"
    assert told["phase"] == "Pending"
