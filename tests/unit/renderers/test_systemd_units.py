from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from manifests import codec
from manifests.faults import Invalid
from manifests.pod import Pod
from renderers import systemd_units

if TYPE_CHECKING:
    from renderers.quadlet.unit import File

APP = {"name": "app", "image": "busybox"}
APP_UNIT = "podpy-shop_web_app.service"


def pod(*, name: str = "web", annotations: dict[str, str] | None = None, **spec: Any) -> Pod:
    found: Pod = codec.restore(
        Pod,
        {
            "metadata": {"name": name, "namespace": "shop", "annotations": annotations or {}},
            "spec": {"containers": [APP], **spec},
        },
    )
    return found


def files(one: Pod, **source: Any) -> dict[str, File]:
    wanted = systemd_units.Source(pod=one, origin="here", podpy="/usr/bin/podpy", **source)
    return {file.name: file for file in systemd_units.render(wanted)}


def keys(file: File) -> dict[str, str]:
    """Return the keys of a unit; none of those looked at here is there twice."""
    lines = file.content.decode().splitlines()
    assert lines[0] == "# here"
    return dict(line.split("=", 1) for line in lines[1:] if "=" in line)


def unit(
    name: str = APP_UNIT, *, source: dict[str, Any] | None = None, **spec: Any
) -> dict[str, str]:
    return keys(files(pod(**spec), **(source or {}))[name])


def test_a_pod_is_a_slice_a_service_and_one_for_each_container() -> None:
    assert list(files(pod(containers=[APP, {**APP, "name": "log"}]))) == [
        "podpy-shop-web.slice",
        "podpy-shop_web.service",
        APP_UNIT,
        "podpy-shop_web_log.service",
    ]


def test_the_pods_service_starts_its_containers_and_outlives_them() -> None:
    shared = unit("podpy-shop_web.service", source={"aliases": ("web-pod",)})
    own = unit()

    assert shared["Wants"] == APP_UNIT
    assert shared["WantedBy"] == "multi-user.target"
    assert shared["ExecStart"] == (
        "/usr/bin/podpy internal unit start %Y/podpy-shop_web.yaml web-pod"
    )
    assert own["BindsTo"] == "podpy-shop_web.service"
    assert own["After"] == "podpy-shop_web.service"
    assert own["Slice"] == "podpy-shop-web.slice"


@pytest.mark.parametrize(
    ("policy", "restart", "forced"),
    [("Always", "always", None), ("OnFailure", "on-failure", "143"), ("Never", "no", None)],
)
def test_the_restart_policy_is_systemds_to_keep(
    policy: str, restart: str, forced: str | None
) -> None:
    own = unit(restartPolicy=policy)

    assert own["Restart"] == restart
    assert own.get("RestartForceExitStatus") == forced
    assert own["StartLimitIntervalSec"] == "0"


def test_a_stop_that_went_as_asked_is_no_failure() -> None:
    quits = {**APP, "lifecycle": {"stopSignal": "SIGQUIT"}}

    assert unit()["SuccessExitStatus"] == "143"
    assert unit(containers=[quits])["SuccessExitStatus"] == "131 143"
    assert unit(terminationGracePeriodSeconds=7)["TimeoutStopSec"] == "27"


def test_init_containers_come_first_and_must_go_well_and_sidecars_must_only_run() -> None:
    init = [
        {**APP, "name": "first"},
        {**APP, "name": "proxy", "restartPolicy": "Always"},
        {**APP, "name": "second"},
    ]
    made = files(pod(initContainers=init))
    first, proxy, second, app = (
        keys(made[f"podpy-shop_web_{name}.service"]) for name in ("first", "proxy", "second", "app")
    )

    assert (first["Type"], first["RemainAfterExit"]) == ("oneshot", "yes")
    assert first["ExecStart"].endswith("internal unit complete %Y/podpy-shop_web.yaml first")
    assert (proxy["Type"], proxy["Restart"]) == ("notify", "always")
    assert second["After"].split()[1:] == [
        f"podpy-shop_web_{one}.service" for one in ("first", "proxy")
    ]
    assert app["Requires"].split() == [
        f"podpy-shop_web_{one}.service" for one in ("first", "second")
    ]
    assert app["After"].split()[-1] == "podpy-shop_web_second.service"


def test_an_init_container_that_may_not_be_repeated_is_not() -> None:
    name = "podpy-shop_web_first.service"
    own = unit(name, restartPolicy="Never", initContainers=[{**APP, "name": "first"}])

    assert own["ExecStart"].endswith(" first 0")


