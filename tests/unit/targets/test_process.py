"""reconciler.targets.host.process: Kubernetes' tables and the kubelet's formulas."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import codec
from manifests.container import Container, SeccompProfile, SeccompType
from manifests.pod import PodSpec
from manifests.quantity import Quantity
from reconciler.targets.host import blocked, process
from reconciler.targets.host.process import Identity, QoS

GI = 1 << 30


def container(**fields: Any) -> Container:
    return codec.restore(Container, {"name": "app", **fields})


def pod(*containers: Container, **security: Any) -> PodSpec:
    raw = {"containers": [{"name": "other"}], "securityContext": security}
    return codec.restore(PodSpec, raw).replace(containers=containers or (container(),))


def words(**fields: Any) -> tuple[str, ...]:
    return process.argv(
        container(**fields), ("/entry", "-e"), ("cmd",), {"A": "1"}, label="Pod/web"
    )


@pytest.mark.parametrize(
    ("fields", "argv"),
    [
        ({}, ("/entry", "-e", "cmd")),
        ({"command": ["run"]}, ("run",)),
        ({"args": ["x"]}, ("/entry", "-e", "x")),
        ({"command": ["run"], "args": ["x"]}, ("run", "x")),
        ({"command": ["$(A)"], "args": ["$(B)", "$$(A)"]}, ("1", "$(B)", "$(A)")),
    ],
)
def test_command_and_args_by_kubernetes_table(
    fields: dict[str, Any], argv: tuple[str, ...]
) -> None:
    assert words(**fields) == argv


def test_nothing_to_run_is_told() -> None:
    with pytest.raises(blocked.Blocked, match="neither the manifest nor the image"):
        process.argv(container(), (), (), {}, label="Pod/web")


def test_the_image_is_not_expanded() -> None:
    assert process.argv(container(), ("$(A)",), (), {"A": "1"}, label="") == ("$(A)",)


def test_the_working_directory_falls_back_to_the_images_and_the_root() -> None:
    assert process.working_dir(container(workingDir="/w"), "/image") == "/w"
    assert process.working_dir(container(), "/image") == "/image"
    assert process.working_dir(container(), "") == "/"


@pytest.mark.parametrize(
    ("own", "pods", "image", "wanted"),
    [
        ({}, {}, "", "0"),
        ({}, {}, "app:staff", "app:staff"),
        ({}, {"runAsUser": 7}, "app", "7"),
        ({"runAsUser": 0}, {"runAsUser": 7}, "app", "0"),
    ],
)
def test_whom_to_look_up(own: Any, pods: Any, image: str, wanted: str) -> None:
    found = process.user_to_resolve(pod(**pods), container(securityContext=own), image)

    assert found == wanted


def who(own: Any, pods: Any, resolved: Identity) -> Identity:
    return process.identity(pod(**pods), container(securityContext=own), resolved, label="Pod/web")


def test_groups_are_the_images_and_the_pods() -> None:
    found = who(
        {"runAsGroup": 50},
        {"supplementalGroups": [60, 5], "fsGroup": 70, "runAsGroup": 51},
        Identity(uid=5, gid=5, groups=(5, 6)),
    )

    assert found == Identity(uid=5, gid=50, groups=(50, 5, 6, 60, 70))


@pytest.mark.parametrize(
    ("own", "pods", "message"),
    [
        ({"runAsUser": 0, "runAsNonRoot": True}, {}, "runAsUser breaks non-root policy"),
        ({"runAsUser": 0}, {"runAsNonRoot": True}, "runAsUser breaks non-root policy"),
        ({"runAsNonRoot": True}, {}, "has runAsNonRoot and image will run as root"),
    ],
)
def test_root_is_refused_where_it_is_forbidden(own: Any, pods: Any, message: str) -> None:
    with pytest.raises(blocked.Blocked, match=message) as caught:
        who(own, pods, Identity(uid=0))

    assert caught.value.reason == "CreateContainerConfigError"


def test_others_pass_and_the_container_overrules_the_pod() -> None:
    assert who({"runAsNonRoot": True}, {}, Identity(uid=33)).uid == 33
    assert who({"runAsNonRoot": False}, {"runAsNonRoot": True}, Identity()).uid == 0


def test_privileges_may_grow_unless_that_is_forbidden() -> None:
    def of(**own: Any) -> bool:
        return process.no_new_privileges(container(securityContext=own).security_context)

    assert not of()
    assert not of(allowPrivilegeEscalation=True)
    assert of(allowPrivilegeEscalation=False)


@pytest.mark.parametrize(
    ("own", "pods", "kind"),
    [
        ({}, {}, SeccompType.RUNTIME_DEFAULT),
        ({}, {"seccompProfile": {"type": "Unconfined"}}, SeccompType.UNCONFINED),
        (
            {"seccompProfile": {"type": "RuntimeDefault"}},
            {"seccompProfile": {"type": "Unconfined"}},
            SeccompType.RUNTIME_DEFAULT,
        ),
        (
            {"privileged": True, "seccompProfile": {"type": "RuntimeDefault"}},
            {},
            SeccompType.UNCONFINED,
        ),
    ],
)
def test_the_seccomp_profile_in_force(own: Any, pods: Any, kind: SeccompType) -> None:
    context = container(securityContext=own).security_context

    found = process.seccomp_profile(context, pod(**pods).security_context)

    assert found == SeccompProfile(type=kind)


@pytest.mark.parametrize(
    ("cpu", "shares", "quota"),
    [
        ("0", 2, None),
        ("1m", 2, 1000),
        ("100m", 102, 10_000),
        ("1", 1024, 100_000),
        ("2.5", 2560, 250_000),
        ("300", 262_144, 30_000_000),
        ("175921860", 262_144, 17_592_186_000_000),
        ("175921861", 262_144, None),
        ("1e9", 262_144, None),
    ],
)
def test_cpus_are_converted_as_the_kubelet_does(cpu: str, shares: int, quota: int | None) -> None:
    milli = Quantity(cpu).milli()

    assert (process.shares(milli), process.quota(milli)) == (shares, quota)


def test_a_container_without_resources_gets_the_least_shares_and_no_limit() -> None:
    found = process.limits(container().resources, swap_limits=True)

    assert (found.cpu_shares, found.cpu_quota, found.memory_limit) == (2, None, None)


def test_a_cpu_limit_is_a_request_where_there_is_none() -> None:
    resources = {"limits": {"cpu": "500m", "memory": "64Mi"}}

    found = process.limits(container(resources=resources).resources, swap_limits=True)

    assert (found.cpu_shares, found.cpu_quota) == (512, 50_000)
    assert found.memory_limit == found.memory_swap == 64 << 20


def test_swap_is_not_limited_where_the_host_cannot() -> None:
    resources = container(resources={"limits": {"memory": "64Mi"}}).resources

    assert process.limits(resources, swap_limits=False).memory_swap is None


FIXED = {"limits": {"cpu": "1", "memory": "1Gi"}}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([{}], QoS.BEST_EFFORT),
        ([{"limits": {"cpu": "0"}}], QoS.BEST_EFFORT),
        ([{"limits": {"nvidia.com/gpu": "1"}}], QoS.BEST_EFFORT),
        ([FIXED], QoS.GUARANTEED),
        ([{**FIXED, "requests": {"cpu": "1000m", "memory": "1024Mi"}}], QoS.GUARANTEED),
        ([{**FIXED, "requests": {"cpu": "1"}}], QoS.GUARANTEED),
        ([{**FIXED, "requests": {"cpu": "500m"}}], QoS.BURSTABLE),
        ([FIXED, {}], QoS.BURSTABLE),
        ([{"requests": {"memory": "1Mi"}}], QoS.BURSTABLE),
        ([{"limits": {"memory": "1Gi"}}], QoS.BURSTABLE),
    ],
)
def test_quality_of_service(resources: list[dict[str, Any]], expected: QoS) -> None:
    spec = pod(*(container(resources=each) for each in resources))

    assert process.qos(spec) is expected


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, 1000),
        (FIXED, -997),
        ({"requests": {"memory": "2Gi"}}, 750),
        ({"requests": {"cpu": "1"}}, 999),
        ({"requests": {"memory": "8Gi"}}, 3),
        ({"requests": {"memory": "16Gi"}}, 3),
        ({"limits": {"memory": "4Gi"}}, 500),
    ],
)
def test_who_dies_first_when_memory_runs_out(resources: dict[str, Any], expected: int) -> None:
    one = container(resources=resources)

    assert process.oom_score_adj(pod(one), one, 8 * GI) == expected


def test_a_sidecar_is_as_safe_as_whom_it_serves() -> None:
    sidecar = container(restartPolicy="Always")
    spec = pod(container(resources={"requests": {"memory": "2Gi"}})).replace(
        init_containers=(sidecar,)
    )

    assert process.oom_score_adj(spec, sidecar, 8 * GI) == 750


def test_a_pods_memory_is_limited_when_that_of_every_container_is() -> None:
    limited = container(resources={"limits": {"memory": "1Gi"}})

    assert process.memory_limit(pod(limited, limited)) == 2 * GI
    assert process.memory_limit(pod(limited, container())) is None
