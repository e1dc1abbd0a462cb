"""What is broken of a pod's network by hand: `diff` says it, the next pass puts it right."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.kernel import syscalls
from runtime.kernel.inside import Inside
from tests.fixtures.command import wait_until
from tests.fixtures.udp import Answering

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

PORT = 18491
POD = f"""
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: httpd
    image: localhost/podpy-test/busybox:1
    command: [httpd, -f, -p, "80"]
    ports: [{{containerPort: 80, hostPort: {PORT}}}]
"""


class Scene:
    """A pod that runs, and what of it can be broken."""

    def __init__(self, podpy: Podpy, paths: Paths, file: Path) -> None:
        self.podpy, self.paths, self.file = podpy, paths, file
        (self.uid,) = os.listdir(paths.pods)
        self.pid = Path(f"{paths.container(self.uid, 'httpd')}/pid").read_text().strip()
        links = {name: self.alias(name) for name in os.listdir("/sys/class/net")}
        about = f"podpy {paths.instance}"
        (self.bridge,) = [n for n, alias in links.items() if alias.startswith(f"{about} network")]
        (self.link,) = [n for n, alias in links.items() if alias.startswith(f"{about} pod")]
        (self.gateway,) = [
            line.split()[3] for line in self.shell(f"ip -o -4 address show dev {self.bridge}")
        ]
        self.etc = paths.pod_etc(self.uid)

    @staticmethod
    def alias(link: str) -> str:
        path = Path(f"/sys/class/net/{link}/ifalias")
        return path.read_text() if path.exists() else ""

    @staticmethod
    def shell(command: str) -> list[str]:
        done = subprocess.run(command.split(), check=True, capture_output=True, text=True)
        return done.stdout.splitlines()

    def inside(self, command: str) -> list[str]:
        return self.shell(f"nsenter -t {self.pid} -n {command}")

    def set_bridge(self, name: str, value: str) -> None:
        Path(f"/proc/sys/net/ipv4/conf/{self.bridge}/{name}").write_text(value)

    def kill_name_server(self) -> None:
        pid = int(Path(f"{self.paths.networks}/default/dnsmasq.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the end of dnsmasq")


DAMAGES: dict[str, tuple[Callable[[Scene], object], str]] = {
    "bridge down": (lambda s: s.shell(f"ip link set {s.bridge} down"), "was down"),
    "bridge address": (
        lambda s: s.shell(f"ip address delete {s.gateway} dev {s.bridge}"), "lacked the address"
    ),
    "bridge gone": (lambda s: s.shell(f"ip link delete {s.bridge}"), "was missing"),
    "route_localnet": (lambda s: s.set_bridge("route_localnet", "0"), "route_localnet was not 1"),
    "link down": (lambda s: s.shell(f"ip link set {s.link} down"), "is down"),
    "link off the bridge": (
        lambda s: s.shell(f"ip link set {s.link} nomaster"), "is not on bridge"
    ),
    "link gone": (lambda s: s.shell(f"ip link delete {s.link}"), "is missing"),
    "pod's link down": (lambda s: s.inside("ip link set eth0 down"), "had lost its"),
    "pod's address": (lambda s: s.inside("ip address flush dev eth0"), "had lost its address"),
    "pod's route": (lambda s: s.inside("ip route delete default"), "had lost its default route"),
    "name server": (lambda s: s.kill_name_server(), "name server of network default was not"),
    "records": (lambda s: os.unlink(f"{s.paths.networks}/default/hosts"), "were missing"),
    "record": (
        lambda s: shutil.rmtree(f"{s.paths.networks}/default"), "the record of network default"
    ),
    "resolv.conf": (
        lambda s: Path(f"{s.etc}/resolv.conf").write_text("nameserver 192.0.2.1\n"),
        "its /etc/resolv.conf was changed",
    ),
    "hosts": (lambda s: os.unlink(f"{s.etc}/hosts"), "its /etc/hosts was changed"),
    "port map": (
        lambda s: s.shell(f"nft flush map inet {s.paths.instance} ports"), "did not lead to"
    ),
    "table": (lambda s: s.shell(f"nft delete table inet {s.paths.instance}"), "was missing"),
}  # fmt: skip


def fetched() -> bool:
    done = subprocess.run(
        ["curl", "-s", "-o", "/dev/null", "-m", "5", "-w", "%{http_code}",
         # The server has perhaps been started a moment ago.
         "--retry", "5", "--retry-delay", "1", "--retry-connrefused",
         f"http://127.0.0.1:{PORT}/"], capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout == "404"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "web.yaml"
    path.write_text(POD)
    return path


def test_each_part_that_is_broken_is_told_and_repaired(
    podpy: Podpy, instance: Paths, busybox_image: Image, file: Path
) -> None:
    podpy.load(busybox_image)
    podpy.ok("apply", "-f", str(file))
    scene = Scene(podpy, instance, file)
    assert fetched()
    resolver = Path(f"{scene.etc}/resolv.conf").read_text()

    for name, (damage, said) in DAMAGES.items():
        damage(scene)
        told = podpy.run("diff", "-f", str(file))
        assert said in told.stdout, f"{name}: {told.stdout}{told.stderr}"
        repaired = podpy.ok("apply", "-f", str(file))
        assert "repair" in repaired, f"{name}: {repaired}"
        assert podpy.run("diff", "-f", str(file)).status == 0, name
        assert fetched(), name

    assert Path(f"{scene.etc}/resolv.conf").read_text() == resolver
    assert os.listdir(instance.pods) == [scene.uid], "the pod was never made anew"
    podpy.ok("delete", "-f", str(file))


def test_a_pod_whose_network_is_gone_without_a_trace_is_made_anew(
    podpy: Podpy, instance: Paths, busybox_image: Image, file: Path
) -> None:
    podpy.load(busybox_image)
    podpy.ok("apply", "-f", str(file))
    scene = Scene(podpy, instance, file)
    scene.shell(f"ip link delete {scene.bridge}")
    shutil.rmtree(f"{instance.networks}/default")

    told = podpy.run("diff", "-f", str(file)).stdout
    podpy.ok("apply", "-f", str(file))

    assert "the record of network default was missing" in told
    assert "[recreate]" in told
    assert fetched()
    assert "unchanged" in podpy.ok("apply", "-f", str(file))
    podpy.ok("delete", "-f", str(file))


def test_a_pod_that_rules_its_network_is_left_alone(
    podpy: Podpy, instance: Paths, busybox_image: Image, file: Path
) -> None:
    podpy.load(busybox_image)
    ruling = "securityContext: {capabilities: {add: [NET_ADMIN]}}"
    file.write_text(POD + f"    {ruling}\n")
    podpy.ok("apply", "-f", str(file))
    scene = Scene(podpy, instance, file)

    scene.inside("ip route delete default")
    Path(f"{scene.etc}/resolv.conf").write_text("nameserver 192.0.2.1\n")

    assert "unchanged" in podpy.ok("apply", "-f", str(file))
    podpy.ok("delete", "-f", str(file))


def join(inside: Inside, pid: str) -> None:
    with open(f"/proc/{pid}/ns/net", "rb") as netns:
        inside.call(syscalls.setns, netns.fileno())


def test_a_udp_client_keeps_its_socket_when_the_pod_is_replaced(
    podpy: Podpy, instance: Paths, busybox_image: Image, file: Path
) -> None:
    podpy.load(busybox_image)
    podpy.ok("network", "create", "far")
    (network,) = podpy.json("network", "inspect", "far", "-o", "json")
    start = network["gateway"].rpartition(".")[0]
    addresses = {"one": f"{start}.7", "two": f"{start}.8"}
    text = f"""
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {{{{round: {{name}}}}}}
  annotations: {{{{podpy.dev/network: far, podpy.dev/address: {{address}}}}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: httpd
    image: localhost/podpy-test/busybox:1
    command: [sleep, "1000"]
    ports: [{{{{containerPort: 80, hostPort: {PORT}, protocol: UDP}}}}]
"""

    def asked(client: socket.socket) -> str:
        client.sendto(b"who?", ("127.0.0.1", PORT))
        try:
            return client.recv(100).decode()
        except (TimeoutError, ConnectionRefusedError):
            return "nobody"

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        for name in ("one", "two"):
            file.write_text(text.format(name=name, address=addresses[name]))
            podpy.ok("apply", "-f", str(file))
            (uid,) = os.listdir(instance.pods)
            pid = Path(f"{instance.container(uid, 'httpd')}/pid").read_text().strip()
            with Inside(name) as inside:
                join(inside, pid)
                with Answering(inside, name):
                    assert asked(client) == name
        podpy.ok("delete", "-f", str(file))
        client.settimeout(1)
        assert asked(client) == "nobody"