def test_a_jobs_containers_end_and_its_sidecars_with_them() -> None:
    sidecar = {**APP, "name": "proxy", "restartPolicy": "Always"}
    made = files(pod(restartPolicy="Never", initContainers=[sidecar]), retries=3)
    app, proxy = (keys(made[f"podpy-shop_web_{name}.service"]) for name in ("app", "proxy"))

    assert app["Type"] == "oneshot"
    assert "RemainAfterExit" not in app
    assert app["ExecStart"].endswith(" app 3")
    assert app["Wants"] == "podpy-shop_web_proxy.service"
    assert proxy["StopWhenUnneeded"] == "yes"
    assert keys(made["podpy-shop_web.service"])["Wants"] == APP_UNIT


def test_a_service_has_its_containers_limits_and_room_for_podpy() -> None:
    limited = {**APP, "resources": {"limits": {"memory": "64Mi", "cpu": "250m"}}}
    own = unit(containers=[limited], annotations={"io.podman.annotations.pids-limit/app": "20"})

    assert own["MemoryMax"] == str((64 << 20) + systemd_units.MEMORY_ROOM)
    assert own["CPUQuota"] == f"{25 + systemd_units.CPU_ROOM}%"
    assert own["TasksMax"] == str(20 + systemd_units.TASKS_ROOM)
    assert "MemoryMax" not in unit()
    assert unit()["TasksMax"] == "infinity"


def test_a_slice_has_what_its_containers_come_to_if_each_has_a_limit() -> None:
    def memory(name: str, amount: str) -> dict[str, Any]:
        return {**APP, "name": name, "resources": {"limits": {"memory": amount}}}

    room = systemd_units.MEMORY_ROOM
    both = [memory("app", "64Mi"), memory("log", "16Mi")]
    whole = unit("podpy-shop-web.slice", containers=both)
    large = unit("podpy-shop-web.slice", containers=both, initContainers=[memory("init", "1Gi")])

    assert whole["MemoryMax"] == str((80 << 20) + 2 * room)
    assert large["MemoryMax"] == str((1 << 30) + room)
    assert "MemoryMax" not in unit(
        "podpy-shop-web.slice", containers=[both[0], APP | {"name": "x"}]
    )


def test_devices_are_shut_out_but_for_privileged_containers() -> None:
    free = {**APP, "securityContext": {"privileged": True}}

    assert unit()["DevicePolicy"] == "closed"
    assert "DevicePolicy" not in unit(containers=[free])


def test_a_startup_probe_has_the_time_it_takes() -> None:
    probed = {**APP, "startupProbe": {"exec": {"command": ["true"]}}}

    assert unit(containers=[probed])["TimeoutStartSec"] == "infinity"
    assert unit(activeDeadlineSeconds=60)["RuntimeMaxSec"] == "60"


def test_a_command_with_signs_of_systemds_is_quoted() -> None:
    source = systemd_units.Source(pod=pod(), origin="here", podpy="/opt/a b/100%/podpy")
    made = {file.name: file for file in systemd_units.render(source)}

    assert keys(made[APP_UNIT])["ExecStart"].startswith('"/opt/a b/100%%/podpy" internal unit run ')


def test_names_that_systemd_does_not_take_are_refused() -> None:
    with pytest.raises(Invalid, match="so long a name"):
        files(pod(name="a" * 240))


SERVED = {**APP, "ports": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]}


def test_a_container_that_waits_for_connections_is_started_by_its_socket() -> None:
    ports = [
        *SERVED["ports"],
        {"containerPort": 53, "hostPort": 53, "protocol": "UDP", "hostIP": "::1"},
    ]
    asked = {"podpy.dev/socket": "app"}
    made = files(pod(annotations=asked, containers=[{**SERVED, "ports": ports}]))
    name = "podpy-shop_web_app.socket"
    socket, own = keys(made[name]), keys(made[APP_UNIT])

    assert (socket["ListenStream"], socket["ListenDatagram"]) == ("8080", "[::1]:53")
    assert socket["PartOf"] == "podpy-shop_web.service"
    assert socket["WantedBy"] == "sockets.target"
    assert keys(made["podpy-shop_web.service"])["Wants"] == name
    assert own["Requires"] == name
    assert own["After"] == f"podpy-shop_web.service {name}"


def test_a_watchdog_hears_the_container() -> None:
    own = unit(annotations={"podpy.dev/watchdog": "app=1m30s"})

    assert (own["WatchdogSec"], own["NotifyAccess"]) == ("90000000us", "all")
    assert "WatchdogSec" not in unit()


def test_a_job_has_neither() -> None:
    asked = {"podpy.dev/watchdog": "app=30s"}

    with pytest.raises(Invalid, match="neither sockets nor watchdogs"):
        files(pod(annotations=asked), retries=1)
