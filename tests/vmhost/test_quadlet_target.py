"""A Sync whose target is quadlet, on a host with systemd and Podman 5.4."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples
from tests.vmhost.test_quadlet import INFRA, PAUSE, PULL

if TYPE_CHECKING:
    from tests.vmhost.machine import Done, Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

UNITS = "/etc/containers/systemd"
SYNC = """\
apiVersion: podpy.dev/v1
kind: Sync
metadata: {name: shop}
spec:
  source: {directory: {path: /srv/shop}}
  target: quadlet
  timeout: 4m
"""


def pod(name: str, command: str) -> str:
    return f"""\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: {samples.IMAGE}
    command: [sh, -c, "{command}"]
    env: [{{name: WORD, valueFrom: {{configMapKeyRef: {{name: {name}, key: word}}}}}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}}}
data: {{word: one}}
"""


def reconciled(machine: Machine, status: int = 0, verb: str = "reconcile") -> Done:
    done = machine.run("podpy", "sync", verb, "shop")
    journal = "" if done.status == status else machine.sh("journalctl -b -n 60 --no-pager")
    assert done.status == status, f"{done.stdout}{done.stderr}{journal}"
    return done


def since(machine: Machine, *names: str) -> list[str]:
    """Return when these services began."""
    units = " ".join(f"{name}.service" for name in names)
    return machine.sh(f"systemctl show -P ActiveEnterTimestampMonotonic {units}").split()


def test_a_sync_converges_by_units_and_goes_back_when_they_do_not_run(machine: Machine) -> None:
    machine.write("/etc/containers/containers.conf.d/infra.conf", INFRA)
    machine.write("/etc/podpy/syncs.d/shop.yaml", SYNC)
    machine.write("/srv/shop/web.yaml", pod("web", "sleep 100000"))
    machine.write("/srv/shop/db.yaml", pod("db", "sleep 100000"))
    machine.sh(f"{PAUSE}{PULL}")

    # It begins, and a second pass changes nothing.
    assert reconciled(machine, status=1, verb="diff").stdout
    assert "pod/web created" in reconciled(machine).stdout
    assert machine.sh("systemctl is-active web-main db-main").split() == ["active"] * 2
    reconciled(machine, status=0, verb="diff")
    before = since(machine, "web-main", "db-main")
    assert "created" not in reconciled(machine).stdout
    assert since(machine, "web-main", "db-main") == before

    # Of a changed ConfigMap, what uses it begins anew, and nothing else.
    machine.sh("sed -i 's/word: one/word: two/' /srv/shop/web.yaml")
    reconciled(machine)
    web, db = since(machine, "web-main", "db-main")
    assert (web != before[0], db) == (True, before[1])
    assert "WORD=two" in machine.sh("podman exec web-main env")

    # What drifts is mended, and told.
    machine.sh(f"systemctl stop db-pod; echo '# mine' >>{UNITS}/web.pod")
    told = reconciled(machine).stdout
    assert "db-pod.service" in told
    assert "web.pod was changed by hand" in told
    assert machine.sh("systemctl is-active db-main web-main").split() == ["active"] * 2
    assert "mine" not in machine.sh(f"cat {UNITS}/web.pod")

    # podpy's own runtime keeps away from what systemd runs.
    machine.write("/root/web.yaml", pod("web", "sleep 1"))
    refused = machine.run("podpy", "apply", "-f", "/root/web.yaml")
    assert (refused.status, "systemd runs" in refused.stderr) == (1, True), refused.stderr
    assert machine.run("podpy", "delete", "pod", "web").status == 1

    # A revision that does not run is taken back as a whole.
    machine.sh("sed -i 's/sleep 100000/exit 3/' /srv/shop/web.yaml")
    reconciled(machine, status=3)
    assert machine.sh("systemctl is-active web-main").strip() == "active"
    assert "sleep 100000" in machine.sh(f"cat {UNITS}/web-main.container")

    # What is no longer in the source is stopped, and its files are gone.
    machine.sh("rm /srv/shop/web.yaml")
    reconciled(machine)
    names = machine.sh(f"ls {UNITS}").split()
    assert [name for name in names if name.startswith("web")] == []
    assert machine.sh("podman ps --format '{{.Names}}' | grep -c web || true").strip() == "0"
    assert machine.sh("systemctl is-active db-main").strip() == "active"
    history = json.loads(machine.sh("podpy sync history shop -o json"))
    assert history

    machine.sh("podpy sync rm shop")
    assert machine.sh(f"find {UNITS} -type f") == ""
    assert machine.sh("podman ps -aq; podman pod ps -q") == ""
    assert machine.sh("systemctl list-units --failed --plain --no-legend") == ""
