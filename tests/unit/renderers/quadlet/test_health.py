"""Probes and lifecycle handlers of Quadlet files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures.rendered import lines, one, pod, rendered

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from renderers.quadlet.unit import File

LIVE = {"exec": {"command": ["check", "$HOME 100%"]}}
READY = {"exec": {"command": ["ready", "now"]}}


def made(tmp_path: Path, **container: Any) -> tuple[File, list[str]]:
    files, lost = rendered(tmp_path, one(**container))
    return files["web-srv.container"], [problem.path for problem in lost]


def health(file: File) -> dict[str, str]:
    return {
        line.partition("=")[0]: line.partition("=")[2]
        for line in file.content.decode().splitlines()
        if line.startswith(("Health", "Notify="))
    }


def test_a_liveness_probe_is_podmans_health_check_that_kills(tmp_path: Path) -> None:
    probe = {**LIVE, "periodSeconds": 5, "timeoutSeconds": 2, "initialDelaySeconds": 7}
    unit, lost = made(tmp_path, livenessProbe=probe)

    assert lost == []
    assert health(unit) == {
        "HealthCmd": '["check", "$$HOME 100%%"]',
        "HealthInterval": "5s",
        "HealthTimeout": "2s",
        "HealthRetries": "3",
        "HealthStartPeriod": "7s",
        "HealthOnFailure": "kill",
    }


def test_a_readiness_probe_alone_is_looked_at_and_nothing_comes_of_it(tmp_path: Path) -> None:
    unit, lost = made(tmp_path, readinessProbe=READY)
    _, told = made(tmp_path, readinessProbe=READY, livenessProbe=LIVE)
    _, same = made(tmp_path, readinessProbe=LIVE, livenessProbe=LIVE)

    assert (health(unit)["HealthOnFailure"], lost) == ("none", [])
    assert told == [".spec.containers[0].readinessProbe"]
    assert same == []


def test_a_startup_probe_holds_the_others_back(tmp_path: Path) -> None:
    probe = {**READY, "periodSeconds": 1, "failureThreshold": 60}
    unit, lost = made(tmp_path, startupProbe=probe, livenessProbe=LIVE)

    assert lost == []
    assert health(unit)["HealthCmd"].startswith('["check"')
    assert health(unit)["HealthStartupCmd"] == '["ready", "now"]'
    assert health(unit)["HealthStartupRetries"] == "60"


def test_podman_wants_a_command_after_the_one_for_the_start(tmp_path: Path) -> None:
    unit, lost = made(tmp_path, startupProbe={**READY, "periodSeconds": 2})
    both, kept = made(tmp_path, startupProbe=READY, readinessProbe=LIVE)

    assert (lost, kept) == ([], [])
    assert health(unit)["HealthCmd"] == '["ready", "now"]'
    # As often: a unit that is to be healthy waits for its first success.
    assert health(unit)["HealthInterval"] == "2s"
    assert health(unit)["HealthOnFailure"] == "none"
    assert health(both)["HealthCmd"].startswith('["check"')
    assert health(both)["HealthOnFailure"] == "none"


def test_what_comes_after_a_sidecar_waits_until_it_has_started(tmp_path: Path) -> None:
    side = {"name": "side", "restartPolicy": "Always", "startupProbe": READY}
    files, _ = rendered(tmp_path, pod(initContainers=[side], containers=[{"name": "a"}]))

    assert health(files["web-side.container"])["Notify"] == "healthy"


def test_probes_over_the_network_are_told(tmp_path: Path) -> None:
    unit, lost = made(
        tmp_path,
        livenessProbe={"httpGet": {"port": 80}},
        readinessProbe={"tcpSocket": {"port": 80}},
        startupProbe={"grpc": {"port": 80}},
    )

    assert health(unit) == {}
    assert lost == [
        ".spec.containers[0].livenessProbe.httpGet",
        ".spec.containers[0].readinessProbe.tcpSocket",
        ".spec.containers[0].startupProbe.grpc",
    ]


def test_one_word_is_a_program_not_a_shells_command(tmp_path: Path) -> None:
    unit, _ = made(tmp_path, livenessProbe={"exec": {"command": ["/ready"]}})
    _, lost = made(tmp_path, livenessProbe={"exec": {"command": ["/re ady"]}})

    assert health(unit)["HealthCmd"] == "CMD /ready"
    assert lost == [".spec.containers[0].livenessProbe.exec.command"]


def test_handlers_are_commands_of_the_service(tmp_path: Path) -> None:
    life = {
        "postStart": {"exec": {"command": ["warm", "a b"]}},
        "preStop": {"sleep": {"seconds": 3}},
    }
    unit, lost = made(tmp_path, lifecycle=life)
    _, told = made(tmp_path, lifecycle={"preStop": {"httpGet": {"port": 80}}})

    assert lost == []
    assert lines(unit, "ExecStartPost") == ['/usr/bin/podman exec web-srv warm "a b"']
    assert lines(unit, "ExecStop") == [
        r"""-/bin/sh -c "[ -z \"$$MAINPID\" ] || sleep \"$$1\"" sh 3"""
    ]
    assert told == [".spec.containers[0].lifecycle.preStop"]
