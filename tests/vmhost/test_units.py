"""`podpy render systemd`: systemd starts, restarts and ends pods that podpy's runtime makes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

UNITS = "/etc/systemd/system"
WEB = f"""\
apiVersion: v1
kind: Secret
metadata: {{name: key}}
stringData: {{word: open-sesame}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web-a}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 5
      initContainers:
      - name: fill
        image: {samples.IMAGE}
        command: [sh, -c, "echo hello >/data/index.html"]
        volumeMounts: [{{name: data, mountPath: /data}}]
      containers:
      - name: srv
        image: {samples.IMAGE}
        command: [sh, -c, "trap 'exit 0' TERM; echo up; httpd -f -p 80 -h /data & wait"]
        env: [{{name: WORD, valueFrom: {{secretKeyRef: {{name: key, key: word}}}}}}]
        ports: [{{containerPort: 80, hostPort: 8080}}]
        resources: {{limits: {{memory: 64Mi, cpu: 500m}}}}
        livenessProbe:
          exec: {{command: [sh, -c, "test ! -e /sick"]}}
          periodSeconds: 2
          failureThreshold: 1
          timeoutSeconds: 60
        volumeMounts: [{{name: data, mountPath: /data}}]
      volumes: [{{name: data, persistentVolumeClaim: {{claimName: data}}}}]
"""
POD, FILL, SERVER = (f"podpy-default_web-a{end}.service" for end in ("", "_fill", "_srv"))
# The sidecar would hold the Job for ever if nobody ended it; its startup probe holds the rest.
JOB = f"""\
apiVersion: batch/v1
kind: Job
metadata: {{name: sum}}
spec:
  backoffLimit: 2
  template:
    spec:
      restartPolicy: Never
      terminationGracePeriodSeconds: 5
      initContainers:
      - name: side
        image: {samples.IMAGE}
        restartPolicy: Always
        command: [sh, -c, "trap 'exit 0' TERM; touch /tally/up; while :; do sleep 1; done"]
        startupProbe: {{exec: {{command: [test, -e, /tally/up]}}, periodSeconds: 1}}
        volumeMounts: [{{name: tally, mountPath: /tally}}]
      containers:
      - name: sum
        image: {samples.IMAGE}
        command: [sh, -c, "test -e /tally/up || exit 5; mkdir /tally/once && exit 4; exit 0"]
        volumeMounts: [{{name: tally, mountPath: /tally}}]
      volumes: [{{name: tally, emptyDir: {{}}}}]
"""

# Serves what systemd listens at, and says that it is well until it is asked for /hang.
PROGRAM = """
import os, signal, socket
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
systemd.connect(os.environ["NOTIFY_SOCKET"])
server, well = socket.socket(fileno=3), True
server.settimeout(1)
while True:
    if well:
        systemd.send(b"WATCHDOG=1")
    try:
        peer, _ = server.accept()
    except TimeoutError:
        continue
    well = b"/hang" not in peer.recv(4096)
    told = "{LISTEN_PID} {LISTEN_FDS} {LISTEN_FDNAMES}".format(**os.environ)
    peer.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + told.encode())
    peer.close()
