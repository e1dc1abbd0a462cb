"""Podman on the same host: neither takes anything from the other, rules and ports included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

PULL = f"podman pull -q oci:/root/image:{samples.IMAGE}"
SERVE = "mkdir /www; echo podman >/www/index.html; exec httpd -f -p 80 -h /www"
RUN = f'podman run -d --name other -p 8081:80 {samples.IMAGE} sh -c "{SERVE}"'
OTHER = f"{samples.FETCH} http://127.0.0.1:8081/"


def both(machine: Machine, *, podpy_first: bool) -> None:
    machine.write("/root/web.yaml", samples.WEB)
    play = "podpy kube play /root/web.yaml"
    machine.sh(f"{PULL}; {play}; {RUN}" if podpy_first else f"{PULL}; {RUN}; {play}")


@pytest.mark.parametrize("podpy_first", [True, False])
def test_both_serve_and_what_one_removes_leaves_the_other(
    machine: Machine, podpy_first: bool
) -> None:
    both(machine, podpy_first=podpy_first)
    assert machine.sh(samples.SERVED) == "hello\n"
    assert machine.sh(OTHER) == "podman\n"
    assert machine.sh("podpy diff -f /root/web.yaml").startswith("nothing to change")

    machine.sh("podman stop -t 1 other; podman start other")
    assert machine.sh(samples.SERVED) == "hello\n"
    machine.sh("podpy kube down /root/web.yaml")
    assert machine.sh(OTHER) == "podman\n"
    machine.sh("podpy kube play /root/web.yaml; podman rm -f -t 1 other; podman system prune -af")

    assert machine.sh(samples.SERVED) == "hello\n"
    assert machine.sh("podpy diff -f /root/web.yaml").startswith("nothing to change")


def test_their_pods_reach_each_other(machine: Machine) -> None:
    both(machine, podpy_first=True)
    podman = machine.sh("podman inspect other -f '{{.NetworkSettings.IPAddress}}'").strip()
    podpy = machine.sh("podpy get pod web -o 'jsonpath={.status.podIP}'").strip()

    assert podman.split(".")[:2] != podpy.split(".")[:2]
    assert "podman" in machine.sh(f'podpy exec web -- sh -c "{samples.asked(podman)}"')
    assert "hello" in machine.sh(f'podman exec other sh -c "{samples.asked(podpy)}"')


def test_a_port_that_podman_has_is_refused(machine: Machine) -> None:
    both(machine, podpy_first=True)
    machine.write("/root/late.yaml", samples.WEB.replace("web", "late").replace("8080", "8081"))

    done = machine.run("podpy", "kube", "play", "/root/late.yaml")

    assert done.status == 125
    assert "8081" in done.stderr
    assert machine.sh(OTHER) == "podman\n"
