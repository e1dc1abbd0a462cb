"""A revision that is waited for is left for the next one, which may be the one that mends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.agents import agent
from tests.fixtures.command import wait_until
from tests.fixtures.forge import Forge
from tests.fixtures.objects import config, pod

if TYPE_CHECKING:
    import subprocess

    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

MINUTES = "5m"


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "forge")


def web(image: str, ready: str) -> str:
    """A pod that is ready when this command ends well."""
    probe = f"{{exec: {{command: {json.dumps(ready.split())}}}, periodSeconds: 1}}"
    return pod(image, more=f", readinessProbe: {probe}")


def job(image: str, name: str) -> str:
    """A pre-sync hook that takes a while, and then says so in a ConfigMap's stead: by ending."""
    return f"""\
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}, annotations: {{podpy.dev/hook: pre-sync}}}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - {{name: main, image: {image}, command: [sleep, "3"]}}
"""


def waiting(podpy: Podpy) -> subprocess.Popen[str]:
    """A pass that has begun the pod and waits for it."""
    child = podpy.start("sync", "reconcile", "shop")
    wait_until(lambda: "web" in podpy.run("get", "pods").stdout, "the pod is there")
    return child


def history(podpy: Podpy) -> list[tuple[str, str]]:
    """Revision and outcome of each pass, the latest first."""
    lines = podpy.json("sync", "history", "shop", "-o", "json")
    return [(one["revision"], one["outcome"]) for one in lines]


def ended(child: subprocess.Popen[str]) -> str:
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, out + err
    return out


def test_a_commit_that_mends_another_need_not_wait_for_it(
    podpy: Podpy, forge: Forge, image: str
) -> None:
    bad = forge.commit({"web.yaml": web(image, "false"), "page.yaml": config("page", "1")})
    podpy.ok("sync", "add", "shop", "--url", forge.url, "--timeout", MINUTES, "--interval", "1h")
    child = waiting(podpy)
    good = forge.commit({"web.yaml": web(image, "true")})
    second = podpy.run("sync", "reconcile", "shop", timeout=60)

    assert second.status == 0, second
    assert "sync/shop: Ready" in ended(child)
    assert history(podpy) == [(good, "Ready"), (bad, "Superseded")]
    status = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    assert (status["good"], status["bad"]) == (good, [])
    changes = podpy.json("sync", "history", "shop", "-o", "json")[1]["changes"]
    assert "create ConfigMap/page" in changes
    assert podpy.run("sync", "reconcile", "shop").stdout.startswith("sync/shop: Ready")


def test_what_cannot_be_followed_overtakes_nothing(podpy: Podpy, forge: Forge, image: str) -> None:
    forge.commit({"web.yaml": web(image, "test -e /ok")})
    podpy.ok("sync", "add", "shop", "--url", forge.url, "--timeout", MINUTES, "--interval", "5s")
    child = waiting(podpy)
    broken = forge.commit({"page.yaml": "kind: ConfigMap\n"})
    fetched = podpy.paths.state_dir + "/sources/shop.git/refs/podpy/fetched"
    wait_until(lambda: Path(fetched).read_text().strip() == broken, "the source was asked")
    podpy.ok("exec", "web", "--", "touch", "/ok")

    assert "sync/shop: Ready" in ended(child)
    assert podpy.run("sync", "reconcile", "shop").status == 1
    assert [outcome for _, outcome in history(podpy)] == ["Invalid", "Ready"]


def test_a_hook_is_not_cut_short(podpy: Podpy, forge: Forge, image: str) -> None:
    first = forge.commit({"web.yaml": web(image, "false"), "move.yaml": job(image, "move")})
    podpy.ok("sync", "add", "shop", "--url", forge.url, "--timeout", MINUTES, "--interval", "1h")
    child = podpy.start("sync", "reconcile", "shop")
    wait_until(lambda: "move-" in podpy.run("get", "jobs").stdout, "the hook runs")
    good = forge.commit({"web.yaml": web(image, "true"), "move.yaml": None})
    other = podpy.start("sync", "reconcile", "shop")

    ended(other)
    ended(child)
    assert history(podpy)[0] == (good, "Ready")
    events = podpy.json("events", "-o", "json")["items"]
    done = [one for one in events if one.get("reason") == "Completed"]
    assert any(f"move-{first[:8]}" in json.dumps(one) for one in done), events


def test_an_agent_follows_a_saved_file_while_it_waits_for_another(
    podpy: Podpy, image: str, tmp_path: Path
) -> None:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "web.yaml").write_text(web(image, "false"))
    where = ("--directory", str(folder))
    podpy.ok("sync", "add", "shop", *where, "--timeout", MINUTES, "--interval", "1h")
    with agent(podpy):
        wait_until(lambda: "web" in podpy.run("get", "pods").stdout, "the pod is there")
        (folder / "web.yaml").write_text(web(image, "true"))
        wait_until(lambda: [one for _, one in history(podpy)][:1] == ["Ready"], "it is followed")
    assert [outcome for _, outcome in history(podpy)] == ["Ready", "Superseded"]
