"""The kind Network by the real command: applied, changed, refused, removed."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.net import subnets
from tests.fixtures import traces
from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

NETWORK = """
apiVersion: podpy.dev/v1
kind: Network
metadata: {{name: {name}}}
spec: {spec}
---
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {podpy.dev/network: front}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: c, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
"""
SUBNET = "198.18.77.0/24"


class Files:
    def __init__(self, podpy: Podpy, path: Path) -> None:
        self.podpy, self.path = podpy, path

    def write(self, spec: str, *, name: str = "front", pod: str = POD) -> str:
        self.path.write_text(NETWORK.format(name=name, spec=spec) + pod)
        return str(self.path)

    def network(self, name: str = "front") -> dict[str, Any]:
        (found,) = self.podpy.json("network", "inspect", name, "-o", "json")
        assert isinstance(found, dict)
        return found


@pytest.fixture
def files(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> Files:
    podpy.load(busybox_image)
    return Files(podpy, tmp_path / "app.yaml")


def mtu(*words: str) -> str:
    done = subprocess.run(
        [*words, "ip", "-o", "link", "show"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_what_a_network_leaves_open_is_chosen_and_kept(podpy: Podpy, files: Files) -> None:
    podpy.ok("apply", "-f", files.write("{}"))
    before = files.network()

    podpy.ok("apply", "-f", files.write("{internal: true, mtu: 1400}"))
    after = files.network()

    assert before["subnet"].endswith("/16")
    assert after == {**before, "internal": True, "mtu": 1400}
    assert [pod["name"] for pod in after["pods"]] == ["web"]
    podpy.ok("delete", "-f", str(files.path))
    assert podpy.json("network", "ls", "-o", "json") == []


def test_mtu_and_internal_change_under_running_pods(
    podpy: Podpy, instance: Paths, files: Files
) -> None:
    podpy.ok("apply", "-f", files.write("{internal: true}"))
    uid = podpy.json("get", "pod", "web", "-o", "json")["metadata"]["uid"]
    pid = Path(f"{instance.container(uid, 'c')}/pid").read_text().strip()
    changed = files.write("{mtu: 1400}")

    told = podpy.run("diff", "-f", changed).stdout
    podpy.ok("apply", "-f", changed)

    assert ".spec.mtu" in told
    assert ".spec.internal" in told
    inside = ("nsenter", "-t", pid, "-n")
    assert "eth0" in mtu(*inside)
    assert [line for line in mtu(*inside).splitlines() if "eth0" in line and "mtu 1400" in line]
    routes = subprocess.run(
        [*inside, "ip", "route"], capture_output=True, text=True, check=True
    ).stdout
    assert f"default via {files.network()['gateway']}" in routes
    assert podpy.run("diff", "-f", changed).status == 0
    podpy.ok("delete", "-f", changed)


def test_a_subnet_moves_only_where_no_pod_is(podpy: Podpy, files: Files) -> None:
    podpy.ok("apply", "-f", files.write("{}"))
    wished = files.write(f"{{subnet: {SUBNET}}}")

    for command in ("diff", "apply"):
        refused = podpy.run(command, "-f", wished)
        assert refused.status != 0
        assert ".spec.subnet: cannot change from" in refused.stderr
        assert "while pods are on the network: Pod/" in refused.stderr
    podpy.ok("delete", "pod", "web")
    podpy.ok("apply", "-f", files.write(f"{{subnet: {SUBNET}}}", pod=""))

    assert files.network()["gateway"] == "198.18.77.1"
    podpy.ok("apply", "-f", files.write("{driver: none}", pod=""))
    assert files.network()["link"] == ""
    podpy.ok("delete", "-f", str(files.path))


def test_a_subnet_of_another_network_or_of_the_host_is_refused(podpy: Podpy, files: Files) -> None:
    podpy.ok("apply", "-f", files.write(f"{{subnet: {SUBNET}}}", pod=""))
    wider = files.write("{subnet: 198.18.76.0/22}", name="back", pod="")
    taken = podpy.run("apply", "-f", wider)
    looped = podpy.run(
        "apply", "-f", files.write("{subnet: 198.18.77.128/25}", name="back", pod="")
    )

    assert f"back failed: subnet 198.18.76.0/22 overlaps with {SUBNET} of network front" in (
        taken.stderr
    )
    assert "overlaps with" in looped.stderr
    links = {one["name"]: one["link"] for one in podpy.json("network", "ls", "-o", "json")}
    assert links["front"]
    assert links["back"] == "", "it is wished and not there"
    podpy.ok("network", "prune")
    assert podpy.json("network", "ls", "-o", "json") == []


def test_a_used_network_is_neither_removed_nor_pruned(podpy: Podpy, files: Files) -> None:
    podpy.ok("apply", "-f", files.write("{}"))

    refused = podpy.run("network", "rm", "front")

    assert "in use by default/web" in refused.stderr
    assert podpy.ok("network", "prune") == ""
    podpy.ok("delete", "pod", "web")
    assert podpy.ok("network", "rm", "front") == "front\n"


def test_a_network_is_made_by_a_command_as_by_a_manifest(podpy: Podpy, files: Files) -> None:
    words = ("network", "create", "front", "--subnet", SUBNET, "--internal", "--mtu", "1400")

    assert podpy.ok(*words) == "front\n"
    made = files.network()
    assert "there is a network" in podpy.run(*words).stderr
    podpy.ok(*words, "--ignore")
    refused = podpy.run("network", "create", "back", "--subnet", "10.77.0.1/24")
    clashing = podpy.run("network", "create", "back", "--subnet", SUBNET)

    assert made["subnet"] == SUBNET
    assert made["internal"]
    assert "write 10.77.0.0/24" in refused.stderr
    assert "overlaps with" in clashing.stderr
    assert podpy.ok("network", "ls", "-q") == "front\n"
    same = files.write(f"{{subnet: {SUBNET}, internal: true, mtu: 1400}}")
    podpy.ok("apply", "-f", same)
    assert files.network()["pods"]
    podpy.ok("delete", "-f", same)


def test_pods_are_found_by_name_in_their_namespace_and_from_another(
    podpy: Podpy, files: Files, tmp_path: Path
) -> None:
    far = POD.replace("name: web", "name: far, namespace: shop")
    files.path.write_text(NETWORK.format(name="front", spec="{}") + POD + "---\n" + far)
    podpy.ok("apply", "-f", str(files.path))
    addresses = {pod["name"]: pod["address"] for pod in files.network()["pods"]}

    for name, of in (
        ("web", "web"), ("far.shop", "far"), ("far.shop.svc.cluster.local", "far")
    ):  # fmt: skip
        answer = podpy.ok("exec", "web", "--", "ping", "-c", "1", "-W", "5", name)
        assert f"({addresses[of]})" in answer, name
    for name in ("far", "nobody", "web.shop"):
        assert podpy.run("exec", "web", "--", "ping", "-c", "1", "-W", "5", name).status != 0, name
    podpy.ok("delete", "-f", str(files.path))


def test_two_podpys_on_one_host_do_not_choose_the_same_subnet_at_once(files: Files) -> None:
    link = f"{traces.SESSION}-sub"[-15:]
    with subnets.choosing():
        # What another instance is about to take.
        taken = subnets.choose(subnets.taken(), 16)
        child = files.podpy.start("network", "create", "front")
        wait_until(lambda: has_open(child.pid, "net:["), "podpy waits for its turn")
        subprocess.run(["ip", "link", "add", link, "type", "bridge"], check=True)
        gateway = f"{subnets.gateway_of(taken)}/16"
        subprocess.run(["ip", "address", "add", gateway, "dev", link], check=True)
    try:
        _, said = child.communicate(timeout=60)

        assert child.returncode == 0, said
        assert files.network()["subnet"] != taken
    finally:
        subprocess.run(["ip", "link", "delete", link], check=True)
    files.podpy.ok("network", "rm", "front")


def has_open(pid: int, kind: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return any(os.readlink(file).startswith(kind) for file in Path(f"/proc/{pid}/fd").iterdir())
    return False
