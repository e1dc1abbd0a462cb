"""systemd takes the host down: pods are asked first, have their grace, and keep nobody waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

TRAP = "trap 'sleep 2; echo asked >>/data/said; exit 0' TERM"
APP = f"""\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: slow}}
spec:
  terminationGracePeriodSeconds: 60
  containers:
  - name: c
    image: {samples.IMAGE}
    command: [sh, -c, "{TRAP}; echo up >>/data/said; while :; do sleep 0.2; done"]
    lifecycle: {{preStop: {{exec: {{command: [sh, -c, "sleep 1; echo before >>/data/said"]}}}}}}
    volumeMounts: [{{name: data, mountPath: /data}}]
  volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
---
apiVersion: batch/v1
kind: Job
metadata: {{name: long}}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 1
      containers: [{{name: c, image: "{samples.IMAGE}", command: [sleep, "100000"]}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: once}}
spec:
  restartPolicy: Never
  containers: [{{name: c, image: "{samples.IMAGE}", command: [sh, -c, "echo said once"]}}]
---
{samples.WEB}"""
SAID = "cat /var/lib/podpy/volumes/default/data/said"
PHASES = (
    "podpy get pods -o 'jsonpath={range .items[*]}{.status.phase}{\"\\n\"}{end}' | sort | uniq -c"
)


def phases(machine: Machine) -> dict[str, int]:
    lines = (line.split() for line in machine.sh(PHASES).splitlines())
    return {phase: int(count) for count, phase in lines}


@pytest.mark.parametrize("agent", [True, False], ids=["with the agent", "without one"])
def test_a_reboot_gives_pods_their_grace_and_waits_for_nothing_else(
    machine: Machine, agent: bool
) -> None:
    machine.write("/root/app.yaml", APP)
    if agent:
        machine.sh(samples.AGENT)
    machine.sh("podpy apply -f /root/app.yaml")
    machine.until("podpy get pod once --no-headers | grep Completed")
    # What systemd waits for after all units have stopped is told on the console, and there alone.
    machine.sh("dmesg -n 8")
    before = len(machine.console())

    machine.reboot()

    told = machine.console()[before:]
    assert "Rebooting." in told
    # Without podpy's unit: Waiting for process: 677 (httpd), 672 (conmon), 676 (sleep) ...
    assert "(conmon)" not in told
    if agent:
        machine.until(f"test $({SAID} | wc -l) -ge 4")
        machine.until(f"{PHASES} | grep '3 Running'")
    else:
        assert machine.sh("podpy get pods --no-headers 2>/dev/null") == ""
        machine.sh("podpy apply -f /root/app.yaml")
    assert machine.sh(SAID).split() == ["up", "before", "asked", "up"]
    assert phases(machine) == {"Running": 3, "Succeeded": 1}
    assert machine.sh("podpy logs once") == "said once\n"
    events = machine.sh("podpy events")
    assert events.count("imminent node shutdown") == 3
    assert "BackOff" not in events
    assert machine.sh("podpy diff -f /root/app.yaml").startswith("nothing to change")


def test_the_pods_unit_is_not_stopped_by_hand(machine: Machine) -> None:
    machine.write("/root/web.yaml", samples.WEB)
    machine.sh("podpy kube play /root/web.yaml")
    assert machine.sh("systemctl is-active podpy-pods") == "active\n"

    done = machine.run("systemctl", "stop", "podpy-pods")
    machine.sh("systemctl daemon-reload; podpy internal halt")

    assert done.status != 0
    assert "refused" in done.stderr
    assert machine.sh("systemctl is-active podpy-pods") == "active\n"
    assert machine.sh(samples.SERVED) == "hello\n"
