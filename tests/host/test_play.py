"""The main job, by the real command: YAML in, running pods out, and back again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures import start_up
from tests.unit.podpy import test_main

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.paths import Paths
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

SERVER = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: page}}
data: {{index.html: "{text}"}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: httpd
    image: localhost/podpy-test/busybox:1
    command: [httpd, -f, -p, "80", -h, /www]
    ports: [{{containerPort: 80, hostPort: {port}}}]
    volumeMounts: [{{name: page, mountPath: /www}}]
  - name: idle
    image: localhost/podpy-test/busybox:1
    command: [sleep, "1000"]
  volumes:
  - {{name: page, configMap: {{name: page}}}}
"""


@pytest.fixture
def play(podpy: Podpy, busybox_image: Image) -> Podpy:
    """Give the real command with the busybox image in its store."""
    podpy.load(busybox_image)
    return podpy


PLANNING = (
    "reconciler.cycle",
    "reconciler.plan.make",
    "reconciler.plan.pods",
    "reconciler.plan.diff",
    "reconciler.plan.networks",
    "reconciler.recording",
    "reconciler.workloads.expand",
    "reconciler.workloads.jobs",
    "reconciler.workloads.naming",
    "reconciler.targets.host.pods",
    "reconciler.targets.host.observing",
    "manifests.defaults",
    "manifests.checks",
    "manifests.yaml.reader",
    "ruamel",
)
"""What making pods takes, and removing them does not."""


