"""Syncs with all at once: templates, hooks, an order, probes, pods replaced step by step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.forge import Forge
from tests.fixtures.objects import config, pod
from tests.fixtures.scene import Scene

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

SYNC = ("sync", "reconcile", "shop")
ROLLED_BACK = 3
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, annotations: {{podpy.dev/wave: "1", podpy.dev/depends-on: Job/load}}}}
spec:
  replicas: 2
  strategy: {{rollingUpdate: {{maxSurge: 1, maxUnavailable: 0}}}}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - name: main
        image: "{image}"
        command:
        - sh
        - -c
        - |
          trap "echo web $WORD ends >>/shared/log; exit 0" TERM
          echo web $WORD >>/shared/log
          {{{{ "true" if values.word == "broken" else "sleep 0.3; touch /ready" }}}}
          while :; do sleep 0.05; done
        env: [{{name: WORD, value: "{{{{ values.word }}}}"}}]
        readinessProbe: {{exec: {{command: [test, -e, /ready]}}, periodSeconds: 1}}
        volumeMounts: [{{name: shared, mountPath: /shared}}]
      volumes: [{{name: shared, hostPath: {{path: "{folder}"}}}}]
"""


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path / "forge")


@pytest.fixture
def scene(podpy: Podpy, image: str, tmp_path: Path) -> Scene:
    return Scene(podpy, image, tmp_path)


@pytest.fixture
def values(podpy: Podpy, scene: Scene, forge: Forge, tmp_path: Path) -> Path:
    """The values of this host; the Sync `shop` renders with them what is committed here."""
    path = tmp_path / "values.yaml"
    path.write_text("word: old\n")
    word = "{{ values.word }}"
    last = scene.pod("last", wave="2").replace("echo last >>", f"echo last {word} >>")
    forge.commit(
        {
            "pre.yaml.j2": scene.job("pre", f"echo pre {word} >>/shared/log", hook="pre-sync"),
            "load.yaml": scene.job("load", "sleep 0.2; echo loaded >>/shared/log"),
            "web.yaml.j2": WEB.format(image=scene.image, folder=scene.shared),
            "last.yaml.j2": last,
            "post.yaml.j2": scene.job("post", f"echo post {word} >>/shared/log", hook="post-sync"),
            "fail.yaml.j2": scene.job("fail", f"echo fail {word} >>/shared/log", hook="sync-fail"),
        }
    )
    follow(podpy, forge.url, f"  timeout: 20s\n  template: {{jinja2: {{hostValues: [{path}]}}}}\n")
    return path


def follow(podpy: Podpy, url: str, more: str = "") -> None:
    """Follow a repository as the Sync `shop`."""
    spec = podpy.ok("sync", "add", "shop", "--url", url, "--print") + more
    folder = f"{podpy.root}/etc/syncs.d"
    os.makedirs(folder)
    with open(f"{folder}/shop.yaml", "w", encoding="utf-8") as file:
        file.write(spec)


def lasting(pods: dict[str, str]) -> dict[str, str]:
    """The pods that are no hooks'."""
    hooks = ("pre-", "post-", "fail-")
    return {name: uid for name, uid in pods.items() if not name.startswith(hooks)}


def status(podpy: Podpy) -> dict[str, Any]:
    found: dict[str, Any] = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    return found


def test_a_rendered_revision_rolls_out_in_its_order_between_its_hooks(
    podpy: Podpy, scene: Scene, values: Path
) -> None:
    podpy.ok(*SYNC)
    first = scene.log()
    values.write_text("word: new\n")
    podpy.ok(*SYNC)
    second = scene.log()[len(first) :]
    after = scene.pods()
    again = podpy.ok(*SYNC)

    assert first == ["pre old", "loaded", "web old", "web old", "last old", "post old"]
    assert second[:2] == ["pre new", "web new"]
    assert sorted(second[2:5]) == ["web new", "web old ends", "web old ends"]
    assert second[5:] == ["last ends", "last new", "post new"]
    assert again.count("\n") == 1
    assert "Ready" in again
    assert scene.pods() == after
    assert scene.log() == [*first, *second]


def test_a_rendered_revision_that_is_never_ready_is_taken_back_as_a_whole(
    podpy: Podpy, scene: Scene, values: Path, forge: Forge
) -> None:
    forge.commit({"page.yaml.j2": config("page", "{{ values.word }}")})
    podpy.ok(*SYNC)
    good, before, first = status(podpy)["good"], scene.pods(), scene.log()
    spec = Path(f"{podpy.root}/etc/syncs.d/shop.yaml")
    spec.write_text(spec.read_text().replace("timeout: 20s", "timeout: 3s"))
    values.write_text("word: broken\n")
    done = podpy.run(*SYNC)
    log, known, taken_back = scene.log()[len(first) :], status(podpy), scene.pods()
    again = podpy.run(*SYNC)
    quiet = scene.log()[len(first) :]
    values.write_text("word: newer\n")
    fixed = podpy.run(*SYNC)

    assert (done.status, again.status, fixed.status) == (ROLLED_BACK, ROLLED_BACK, 0)
    assert "readiness probe" in done.stdout
    assert log == quiet == ["pre broken", "web broken", "fail broken", "web broken ends"]
    assert (known["applied"], known["good"]) == (good, good)
    assert known["bad"] == [known["seen"]]
    assert lasting(taken_back) == lasting(before)
    assert again.stdout.count("\n") == 1
    assert podpy.ok("get", "configmap", "page", "-o", "jsonpath={.data.text}") == "newer"
    assert scene.log()[-1] == "post newer"


