"""The flags of `kube play`, each by the real command, and what a container sees of it."""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.command import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: c
    image: localhost/podpy-test/busybox:1
    command: [sh, -c, "echo said; exec sleep 1000"]
    ports: [{containerPort: 80}]
"""
ONCE = POD.replace("exec sleep 1000", "exit 3").replace(
    "  containers:", "  restartPolicy: Never\n  containers:"
)
HEX = set("0123456789abcdef")


@pytest.fixture
def play(podpy: Podpy, busybox_image: Image) -> Podpy:
    """Give the real command with the busybox image in its store."""
    podpy.load(busybox_image)
    return podpy


def seen(podpy: Podpy, command: str) -> str:
    return podpy.ok("exec", "web", "--", "sh", "-c", command).strip()


def the_pod(podpy: Podpy) -> Any:
    return podpy.json("get", "pod", "web", "-o", "json")


def test_flags_are_seen_inside(play: Podpy, tmp_path: Path) -> None:
    manifest = str(tmp_path / "web.yaml")
    (tmp_path / "web.yaml").write_text(POD)
    cases = (
        ("", "cat /etc/hostname; grep -c web /etc/hosts", "web\n1"),
        ("--no-hosts", "test -e /etc/hosts || echo none", "none"),
        ("--no-hostname", "test -e /etc/hostname || echo none", "none"),
        (
            "--mac-address 92:D0:c6:0a:29:33",
            "cat /sys/class/net/eth0/address",
            "92:d0:c6:0a:29:33",
        ),
        (
            "--network bridge:mac=92:d0:c6:0a:29:34",
            "cat /sys/class/net/eth0/address",
            "92:d0:c6:0a:29:34",
        ),
        ("--network none", "ls /sys/class/net", "lo"),
        ("--network host", "hostname", socket.gethostname()),
    )
    for words, command, expected in cases:
        play.ok("kube", "play", *words.split(), manifest)

        assert seen(play, command) == expected, words
    play.ok("kube", "down", manifest)


def test_an_address_of_the_network_can_be_chosen(play: Podpy) -> None:
    play.ok("kube", "play", "-", stdin=POD)
    given = the_pod(play)["status"]["podIP"]
    wanted = f"{given.rpartition('.')[0]}.77"

    play.ok("kube", "play", "--ip", wanted, "-", stdin=POD)

    assert the_pod(play)["status"]["podIP"] == wanted
    assert f" {wanted}/" in seen(play, "ip -o addr show eth0")
    play.ok("kube", "down", "-", stdin=POD)


def test_ports_are_published_by_flags(play: Podpy) -> None:
    for words in ("--publish 18571:80", "--publish 127.0.0.1:18571:80/tcp"):
        play.ok("kube", "play", *words.split(), "-", stdin=POD)
        ports = the_pod(play)["spec"]["containers"][0]["ports"]
        assert [port["hostPort"] for port in ports] == [18571]
    play.ok("kube", "down", "-", stdin=POD)


def test_a_pod_that_is_only_made_starts_with_the_next_play(play: Podpy, instance: Paths) -> None:
    made = play.ok("kube", "play", "--start=false", "-", stdin=POD)
    assert play.ok("get", "pods", "--no-headers").split()[1:3] == ["0/1", "Created"]
    again = play.run("kube", "play", "--start=false", "-", stdin=POD)
    assert "unchanged" in again.stderr
    uid = the_pod(play)["metadata"]["uid"]
    assert not os.path.exists(f"{instance.container(uid, 'c')}/pid")

    started = play.ok("kube", "play", "-", stdin=POD)

    assert started == made == again.stdout
    assert play.ok("get", "pods", "--no-headers").split()[1:3] == ["1/1", "Running"]
    assert the_pod(play)["metadata"]["uid"] == uid
    play.ok("kube", "down", "-", stdin=POD)
    assert os.listdir(instance.pods) == []


def test_logs_can_be_bounded_and_left_out(play: Podpy, instance: Paths) -> None:
    talk = POD.replace("echo said", "yes podpy | head -c 200000")
    play.ok("kube", "play", "--log-opt", "max-size=10k", "-", stdin=talk)
    uid = the_pod(play)["metadata"]["uid"]
    log = f"{instance.pod_logs('default', 'web', uid)}/c/0.log"
    wait_until(lambda: os.path.getsize(log) > 0, "something is logged")

    assert os.path.getsize(log) < 20_000
    play.ok("kube", "play", "--log-driver", "none", "-", stdin=POD)
    refused = play.run("logs", "web")
    assert (refused.status, refused.stdout) == (1, "")
    assert "--log-driver none" in refused.stderr
    play.ok("kube", "down", "-", stdin=POD)


def test_wait_stays_until_the_end_and_removes(play: Podpy, instance: Paths) -> None:
    waited = play.run("kube", "play", "--wait", "-", stdin=ONCE)

    assert waited.status == 1
    assert "Pod:" in waited.stdout
    assert os.listdir(instance.pods) == []


def test_wait_ends_with_a_signal_and_removes(play: Podpy, instance: Paths, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(POD)
    child = play.start("kube", "play", "--wait", str(tmp_path / "web.yaml"))
    wait_until(lambda: "Running" in play.run("get", "pods").stdout, "the pod runs")
    child.send_signal(signal.SIGTERM)

    assert child.wait(30) == 0
    assert os.listdir(instance.pods) == []


def test_a_unit_of_systemd_is_told_when_all_is_up(play: Podpy, tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.settimeout(30)
        play.env["NOTIFY_SOCKET"] = address
        words = ("--service-container=true", "--service-exit-code-propagation", "any", "-")
        done = play.run("kube", "play", *words, stdin=ONCE)
        assert done.status == 1, done
        said = listening.recv(1000)

    assert said.startswith(b"READY=1\nMAINPID=")
    assert play.ok("get", "pods", "--no-headers").split()[2] == "Error"
    play.ok("kube", "down", "-", stdin=ONCE)


def test_what_standard_input_has_brought_is_told_apart(play: Podpy) -> None:
    other = POD.replace("name: web", "name: other")
    play.ok("kube", "play", "-", stdin=POD)
    play.ok("kube", "play", "-", stdin=other)

    play.ok("kube", "down", "-", stdin=other)

    assert play.ok("get", "pods", "-o", "name") == "pod/web\n"
    play.ok("kube", "down", "-", stdin=POD)


def test_configmaps_of_further_files_are_used(play: Podpy, tmp_path: Path) -> None:
    for name in ("one", "two"):
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{K: {name}}}\n"
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "pod.yaml").write_text(POD)
    sources = "".join(f"\n    - configMapRef: {{name: {name}}}" for name in ("one", "two"))
    manifest = POD.replace("    ports:", f"    envFrom:{sources}\n    ports:")
    files = f"{tmp_path}/one.yaml,{tmp_path}/two.yaml"

    play.ok("kube", "play", "--configmap", files, "-", stdin=manifest)

    assert seen(play, "echo $K") == "two"
    other = ONCE.replace("name: web", "name: other")
    wrong = play.run("kube", "play", "--configmap", f"{tmp_path}/pod.yaml", "-", stdin=other)
    assert (wrong.status, "is no ConfigMap" in wrong.stderr) == (125, True)
    play.ok("kube", "down", "-", stdin=manifest)


def test_blocks_are_podmans(play: Podpy) -> None:
    first = play.run("kube", "play", "-", stdin=POD)
    second = play.run("kube", "play", "-", stdin=POD)
    down = play.run("kube", "down", "-", stdin=POD)
    gone = play.run("kube", "down", "-", stdin=POD)

    lines = first.stdout.splitlines()
    assert [lines[0], lines[2], lines[4]] == ["Pod:", "Container:", ""]
    pod, container = lines[1], lines[3]
    assert all(len(word) == 64 and set(word) <= HEX for word in (pod, container))
    assert second.stdout == first.stdout
    assert "unchanged: 1 object" in second.stderr
    assert down.stdout.splitlines() == [
        "Pods stopped:", pod, "Pods removed:", pod, "Secrets removed:", "Volumes removed:",
    ]  # fmt: skip
    assert (gone.status, gone.stdout.count("\n")) == (0, 4)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--userns", "auto", "-"), "no user namespaces"),
        (("--no-such-flag", "-"), "unknown flag --no-such-flag"),
        (("/no/such/file.yaml",), "/no/such/file.yaml"),
        (("--network", "nowhere", "-"), "network nowhere is not declared"),
        (("--authfile", "/no/such", "-"), "no such file"),
    ],
)
def test_failures_are_125_with_nothing_on_standard_output(
    play: Podpy, words: tuple[str, ...], reason: str
) -> None:
    failed = play.run("kube", "play", *words, stdin=POD)

    assert (failed.status, failed.stdout) == (125, "")
    assert failed.stderr.splitlines()[-1].startswith("Error: ")
    assert reason in failed.stderr