"""
HOSTS = {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64"}
LAZY = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "lazy",
            "annotations": {"podpy.dev/socket": "app", "podpy.dev/watchdog": "app=30s"},
        },
        "spec": {
            "terminationGracePeriodSeconds": 5,
            "containers": [
                {
                    "name": "app",
                    "image": samples.IMAGE,
                    "command": ["/usr/bin/python3", "-c", PROGRAM],
                    "ports": [{"containerPort": 80, "hostPort": 8080}],
                    "volumeMounts": [
                        {"name": name, "mountPath": f"/{name}", "readOnly": True} for name in HOSTS
                    ],
                }
            ],
            "volumes": [{"name": name, "hostPath": {"path": HOSTS[name]}} for name in HOSTS],
        },
    }
)
LAZY_APP = "podpy-default_lazy_app.service"


def render(machine: Machine, manifest: str) -> None:
    machine.write("/root/app.yaml", manifest)
    machine.sh(f"podpy render systemd -f /root/app.yaml -o {UNITS} && systemctl daemon-reload")


def shown(machine: Machine, unit: str, *keys: str) -> tuple[str, ...]:
    """Return what `systemctl show` says of some properties of a unit."""
    return tuple(machine.sh(f"systemctl show -P {key} {unit}").strip() for key in keys)


def test_units_run_a_pod_from_enabling_to_disabling(machine: Machine) -> None:
    render(machine, WEB)
    machine.sh(f"systemctl enable --now {POD}")
    served = machine.sh(samples.SERVED)
    (group,) = shown(machine, SERVER, "ControlGroup")
    place = f"/sys/fs/cgroup{group}"

    assert served == "hello\n"
    assert shown(machine, FILL, "ActiveState", "SubState") == ("active", "exited")
    assert group.rpartition("/")[0].endswith("podpy-default-web\\x2da.slice")
    assert machine.sh(f"cat '{place}/container/memory.max'").strip() == str(64 << 20)
    assert machine.sh("podpy exec web-a -- sh -c 'echo $WORD'") == "open-sesame\n"
    assert machine.sh("podpy get pod web-a -o 'jsonpath={.status.phase}'") == "Running"
    assert "up\n" in machine.sh(f"journalctl -q -o cat -u {SERVER}")
    assert machine.sh("podpy logs web-a -c srv") == "up\n"
    assert machine.sh("podpy top pods --no-headers").split()[0] == "web-a"

    # The agent looks at pods meanwhile; it must leave the restart to systemd.
    machine.sh("podpy agent >/root/agent.log 2>&1 & echo started")
    machine.sh(f"kill -9 $(head -n 1 '{place}/container/cgroup.procs')")
    machine.until(f"test $(systemctl show -P NRestarts {SERVER}) = 1")
    machine.until(f"test $(systemctl show -P SubState {SERVER}) = running")

    assert machine.sh(samples.SERVED) == "hello\n"
    restarts = "podpy get pod web-a -o 'jsonpath={.status.containerStatuses[0].restartCount}'"
    assert machine.sh(restarts) == "1"

    machine.sh("podpy exec web-a -- touch /sick")
    machine.until(f"test $(systemctl show -P NRestarts {SERVER}) = 2")
    machine.until(f"test $(systemctl show -P SubState {SERVER}) = running")

    assert machine.sh(samples.SERVED) == "hello\n"

    machine.reboot()

    assert machine.sh(samples.SERVED) == "hello\n"
    refused = machine.run("podpy", "delete", "pod", "web-a")
    assert f"systemctl disable --now {POD}" in refused.stderr

    machine.sh(f"systemctl disable --now {POD}")

    assert machine.sh("podpy get pods -A -o name") == ""
    assert machine.sh("systemctl list-units --plain --no-legend 'podpy-default_*'") == ""
    assert machine.sh("find /sys/fs/cgroup -path '*podpy*' -name '*web*'") == ""
    assert (
        machine.sh("ls /run/podpy/pods /run/podpy/crun /var/lib/podpy/pods | grep -c - || true")
        == "0\n"
    )
    assert machine.sh("systemctl list-units --failed --plain --no-legend 'podpy*'") == ""
    assert machine.sh("cat /var/lib/podpy/volumes/default/data/index.html") == "hello\n"


def test_what_dies_with_its_conmon_is_started_again(machine: Machine) -> None:
    render(machine, WEB)
    machine.sh(f"systemctl start {POD}")
    machine.until(f"test $(systemctl show -P SubState {SERVER}) = running")

    machine.sh(f"kill -9 $(systemctl show -P MainPID {SERVER})")
    machine.until(f"test $(systemctl show -P NRestarts {SERVER}) = 1")

    assert machine.sh(samples.SERVED) == "hello\n"
    assert machine.sh("pgrep -c httpd").strip() == "1"


def test_a_job_ends_well_after_another_try_and_its_sidecar_with_it(machine: Machine) -> None:
    render(machine, JOB)
    machine.sh("systemctl start podpy-default_sum.service")
    machine.until("test $(podpy get pod sum -o 'jsonpath={.status.phase}') = Succeeded")
    machine.until("test $(systemctl show -P ActiveState podpy-default_sum_side.service) = inactive")

    tried = "podpy get pod sum -o 'jsonpath={.status.containerStatuses[0].restartCount}'"
    assert machine.sh(tried) == "1"
    assert shown(machine, "podpy-default_sum_sum.service", "Result") == ("success",)
    assert shown(machine, "podpy-default_sum_side.service", "Result") == ("success",)


def test_a_container_starts_with_the_first_connection_and_again_when_it_hangs(
    machine: Machine,
) -> None:
    render(machine, LAZY)
    machine.sh("systemctl enable --now podpy-default_lazy.service")

    assert shown(machine, LAZY_APP, "ActiveState") == ("inactive",)
    assert machine.sh(samples.SERVED) == "1 1 app"
    assert shown(machine, LAZY_APP, "ActiveState", "WatchdogUSec") == ("active", "30s")

    machine.sh(f"{samples.FETCH} http://127.0.0.1:8080/hang")
    machine.until(f"test $(systemctl show -P NRestarts {LAZY_APP}) = 1")

    assert machine.sh(samples.SERVED) == "1 1 app"

    machine.sh("systemctl disable --now podpy-default_lazy.service")

    assert machine.sh("podpy get pods -A -o name") == ""
    assert machine.run("curl", "--max-time", "20", "http://127.0.0.1:8080/").status == 7