def probed(image: str, script: str, probe: str, name: str = "web") -> str:
    return pod(image, name).replace(
        'command: [sleep, "1000"]', f"command: [sh, -c, '{script}'], {probe}"
    )


READY = "readinessProbe: {exec: {command: [test, -e, /ready]}, periodSeconds: 1}"


def test_a_pod_that_is_ready_late_is_waited_for(podpy: Podpy, forge: Forge, image: str) -> None:
    follow(podpy, forge.url, "  timeout: 20s\n")
    forge.commit({"web.yaml": probed(image, "sleep 1; touch /ready; sleep 1000", READY)})
    podpy.ok(*SYNC)
    (found,) = podpy.json("get", "pods", "-o", "json")["items"]
    conditions = {one["type"]: one["status"] for one in found["status"]["conditions"]}

    assert conditions["Ready"] == "True"
    assert podpy.ok(*SYNC).count("\n") == 1


@pytest.mark.parametrize(
    ("script", "probe", "why"),
    [
        ("sleep 1000", READY, "readiness probe failed"),
        (
            "sleep 1000",
            'startupProbe: {exec: {command: ["false"]}, periodSeconds: 1, failureThreshold: 9}',
            "startup probe failed",
        ),
        (
            "sleep 1000",
            'livenessProbe: {exec: {command: ["false"]}, periodSeconds: 1, failureThreshold: 1}, '
            f"{READY}",
            "container main: waiting, CrashLoopBackOff, last exit 137",
        ),
        ("exit 3", READY, "container main: waiting, CrashLoopBackOff, last exit 3"),
    ],
    ids=["never ready", "never started", "killed by its liveness", "crashes"],
)
def test_a_pod_that_is_never_ready_takes_all_of_its_revision_back(
    podpy: Podpy, forge: Forge, image: str, script: str, probe: str, why: str
) -> None:
    follow(podpy, forge.url, "  timeout: 3s\n")
    good = forge.commit({"web.yaml": pod(image), "old.yaml": config("old")})
    podpy.ok(*SYNC)
    before = podpy.ok("get", "pod", "web", "-o", "jsonpath={.metadata.uid}")
    bad = forge.commit(
        {
            "more.yaml": probed(image, script, probe, "more"),
            "new.yaml": config("new"),
            "old.yaml": config("old", "2"),
        }
    )
    done = podpy.run(*SYNC)
    known = status(podpy)
    again = podpy.run(*SYNC)
    listed = {one["metadata"]["name"] for one in podpy.json("get", "cm,po", "-o", "json")["items"]}

    assert (done.status, again.status) == (ROLLED_BACK, ROLLED_BACK)
    assert why in done.stdout
    assert (known["state"], known["applied"], known["bad"]) == ("RolledBack", good, [bad])
    assert again.stdout.count("\n") == 1
    assert listed == {"web", "old"}
    assert podpy.ok("get", "cm", "old", "-o", "jsonpath={.data.text}") == "1"
    assert podpy.ok("get", "pod", "web", "-o", "jsonpath={.metadata.uid}") == before


def test_what_crashes_or_fails_is_no_good_revision_unless_nobody_waits(
    podpy: Podpy, forge: Forge, scene: Scene
) -> None:
    follow(podpy, forge.url, "  timeout: 3s\n")
    good = forge.commit({"page.yaml": config("page")})
    podpy.ok(*SYNC)
    forge.commit({"more.yaml": scene.pod("more", "exit 3")})
    crashed = podpy.run(*SYNC)
    forge.commit({"more.yaml": scene.job("load", "exit 4")})
    failed, applied = podpy.run(*SYNC), status(podpy)["applied"]
    spec = Path(f"{podpy.root}/etc/syncs.d/shop.yaml")
    spec.write_text(spec.read_text() + "  wait: false\n")
    ill = forge.commit({"more.yaml": scene.pod("more", "exit 3; exit 3")})
    unheeded = podpy.run(*SYNC), status(podpy)["good"]
    spec.write_text(spec.read_text().replace("  wait: false\n", ""))
    forge.commit({"web.yaml": scene.pod("web"), "load.yaml": scene.job("load", "sleep 1000")})
    beside = podpy.run(*SYNC)

    assert (crashed.status, failed.status) == (ROLLED_BACK, ROLLED_BACK)
    assert "Pod/more: is not healthy: container main: waiting" in crashed.stdout
    assert "Job/load: is not healthy: container main: exit 4" in failed.stdout
    assert applied == good
    assert (unheeded[0].status, unheeded[1]) == (0, ill)
    assert beside.status == 0
    assert {"more", "web"} < scene.pods().keys()
