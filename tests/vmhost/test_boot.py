"""A host that boots without its network, and an agent that ends: pods come again, or run on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

# The remote's address and link are this boot's alone: the next one has neither, nor a route.
REMOTE = f"""
ip link add outer type dummy
ip address add 192.0.2.1/24 dev outer
ip link set outer up
{samples.KEYS}
until ssh-keyscan -t ed25519 192.0.2.1 >/root/known_hosts 2>/dev/null; do sleep 0.5; done
test -d /srv/app.git || git init -q -b main --bare /srv/app.git
test -d /root/work || git clone -q /srv/app.git /root/work 2>/dev/null
"""
PUSH = """
cd /root/work
git add -A
git -c user.name=a -c user.email=a@host.example commit -q -m change
git push -q origin HEAD:main
git rev-parse HEAD
"""
ADD = (
    "podpy sync add app --url ssh://root@192.0.2.1/srv/app.git --interval 1h --timeout 60s "
    "--ssh-key-file /root/.ssh/id_ed25519 --known-hosts-file /root/known_hosts"
)
APP = f"""\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: key}}
stringData: {{word: swordfish}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: app}}
spec:
  strategy: {{type: Recreate}}
  selector: {{matchLabels: {{app: app}}}}
  template:
    metadata: {{labels: {{app: app}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: c
        image: {samples.IMAGE}
        command: [sh, -c, "echo $WORD from VERSION >>/data/starts; exec sleep 100000"]
        env: [{{name: WORD, valueFrom: {{secretKeyRef: {{name: key, key: word}}}}}}]
        volumeMounts: [{{name: data, mountPath: /data}}]
      volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
---
{samples.WEB}"""
# What tells a container that has been started again: its process's start, in ticks since boot.
LIVES = (
    "podpy get pods -o 'jsonpath={.items[*].metadata.uid}'; for pid in $(pgrep -x conmon; "
    "pgrep -x httpd; pgrep -x sleep); do awk '{print $1, $2, $22}' /proc/$pid/stat; done"
)
MAIN_PID = "systemctl show -P MainPID podpy-agent"


def pushed(machine: Machine, app: str) -> str:
    """Push manifests to the remote; return the commit."""
    machine.write("/root/work/app.yaml", app)
    return machine.sh(PUSH).strip()


def status(machine: Machine) -> dict[str, Any]:
    """How the Sync is."""
    (listed,) = json.loads(machine.sh("podpy sync status app -o json"))
    return dict(listed["status"])


def history(machine: Machine) -> int:
    """How many passes of the Sync have made news."""
    return len(json.loads(machine.sh("podpy sync history app -o json")))


def test_without_a_network_the_last_good_revision_runs_again_after_a_boot(machine: Machine) -> None:
    machine.sh(REMOTE)
    good = pushed(machine, APP.replace("VERSION", "one"))
    machine.sh(f"{ADD}\n{samples.AGENT}")
    machine.until("podpy sync ls | grep Ready")
    pushed(machine, APP.replace("VERSION", "two").replace("containers:", "contaners:"))
    machine.run("podpy", "sync", "reconcile", "app")
    assert status(machine)["state"] == "Invalid"

    machine.reboot()

    assert machine.run("ip", "route", "get", "192.0.2.1").status != 0
    machine.until("podpy sync ls | grep Unreachable")
    found = status(machine)
    assert (found["applied"], found["good"]) == (good, good)
    assert "192.0.2.1" in found["message"]
    assert machine.sh(samples.SERVED) == "hello\n"
    starts = machine.sh("podpy exec deploy/app -- cat /data/starts")
    assert starts == "swordfish from one\n" * 2
    # Nothing was taken away, and further passes find nothing to do.
    assert "Deleted" not in machine.sh("podpy events")
    lives, lines = machine.sh(LIVES), history(machine)
    for _ in range(2):
        assert machine.run("podpy", "sync", "reconcile", "app").status == 1
    assert (machine.sh(LIVES), history(machine)) == (lives, lines)

    machine.sh(REMOTE)
    newer = pushed(machine, APP.replace("VERSION", "three"))
    machine.sh("podpy sync reconcile app")

    assert status(machine)["applied"] == newer
    assert (
        machine.sh("podpy exec deploy/app -- cat /data/starts") == f"{starts}swordfish from three\n"
    )


def test_an_agent_that_is_restarted_killed_or_upgraded_leaves_pods_alone(machine: Machine) -> None:
    machine.write("/root/app.yaml", APP)
    machine.sh(f"{samples.AGENT}\npodpy apply -f /root/app.yaml")
    before = machine.sh(LIVES)

    machine.sh("systemctl restart podpy-agent")
    assert machine.sh(LIVES) == before

    for _ in range(2):
        killed = machine.sh(MAIN_PID).strip()
        machine.sh(f"kill -9 {killed}")
        machine.until(f"systemctl is-active podpy-agent && ! {MAIN_PID} | grep -wE '0|{killed}'")
    assert machine.sh(LIVES) == before

    machine.sh(
        "cp -a /opt/podpy /opt/newer; cd /opt/newer; rm -rf /opt/podpy; "
        "sed -i 's/^VERSION = .*/VERSION = \"99.0\"/' podpy/__init__.py; "
        "python3 tools/write_launcher.py /usr/local/bin/podpy . /usr/lib/python3/dist-packages; "
        "systemctl restart podpy-agent"
    )
    assert "podpy 99.0: the agent follows" in machine.sh("journalctl -u podpy-agent --no-pager")
    assert machine.sh("podpy diff -f /root/app.yaml").startswith("nothing to change")
    assert machine.sh(LIVES) == before

    # What the older podpy has made goes on by the newer one's hook, with no agent, too.
    machine.sh("systemctl stop podpy-agent; kill -9 $(pgrep -x httpd)")
    machine.until("pgrep -x httpd")
    assert machine.sh(samples.SERVED) == "hello\n"
