"""What podpy was started in ends, a unit or a login: pods, their conmons and their names live on.

logind is told to kill what a session leaves, root's too, as some administrators do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

KILLING = "[Login]\nKillUserProcesses=yes\nKillExcludeUsers=\n"
SSH = "ssh -o StrictHostKeyChecking=no -o ConnectTimeout=60 root@127.0.0.1"
STARTED = {
    "a unit that ends": "systemd-run --unit=x --wait podpy kube play /root/web.yaml",
    "a unit that is stopped": "systemd-run --unit=x --service-type=oneshot --remain-after-exit "
    "podpy kube play /root/web.yaml; systemctl stop x",
    "su -": "su - root -c 'podpy kube play /root/web.yaml'",
    "ssh": f"{SSH} podpy kube play /root/web.yaml",
}


def conmon_of_web(machine: Machine) -> str:
    return machine.sh("pgrep -x conmon").strip()


@pytest.mark.parametrize("session", STARTED)
def test_pods_and_their_names_outlive_it(machine: Machine, session: str) -> None:
    machine.write("/etc/systemd/logind.conf.d/killing.conf", KILLING)
    machine.write("/root/web.yaml", samples.WEB)
    machine.sh(f"systemctl restart systemd-logind\n{samples.KEYS}")

    machine.sh(STARTED[session])

    machine.until('test -z "$(loginctl list-sessions --no-legend | grep -v manager)"')
    assert machine.sh(samples.SERVED) == "hello\n"
    assert "Address" in machine.sh("podpy exec web -- nslookup web.default.svc.cluster.local")
    # And the supervisor does its work: what dies is started again, with nothing resident.
    before = conmon_of_web(machine)
    machine.sh("podpy exec web -- kill -9 1; kill -9 $(pgrep -x httpd)")
    machine.until(f"pgrep -x conmon | grep -vx {before}")
    assert machine.sh(samples.SERVED) == "hello\n"
    assert machine.sh("podpy diff -f /root/web.yaml").startswith("nothing to change")


def test_the_agents_unit_restarts_and_stops_without_touching_pods(machine: Machine) -> None:
    machine.write("/root/web.yaml", samples.WEB)
    machine.sh(samples.AGENT)
    machine.sh("podpy apply -f /root/web.yaml")
    before = conmon_of_web(machine)

    machine.sh("systemctl restart podpy-agent; systemctl stop podpy-agent")

    assert conmon_of_web(machine) == before
    assert machine.sh(samples.SERVED) == "hello\n"
    assert "failed" not in machine.sh("systemctl show -p Result -p ActiveState podpy-agent")


def test_the_agent_puts_right_what_is_taken_from_the_host(machine: Machine) -> None:
    machine.write("/root/web.yaml", samples.WEB)
    machine.sh(samples.AGENT)
    machine.sh("podpy apply -f /root/web.yaml")

    machine.sh("nft flush ruleset")

    machine.until("nft list table inet podpy")
    assert machine.sh(samples.SERVED) == "hello\n"


def test_a_unit_that_plays_is_active_as_long_as_its_pods_run(machine: Machine) -> None:
    machine.write("/etc/web.yaml", samples.WEB)
    machine.write("/etc/systemd/system/web.service", samples.UNIT)
    machine.sh("systemctl daemon-reload; systemctl start web")
    assert machine.sh(samples.SERVED) == "hello\n"

    machine.sh("systemctl restart web")
    assert machine.sh(samples.SERVED) == "hello\n"
    machine.sh("systemctl is-active web; systemctl stop web")

    assert machine.run("pgrep", "conmon").status == 1
    assert machine.sh("podpy get pods --no-headers 2>/dev/null") == ""
    assert machine.sh("systemctl show -p Result -p ActiveState web").split() == [
        "Result=success",
        "ActiveState=inactive",
    ]
