"""Probes by the real command: what they ask, who runs them, and what becomes of containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures import traces
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  terminationGracePeriodSeconds: 0
  {pod}
  containers:
  - name: web
    image: "localhost/podpy-test/busybox:1"
    command: [sh, -c, "{script}"]
    ports: [{{containerPort: 8080, name: http}}]
    {probes}
"""
SERVE = "mkdir -p /www; echo ok >/www/ok; exec httpd -f -p 8080 -h /www"
LATER = "sleep 1; " + SERVE
READY = "readinessProbe: {httpGet: {path: /ok, port: http}, periodSeconds: 1}"


class Web:
    """A pod of one container, as the command shows it."""

    def __init__(self, podpy: Podpy, folder: Path) -> None:
        self.podpy, self.path = podpy, folder / "web.yaml"

    def write(self, script: str, *probes: str, pod: str = "") -> str:
        text = POD.format(script=script, probes="\n    ".join(probes), pod=pod)
        self.path.write_text(text)
        return str(self.path)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.podpy.json("get", "pod", "web", "-o", "json")["status"]
        return found

    def condition(self, kind: str = "Ready") -> str:
        (found,) = (one for one in self.status()["conditions"] if one["type"] == kind)
        return str(found["status"])

    def restarts(self) -> int:
        return int(self.status()["containerStatuses"][0]["restartCount"])

    def events(self) -> list[tuple[str, str]]:
        items = self.podpy.json("events", "--for", "pod/web", "-o", "json")["items"]
        return [(event["reason"], event["message"]) for event in items]


def of_pods(lines: list[str]) -> list[str]:
    return [line for line in lines if "conmon" in line or "/pods/" in line]


@pytest.fixture
def web(podpy: Podpy, image: str, tmp_path: Path) -> Iterator[Web]:
    yield Web(podpy, tmp_path)
    podpy.run("delete", "pod", "web")


def test_apply_ends_when_the_container_answers(web: Web) -> None:
    web.podpy.ok("apply", "-f", web.write(LATER, READY))
    seen = web.status()

    assert web.condition() == web.condition("ContainersReady") == "True"
    assert seen["containerStatuses"][0]["ready"]
    assert "1/1" in web.podpy.ok("get", "pods")


@pytest.mark.parametrize(
    "action",
    [
        "httpGet: {path: /none, port: 8080}",
        "tcpSocket: {port: 9}",
        "exec: {command: [sh, -c, 'echo not yet; exit 3']}",
    ],
)
def test_apply_says_why_a_pod_is_not_ready(web: Web, action: str) -> None:
    path = web.write(SERVE, f"readinessProbe: {{{action}, periodSeconds: 1}}")
    done = web.podpy.run("apply", "-f", path, "--timeout", "2s")

    assert done.status == 1
    said = {"h": "statuscode: 404", "t": "connection refused", "e": "not yet"}[action[0]]
    assert "container web: its readiness probe failed: " in done.stderr
    assert said in done.stderr
    assert web.condition() == "False"
    assert "0/1" in web.podpy.ok("get", "pods")
    assert web.status()["containerStatuses"][0]["started"]
    told = [message for reason, message in web.events() if reason == "Unhealthy"]
    assert told[-1].startswith("Readiness probe failed: ")
    assert said in told[-1]


def test_a_second_apply_does_not_take_what_is_not_ready_for_good(web: Web) -> None:
    path = web.write(SERVE, "readinessProbe: {tcpSocket: {port: 9}}")
    web.podpy.run("apply", "-f", path, "--timeout", "1s")

    assert web.podpy.run("apply", "-f", path, "--timeout", "1s").status == 1


def test_without_an_agent_a_pod_is_as_it_was_last_and_that_is_said(web: Web) -> None:
    web.podpy.ok("apply", "-f", web.write(SERVE, READY))
    told = web.podpy.ok("describe", "pod", "web")

    assert web.condition() == "True"
    assert "nobody runs its probes now" in told
    assert "http-get http://:http/ok delay=0s timeout=1s period=1s #success=1 #failure=3" in told
    assert "succeeded " in told


