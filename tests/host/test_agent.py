"""The agent follows what changes and repairs what drifts, without being asked, and sleeps else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.agents import agent
from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge
from tests.fixtures.objects import config, pod

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "manifests"
    made.mkdir()
    return made


def configs(podpy: Podpy) -> dict[str, str]:
    return {
        item["metadata"]["name"]: item["data"]["text"]
        for item in podpy.json("get", "configmaps", "-o", "json")["items"]
    }


def running(podpy: Podpy) -> dict[str, str]:
    """Name -> address of the pods that run."""
    return {
        item["metadata"]["name"]: item["status"].get("podIP", "")
        for item in podpy.json("get", "pods", "-o", "json")["items"]
        if item["status"]["phase"] == "Running"
    }


def run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=20).stdout


def test_a_saved_file_is_followed_at_once(podpy: Podpy, folder: Path) -> None:
    podpy.ok("sync", "add", "local", "--directory", str(folder), "--interval", "1h")
    (folder / "a.yaml").write_text(config("a", "1"))
    with agent(podpy):
        wait_until(lambda: configs(podpy) == {"a": "1"}, "the file is followed")
        (folder / ".a.yaml.swp").write_text(config("a", "2"))
        (folder / ".a.yaml.swp").rename(folder / "a.yaml")
        wait_until(lambda: configs(podpy) == {"a": "2"}, "the file is followed")
        (folder / "deep").mkdir()
        (folder / "deep" / "b.yaml").write_text(config("b", "1"))
        wait_until(lambda: configs(podpy) == {"a": "2", "b": "1"}, "the file is followed")
        (folder / "a.yaml").unlink()
        wait_until(lambda: configs(podpy) == {"b": "1"}, "the file is followed")


def test_an_agent_that_is_told_to_read_again_at_any_moment_goes_on(
    podpy: Podpy, folder: Path
) -> None:
    podpy.ok("sync", "add", "local", "--directory", str(folder), "--interval", "1h")
    (folder / "a.yaml").write_text(config("a", "1"))
    with agent(podpy) as child:
        wait_until(lambda: configs(podpy) == {"a": "1"}, "the file is followed")
        for _ in range(5_000):
            child.send_signal(signal.SIGHUP)
            time.sleep(0.0002)
        (folder / "a.yaml").write_text(config("a", "2"))
        wait_until(lambda: configs(podpy) == {"a": "2"}, "the file is followed")


def test_changed_labels_of_the_host_are_followed_at_once(podpy: Podpy, folder: Path) -> None:
    settings = Path(podpy.root, "etc/podpy.toml")
    declared = Path(podpy.root, "etc/syncs.d/local.yaml")
    declared.parent.mkdir(parents=True)
    settings.write_text('[host.labels]\nrole = "db"\n')
    add = ("sync", "add", "local", "--directory", str(folder), "--interval", "1h", "--print")
    chosen = "spec:\n  hostSelector: {matchLabels: {role: web}}\n"
    declared.write_text(podpy.ok(*add).replace("spec:\n", chosen))
    (folder / "a.yaml").write_text(config("a", "1"))
    with agent(podpy):
        wait_until(lambda: "NotForThisHost" in podpy.ok("sync", "ls"), "the first pass")
        fresh = settings.with_name("new")
        fresh.write_text('[host.labels]\nrole = "web"\n')
        fresh.rename(settings)
        wait_until(lambda: configs(podpy) == {"a": "1"}, "the labels are followed")


def test_a_commit_is_followed_within_the_interval(podpy: Podpy, tmp_path: Path) -> None:
    forge = Forge(tmp_path / "forge")
    forge.commit({"a.yaml": config("a", "1")})
    podpy.ok("sync", "add", "shop", "--url", forge.url, "--interval", "5s")
    with agent(podpy):
        wait_until(lambda: configs(podpy) == {"a": "1"}, "the file is followed")
        forge.commit({"a.yaml": config("a", "2")})
        wait_until(lambda: configs(podpy) == {"a": "2"}, "the file is followed")


def test_a_sync_that_a_sync_brings_is_followed(podpy: Podpy, tmp_path: Path) -> None:
    child, parent = Forge(tmp_path / "child"), Forge(tmp_path / "parent")
    child.commit({"a.yaml": config("a", "1")})
    add = ("sync", "add", "child", "--url", child.url, "--interval", "1h", "--print")
    parent.commit({"child.yaml": podpy.ok(*add)})
    podpy.ok("sync", "add", "parent", "--url", parent.url, "--interval", "1h")
    with agent(podpy):
        wait_until(lambda: configs(podpy) == {"a": "1"}, "what the child brings is there")


def test_a_sync_that_is_added_is_followed_and_one_that_hangs_keeps_none_waiting(
    podpy: Podpy, folder: Path
) -> None:
    (folder / "a.yaml").write_text(config("a", "1"))
    with socket.create_server(("127.0.0.1", 0)) as silent, agent(podpy):
        port = silent.getsockname()[1]
        url = f"http://127.0.0.1:{port}/x.git"
        podpy.ok("sync", "add", "hanging", "--url", url, "--timeout", "20s")
        silent.settimeout(15.0)
        with silent.accept()[0]:  # and never answered
            podpy.ok("sync", "add", "local", "--directory", str(folder))
            wait_until(lambda: configs(podpy) == {"a": "1"}, "the other Sync is followed")


DRIFT: dict[str, Callable[[Podpy], object]] = {
    "a link is deleted": lambda podpy: run("ip", "link", "delete", link_of(podpy)),
    "the bridge is deleted": lambda podpy: run("ip", "link", "delete", bridge_of(podpy)),
    "an address is taken from the bridge": lambda podpy: run(
        "ip", "address", "flush", "dev", bridge_of(podpy)
    ),
    "an address is taken inside of the pod": lambda podpy: (
        podpy.ok(
            *("exec", "web", "--", "true"),
        )
        and run("nsenter", f"--net=/proc/{pid_of(podpy)}/ns/net", "ip", "a", "flush", "dev", "eth0")
    ),
    "the rules are deleted": lambda podpy: run(
        "nft", "delete", "table", "inet", podpy.paths.instance
    ),
    "the pod's mount is gone": lambda podpy: run("umount", f"{podpy.paths.pod(uid(podpy))}/mnt"),
    "the container is killed": lambda podpy: os.kill(pid_of(podpy), signal.SIGKILL),
    "its conmon is killed": lambda podpy: os.kill(conmon_of(podpy), signal.SIGKILL),
}


def uid(podpy: Podpy) -> str:
    return podpy.ok("get", "pod", "web", "-o", "jsonpath={.metadata.uid}")


def number(path: str) -> int:
    with open(path, encoding="utf-8") as file:
        return int(file.read())


def pid_of(podpy: Podpy) -> int:
    return number(f"{podpy.paths.container(uid(podpy), 'main')}/pid")


def conmon_of(podpy: Podpy) -> int:
    return number(f"{podpy.paths.container(uid(podpy), 'main')}/conmon.pid")


def links(podpy: Podpy, kind: str) -> list[str]:
    """The names of our links whose alias says that they are a pod's, or a network's."""
    names = []
    for line in run("ip", "-o", "link", "show").splitlines():
        if f"alias podpy {podpy.paths.instance} {kind} " in line:
            names.append(line.split(": ")[1].partition("@")[0])
    return names


def link_of(podpy: Podpy) -> str:
    return links(podpy, "pod")[0]


def bridge_of(podpy: Podpy) -> str:
    return links(podpy, "network")[0]


@pytest.mark.parametrize("what", DRIFT)
def test_drift_is_repaired_without_being_asked(podpy: Podpy, image: str, what: str) -> None:
    manifest = pod(image).replace(
        "containers: [{name: main,",
        "containers: [{ports: [{containerPort: 80, hostPort: 18733}], name: main,",
    )
    podpy.ok("apply", "-f", "-", stdin=manifest)

    def as_wanted() -> bool:
        return podpy.run("diff", "-f", "-", stdin=manifest).status == 0 and "web" in running(podpy)

    with agent(podpy):
        wait_until(as_wanted, "all is as it is wanted")
        time.sleep(0.5)  # Let the agent's first pass be over: this repair is not its work.
        DRIFT[what](podpy)
        wait_until(as_wanted, "all is as it is wanted")


def test_an_idle_agent_does_nothing_at_all(podpy: Podpy, image: str, folder: Path) -> None:
    (folder / "web.yaml").write_text(pod(image))
    podpy.ok("sync", "add", "local", "--directory", str(folder), "--interval", "1h")
    with agent(podpy) as child:
        wait_until(lambda: "web" in running(podpy), "the pod runs")

        def switches() -> list[str]:
            with open(f"/proc/{child.pid}/status", encoding="utf-8") as file:
                return [line for line in file if "ctxt_switches" in line]

        def idle() -> bool:
            before = switches()
            time.sleep(2.0)
            return switches() == before

        wait_until(idle, "the agent sleeps")


def test_an_agent_that_ends_or_is_killed_stops_no_pod(podpy: Podpy, image: str) -> None:
    podpy.ok("apply", "-f", "-", stdin=pod(image))
    before = pid_of(podpy)
    with agent(podpy):
        time.sleep(1.0)
    killed = podpy.start("agent")
    time.sleep(1.0)
    killed.kill()
    killed.communicate(timeout=10)
    with agent(podpy):
        time.sleep(1.0)

    assert pid_of(podpy) == before


def test_one_agent_is_enough(podpy: Podpy) -> None:
    with agent(podpy):
        second = podpy.run("agent")

    assert second.status == 1
    assert "an agent runs on this host already" in second.stderr