def fetched(port: int, seconds: float = 20.0) -> str:
    """Return the page; a server that has just been started is given time to listen."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionError) or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def pods(podpy: Podpy) -> dict[str, Any]:
    listed = podpy.json("get", "pods", "-o", "json")
    return {item["metadata"]["name"]: item for item in listed["items"]}


def test_play_serves_twice_is_nothing_and_down_leaves_no_pod(
    play: Podpy, instance: Paths, tmp_path: Path
) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(SERVER.format(text="first", port=18471))

    assert "Pod:" in play.ok("kube", "play", str(file))
    assert fetched(18471) == "first"
    assert "unchanged" in play.run("kube", "play", str(file)).stderr
    play.ok("kube", "down", str(file))
    assert os.listdir(instance.pods) == []


def test_a_changed_configmap_reaches_the_running_pod(play: Podpy, tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(SERVER.format(text="first", port=18472))
    play.ok("kube", "play", str(file))
    before = pods(play)["web"]["metadata"]
    file.write_text(SERVER.format(text="second", port=18472))

    play.ok("kube", "play", str(file))

    assert fetched(18472) == "second"
    assert pods(play)["web"]["metadata"] == before
    play.ok("kube", "down", str(file))


def test_what_is_broken_by_hand_is_repaired(play: Podpy, instance: Paths, tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(SERVER.format(text="here", port=18473))
    play.ok("apply", "-f", str(file))
    subprocess.run(["nft", "delete", "table", "inet", instance.instance], check=True)
    for link in os.listdir("/sys/class/net"):
        alias = f"/sys/class/net/{link}/ifalias"
        if os.path.exists(alias) and f"podpy {instance.instance} pod" in Path(alias).read_text():
            subprocess.run(["ip", "link", "delete", link], check=True)

    drifted = play.run("diff", "-f", str(file))
    play.ok("apply", "-f", str(file))

    assert "repair" in drifted.stdout
    assert fetched(18473) == "here"
    assert "unchanged" in play.ok("apply", "-f", str(file))
    play.ok("delete", "-f", str(file))


def test_a_lost_bundle_is_drift_and_costs_a_restart(
    play: Podpy, instance: Paths, tmp_path: Path
) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(SERVER.format(text="here", port=18478))
    play.ok("apply", "-f", str(file))
    uid = os.listdir(instance.pods)[0]

    for restart in (1, 2):  # The second comes within the back-off that the first would have begun.
        os.unlink(f"{instance.container(uid, 'httpd')}/config.json")
        refused = play.run("exec", "web", "-c", "httpd", "--", "true")
        drifted = play.run("diff", "-f", str(file))
        play.ok("apply", "-f", str(file))

        assert refused.status == 1
        assert "cannot enter it" in refused.stderr
        assert "container httpd has lost its bundle" in drifted.stdout
        assert play.ok("exec", "web", "-c", "httpd", "--", "echo", "here") == "here\n"
        assert restarts(play) == restart
    assert "unchanged" in play.ok("apply", "-f", str(file))
    play.ok("delete", "-f", str(file))


def test_a_mount_over_a_link_of_the_image_is_no_drift(podpy: Podpy, busybox_image: Image) -> None:
    podpy.load(busybox_image)
    # /lib is a link to usr/lib there, as in every image with a merged /usr.
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"
        "  terminationGracePeriodSeconds: 0\n"
        f"  containers:\n  - name: main\n    image: {busybox_image.name}\n"
        '    command: [sleep, "1000"]\n'
        "    volumeMounts: [{name: data, mountPath: /lib/data}]\n"
        "  volumes: [{name: data, emptyDir: {}}]\n"
    )
    podpy.ok("apply", "-f", "-", stdin=pod)

    assert podpy.run("diff", "-f", "-", stdin=pod).stdout == "nothing to change\n"


def test_a_killed_container_comes_back_without_an_agent(
    play: Podpy, instance: Paths, tmp_path: Path
) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(SERVER.format(text="back", port=18474))
    play.ok("kube", "play", str(file))
    uid = os.listdir(instance.pods)[0]
    number = Path(f"{instance.container(uid, 'httpd')}/pid").read_text()
    os.kill(int(number), signal.SIGKILL)

    assert eventually(lambda: "2/2" in play.ok("get", "pods") and restarts(play) == 1)
    assert fetched(18474) == "back"
    play.ok("kube", "down", str(file))


def restarts(podpy: Podpy) -> int:
    status = pods(podpy)["web"]["status"]
    return sum(int(one["restartCount"]) for one in status["containerStatuses"])


def test_a_failed_play_leaves_nothing_and_the_next_one_works(
    play: Podpy, instance: Paths, tmp_path: Path
) -> None:
    file = tmp_path / "web.yaml"
    good = SERVER.format(text="good", port=18475)
    file.write_text(good.replace("[httpd, -f,", "[no-such-program, -f,"))

    failed = play.run("kube", "play", str(file))

    assert failed.status == 125
    assert "no-such-program" in failed.stderr
    assert os.listdir(instance.pods) == []
    file.write_text(good)
    play.ok("kube", "play", str(file))
    assert fetched(18475) == "good"
    play.ok("kube", "down", str(file))


def test_a_removed_object_goes_with_prune_only(play: Podpy, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "web.yaml").write_text(SERVER.format(text="one", port=18476))
    extra = SERVER.format(text="two", port=18477).replace("name: web", "name: extra")
    (folder / "extra.yaml").write_text(extra.replace("name: page", "name: extra-page"))
    play.ok("apply", "-f", str(folder))
    (folder / "extra.yaml").unlink()

    play.ok("apply", "-f", str(folder))
    assert set(pods(play)) == {"web", "extra"}
    play.ok("apply", "-f", str(folder), "--prune")

    assert set(pods(play)) == {"web"}
    play.ok("delete", "-f", str(folder))


def test_replicas_are_scaled_and_replaced(play: Podpy, tmp_path: Path) -> None:
    file = tmp_path / "deploy.yaml"
    text = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: idle}}
spec:
  replicas: {count}
  selector: {{matchLabels: {{app: idle}}}}
  template:
    metadata: {{labels: {{app: idle}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {{name: c, image: "localhost/podpy-test/busybox:1", command: [sleep, "{time}"]}}
"""
    file.write_text(text.format(count=1, time=1000))
    play.ok("apply", "-f", str(file))
    first = set(pods(play))
    file.write_text(text.format(count=3, time=1000))
    play.ok("apply", "-f", str(file))
    scaled = set(pods(play))
    file.write_text(text.format(count=2, time=2000))
    play.ok("apply", "-f", str(file))
    replaced = set(pods(play))

    assert first < scaled
    assert len(scaled) == 3
    assert len(replaced) == 2
    assert not scaled & replaced
    play.ok("delete", "-f", str(file))


def test_down_imports_nothing_of_what_makes_pods(play: Podpy, tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: idle}\nspec:\n"
        "  terminationGracePeriodSeconds: 0\n  containers:\n"
        "  - {name: c, image: localhost/podpy-test/busybox:1, command: [sleep, '1000']}\n"
    )
    play.ok("kube", "play", str(file))

    modules = start_up.imported(["kube", "down", str(file)], play.env)

    assert start_up.trespassers(modules, (*PLANNING, *test_main.SLOW_STANDARD)) == []
    assert play.json("get", "pods", "-o", "json")["items"] == []