def test_a_container_that_fails_its_liveness_probe_is_restarted(web: Web) -> None:
    probe = "livenessProbe: {exec: {command: [test, -e, /tmp/well]}, periodSeconds: 1, "
    probe += "failureThreshold: 2}"
    path = web.write("touch /tmp/well; sleep 2; rm /tmp/well; exec sleep 1000", probe)
    web.podpy.start("agent")
    web.podpy.ok("apply", "-f", path)

    wait_until(lambda: web.restarts() >= 1, "it is restarted")
    told = web.events()
    assert ("Killing", "Container web failed liveness probe, will be restarted") in told
    assert any(reason == "Unhealthy" and "Liveness" in said for reason, said in told)


def test_a_container_that_never_restarts_has_failed(web: Web) -> None:
    probe = "livenessProbe: {tcpSocket: {port: 9}, periodSeconds: 1, failureThreshold: 1}"
    web.podpy.start("agent")
    web.podpy.ok("apply", "-f", web.write("exec sleep 1000", probe, pod="restartPolicy: Never"))

    wait_until(lambda: web.status()["phase"] == "Failed", "it is stopped")
    assert ("Killing", "Container web failed liveness probe") in web.events()


def test_the_agent_takes_a_pod_out_of_use_and_back(web: Web) -> None:
    web.podpy.start("agent")
    web.podpy.ok("apply", "-f", web.write(SERVE, READY))
    wait_until(lambda: "run by the agent" in web.podpy.ok("describe", "pod", "web"), "it probes")

    web.podpy.ok("exec", "web", "--", "mv", "/www/ok", "/www/no")
    wait_until(lambda: web.condition() == "False", "it is not ready")
    web.podpy.ok("exec", "web", "--", "mv", "/www/no", "/www/ok")
    wait_until(lambda: web.condition() == "True", "it is ready again")
    assert web.restarts() == 0


def test_a_startup_probe_holds_the_others_back(web: Web) -> None:
    startup = "startupProbe: {httpGet: {path: /ok, port: http}, periodSeconds: 1, "
    startup += "failureThreshold: 60}"
    liveness = "livenessProbe: {httpGet: {path: /ok, port: http}, failureThreshold: 1}"
    web.podpy.ok("apply", "-f", web.write("sleep 1; " + LATER, startup, liveness, READY))

    assert web.condition() == "True"
    assert web.restarts() == 0


def test_a_container_that_does_not_start_in_time_is_killed(web: Web) -> None:
    startup = "startupProbe: {tcpSocket: {port: 9}, periodSeconds: 1, failureThreshold: 1}"
    done = web.podpy.run("apply", "-f", web.write(SERVE, startup), "--timeout", "3s")

    assert "is not ready after 3 s: container web" in done.stderr
    assert ("Killing", "Container web failed startup probe, will be restarted") in web.events()
    assert web.restarts() >= 1


def test_an_exec_probe_that_hangs_is_killed_with_all_that_it_began(web: Web) -> None:
    hangs = "(setsid env -i sleep 777 &); sleep 777 & sleep 777"
    probe = f"readinessProbe: {{exec: {{command: [sh, -c, '{hangs}'], periodSeconds: 1}}"
    probe = probe.replace("'], ", "']}, ")
    done = web.podpy.run("apply", "-f", web.write("exec sleep 1000", probe), "--timeout", "2s")

    assert "timed out after 1s" in done.stderr
    left = web.podpy.ok("exec", "web", "--", "ps")
    assert "sleep 777" not in left


SIDECAR = """initContainers:
  - name: proxy
    image: "localhost/podpy-test/busybox:1"
    restartPolicy: Always
    command: [sh, -c, "sleep 1; mkdir -p /www; touch /www/ok; exec httpd -f -p 8081 -h /www"]
    startupProbe: {httpGet: {path: /ok, port: 8081}, periodSeconds: 1}
  - name: load
    image: "localhost/podpy-test/busybox:1"
    command: [wget, -q, -O, /dev/null, "http://127.0.0.1:8081/ok"]"""


@pytest.mark.parametrize("words", [("apply", "-f"), ("kube", "play")])
def test_a_sidecars_startup_probe_holds_the_next_ones_back(web: Web, words: list[str]) -> None:
    web.podpy.ok(*words, web.write("exec sleep 1000", pod=SIDECAR))
    proxy, load = web.status()["initContainerStatuses"]

    assert proxy["started"]
    assert load["restartCount"] == 0, "it was answered at its first try"
    assert load["state"]["terminated"]["exitCode"] == 0


