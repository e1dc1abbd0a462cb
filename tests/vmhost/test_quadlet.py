"""What `podpy render quadlet` writes, run by systemd and Podman 5.4, through a reboot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

PULL = f"podman pull -q oci:/root/image:{samples.IMAGE}"
# Podman makes the image of what holds a pod's namespaces of catatonit, which is not there.
PAUSE = """
mkdir -p /root/pause/bin
cp /bin/busybox /root/pause/bin
for applet in sh sleep; do ln -sf busybox /root/pause/bin/$applet; done
cat >/root/pause/pause <<'END'
#!/bin/sh
trap 'exit 0' TERM
while :; do sleep 3600 & wait; done
END
chmod 755 /root/pause/pause
tar -C /root/pause -c . | podman import -q -c 'ENTRYPOINT ["/pause"]' - localhost/pause:1
"""
INFRA = '[engine]\ninfra_image = "localhost/pause:1"\n'
RENDER = (
    "podpy render quadlet -f /root/app.yaml -o /etc/containers/systemd; systemctl daemon-reload"
)
DATA = "$(podman volume inspect data --format {{.Mountpoint}})"
UP = "systemctl is-active web-main && podman exec web-main grep -q 1000 /scratch/out"

APP = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: conf}}
data: {{level: debug, odd: "100% of $HOME\\nand `more` \\"quotes\\""}}
---
apiVersion: v1
kind: Secret
metadata: {{name: key}}
stringData: {{word: "open $esame"}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web, labels: {{app: web}}}}
spec:
  terminationGracePeriodSeconds: 1
  securityContext: {{fsGroup: 2000, runAsUser: 1000}}
  initContainers:
  - name: first
    image: {samples.IMAGE}
    command: [sh, -c, "echo first >/scratch/first"]
    volumeMounts: [{{name: scratch, mountPath: /scratch}}]
  - name: side
    image: {samples.IMAGE}
    restartPolicy: Always
    command: [sh, -c, "touch /scratch/side; exec sleep 100000"]
    startupProbe: {{exec: {{command: [test, -e, /scratch/side]}}, periodSeconds: 1}}
    volumeMounts: [{{name: scratch, mountPath: /scratch}}]
  containers:
  - name: main
    image: {samples.IMAGE}
    command: [sh, -c]
    args:
    - |
      set -e
      cat /scratch/first /conf/level /key/word >/scratch/out
      echo "|$WORD|$ODD|$(LEVEL)|$HOSTNAME" >>/scratch/out
      stat -c %u:%g /scratch/out >>/scratch/out
      exec sleep 100000
    env:
    - {{name: WORD, valueFrom: {{secretKeyRef: {{name: key, key: word}}}}}}
    - {{name: ODD, valueFrom: {{configMapKeyRef: {{name: conf, key: odd}}}}}}
    - {{name: LEVEL, valueFrom: {{configMapKeyRef: {{name: conf, key: level}}}}}}
    livenessProbe: {{exec: {{command: [test, -e, /scratch/out]}}, periodSeconds: 2}}
    volumeMounts:
    - {{name: scratch, mountPath: /scratch}}
    - {{name: conf, mountPath: /conf}}
    - {{name: key, mountPath: /key}}
  volumes:
  - {{name: scratch, emptyDir: {{}}}}
  - {{name: conf, configMap: {{name: conf}}}}
  - {{name: key, secret: {{secretName: key, defaultMode: 0444}}}}
---
apiVersion: batch/v1
kind: Job
metadata: {{name: fill}}
spec:
  backoffLimit: 3
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: fill
        image: {samples.IMAGE}
        command: [sh, -c, "echo x >>/data/tries; [ $(wc -l </data/tries) -ge 2 ]"]
        volumeMounts: [{{name: data, mountPath: /data}}]
      volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: tick}}
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - name: tick
            image: {samples.IMAGE}
            command: [sh, -c, "echo x >>/data/ticks"]
            volumeMounts: [{{name: data, mountPath: /data, subPath: inner}}]
          volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
"""

WRITTEN = """\
first
debugopen $esame|open $esame|100% of $HOME
and `more` "quotes"|debug|web
1000:2000
"""


def rendered(machine: Machine) -> None:
    machine.write("/etc/containers/containers.conf.d/infra.conf", INFRA)
    machine.write("/root/app.yaml", APP)
    machine.sh(f"{PAUSE}{PULL}; {RENDER}")


def until(machine: Machine, condition: str) -> None:
    """Wait for a condition; say what the units say where it does not come."""
    waiting = f"timeout 280 sh -c 'until {condition}; do sleep 0.5; done'"
    done = machine.run("sh", "-c", f"{waiting} >/dev/null 2>&1 || journalctl -b -n 150 --no-pager")
    assert done.stdout == "", f"{condition}: {done.stdout}"


def test_pods_jobs_and_timers_run_and_come_back_after_a_reboot(machine: Machine) -> None:
    rendered(machine)
    machine.sh("systemctl start --no-block web-pod fill-fill")
    machine.sh("systemctl enable -q --now /etc/containers/systemd/tick.timer")
    until(machine, UP)

    assert machine.sh("podman exec web-main cat /scratch/out") == WRITTEN
    assert machine.sh("systemctl is-active web-first web-side") == "active\nactive\n"
    # The Job has failed once, was tried again, and is done.
    until(machine, "test -d /var/lib/podpy-rendered")
    assert machine.sh(f"wc -l <{DATA}/tries").strip() == "2"
    until(machine, f"test -s {DATA}/inner/ticks")

    machine.reboot()
    until(machine, UP)
    until(machine, "systemctl is-active tick.timer")
    machine.sh("systemctl start fill-fill")

    assert machine.sh(f"wc -l <{DATA}/tries").strip() == "2"
    assert machine.sh("systemctl list-units --failed --plain --no-legend") == ""


def test_what_a_probe_kills_starts_again_and_what_is_stopped_leaves_nothing(
    machine: Machine,
) -> None:
    rendered(machine)
    machine.sh("systemctl start web-pod")
    until(machine, UP)
    before = machine.sh("podman inspect web-main --format '{{.Id}}'")

    machine.sh("podman exec web-main rm /scratch/out")
    other = f'[ "$(podman inspect web-main --format {{{{.Id}}}})" != {before.strip()} ]'
    until(machine, f"{other} && {UP}")
    machine.sh("systemctl stop web-pod")
    until(machine, "! systemctl is-active web-scratch-volume")

    assert machine.sh("podman ps -aq; podman pod ps -q") == ""
    assert "web-scratch" not in machine.sh("podman volume ls -q")
