"""Few file descriptors, a clock that jumps, connections that outlive a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vmhost import samples

if TYPE_CHECKING:
    from tests.vmhost.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1800)]

MANY = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: many}}
spec:
  replicas: 12
  selector: {{matchLabels: {{app: many}}}}
  template:
    metadata: {{labels: {{app: many}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {{name: app, image: "{samples.IMAGE}", command: [sleep, "100000"]}}
"""
FAILING = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: failing}}
spec:
  containers:
  - {{name: app, image: "{samples.IMAGE}", command: [sh, -c, "sleep 1; exit 1"]}}
"""
RESTARTS = "podpy get pod failing -o 'jsonpath={.status.containerStatuses[0].restartCount}'"
# busybox has no server for datagrams; the host's Python is one.
ANSWER = (
    "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 7)); "
    "[s.sendto(b'NAME', s.recvfrom(9)[1]) for _ in iter(int, 1)]"
)
ANSWERING = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: NAME}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: app
    image: {samples.IMAGE}
    command: [chroot, /host, python3, -c, "{ANSWER}"]
    ports: [{{containerPort: 7, hostPort: 7007, protocol: UDP}}]
    volumeMounts: [{{name: host, mountPath: /host, readOnly: true}}]
  volumes: [{{name: host, hostPath: {{path: /}}}}]
"""
# One client, one socket: the kernel's connection tracking takes all its datagrams for one flow.
CLIENT = """\
import socket, subprocess, sys, time

asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(0.5)

def ask(name):
    until = time.monotonic() + 120
    while time.monotonic() < until:
        asking.sendto(b"who", (sys.argv[1], 7007))
        try:
            if asking.recv(100).decode().strip() == name:
                return
        except (TimeoutError, ConnectionRefusedError):
            time.sleep(0.1)
    sys.exit(f"{name} does not answer")

ask("one")
subprocess.run(["podpy", "kube", "down", "/root/one.yaml"], check=True)
subprocess.run(["podpy", "kube", "play", "/root/two.yaml"], check=True)
ask("two")
"""


def test_many_pods_come_and_go_with_few_file_descriptors(machine: Machine) -> None:
    machine.write("/root/many.yaml", MANY)

    machine.sh("ulimit -n 256; podpy kube play /root/many.yaml", timeout=900)

    assert machine.sh("podpy get pods").count("Running") == 12
    machine.sh("ulimit -n 256; podpy kube down /root/many.yaml", timeout=900)
    assert machine.run("pgrep", "conmon").status == 1


@pytest.mark.parametrize("jump", ["-1 day", "+1 day"])
def test_a_clock_that_jumps_stops_and_delays_nothing(machine: Machine, jump: str) -> None:
    machine.write("/root/app/web.yaml", samples.WEB)
    machine.write("/root/app/failing.yaml", FAILING)
    machine.sh("podpy apply -f /root/app")
    machine.until(f"test $({RESTARTS}) -ge 1")
    before = machine.sh("podpy get pods -o 'jsonpath={.items[*].metadata.uid}'")

    machine.sh(f"date -s '{jump}'")

    count = int(machine.sh(RESTARTS))
    machine.until(f"test $({RESTARTS}) -gt {count}")
    machine.sh("podpy apply -f /root/app")
    assert machine.sh("podpy get pods -o 'jsonpath={.items[*].metadata.uid}'") == before
    assert machine.sh(samples.SERVED) == "hello\n"
    assert "-" not in machine.sh("podpy get pods --no-headers | awk '{print $5}'")  # their age


@pytest.mark.parametrize("address", ["127.0.0.1", "192.0.2.1"])
def test_a_udp_client_follows_a_port_of_the_host_to_its_next_pod(
    machine: Machine, address: str
) -> None:
    machine.sh("ip link add outer type dummy; ip address add 192.0.2.1/24 dev outer")
    machine.write("/root/client.py", CLIENT)
    for name in ("one", "two"):
        machine.write(f"/root/{name}.yaml", ANSWERING.replace("NAME", name))
    machine.sh("podpy kube play /root/one.yaml")

    machine.sh(f"python3 /root/client.py {address}")