def test_a_pod_on_the_hosts_network_is_probed_there(web: Web) -> None:
    probe = "readinessProbe: {httpGet: {path: /ok, port: 18733, host: 127.0.0.1}}"
    script = SERVE.replace("8080", "127.0.0.1:18733")
    text = web.write(script, probe, pod="hostNetwork: true")
    web.path.write_text(web.path.read_text().replace("8080, name", "18733, name"))
    web.podpy.ok("apply", "-f", text)

    assert web.condition() == "True"


def test_the_agent_takes_over_what_a_command_has_begun(web: Web) -> None:
    waiting = web.podpy.start("apply", "-f", web.write("sleep 4; " + SERVE, READY))
    wait_until(lambda: web.podpy.run("get", "pod", "web").status == 0, "the pod is there")
    wait_until(
        lambda: "a command that waits" in web.podpy.ok("describe", "pod", "web"), "it probes"
    )
    waiting.kill()
    waiting.wait(10)
    assert "nobody runs its probes now" in web.podpy.ok("describe", "pod", "web")

    web.podpy.start("agent")
    wait_until(lambda: web.condition() == "True", "the agent goes on")
    assert web.restarts() == 0


def test_a_restarted_container_begins_anew(web: Web) -> None:
    serve = (
        SERVE.replace("exec httpd -f", "httpd") + "; while [ ! -e /tmp/end ]; do sleep 0.1; done"
    )
    web.podpy.start("agent")
    web.podpy.ok("apply", "-f", web.write("sleep 1; " + serve, READY))

    web.podpy.ok("exec", "web", "--", "touch", "/tmp/end")
    wait_until(lambda: web.condition() == "False", "it is not ready")
    wait_until(lambda: web.condition() == "True", "it is ready again")
    assert web.restarts() == 1


def test_a_pod_is_removed_while_it_is_probed(web: Web) -> None:
    probe = "readinessProbe: {exec: {command: [sleep, '50']}, timeoutSeconds: 40}"
    web.podpy.run("apply", "-f", web.write("exec sleep 1000", probe), "--timeout", "1s")
    web.podpy.start("agent")
    wait_until(lambda: "run by the agent" in web.podpy.ok("describe", "pod", "web"), "it probes")

    web.podpy.ok("delete", "pod", "web")

    paths = web.podpy.paths
    assert traces.settled(lambda: of_pods(traces.of_instance(paths.instance, web.podpy.root))) == []


def test_handlers_ask_by_http(web: Web) -> None:
    script = (
        "mkdir -p /www/cgi-bin; touch /www/ok; "
        "printf '#!/bin/sh\\\\necho; echo $QUERY_STRING >>/told/log\\\\n' >/www/cgi-bin/note; "
        "chmod +x /www/cgi-bin/note; httpd -p 8080 -h /www; exec sleep 1000"
    )
    folder = web.path.parent / "told"
    folder.mkdir()
    lifecycle = "lifecycle: {preStop: {httpGet: {path: '/cgi-bin/note?down', port: http}}}"
    mounts = "volumeMounts: [{name: told, mountPath: /told}]"
    volume = f'volumes: [{{name: told, hostPath: {{path: "{folder}"}}}}]'
    path = web.write(script, lifecycle, mounts, READY, pod=volume)
    web.path.write_text(web.path.read_text().replace("PeriodSeconds: 0", "PeriodSeconds: 3"))
    web.podpy.ok("apply", "-f", path)
    web.podpy.ok("delete", "pod", "web")

    assert (folder / "log").read_text() == "down\n"


def test_a_container_whose_post_start_is_not_answered_is_stopped(web: Web) -> None:
    lifecycle = "lifecycle: {postStart: {tcpSocket: {port: 9}}}"
    web.podpy.run("apply", "-f", web.write(SERVE, lifecycle, pod="restartPolicy: Never"))

    told = dict(web.events())["FailedPostStartHook"]
    assert told.startswith("container web: dial tcp ")
    assert told.endswith(":9: connect: connection refused")
