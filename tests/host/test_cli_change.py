"""The commands that change: what apply, diff and delete say, and what delete chooses."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.command import wait_until
from tests.fixtures.objects import config

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {{app: {name}, tier: back}}}}
spec:
  terminationGracePeriodSeconds: 1000
  initContainers:
  - {{name: setup, image: "localhost/podpy-test/busybox:1", command: [sh, -c, "{setup}"]}}
  containers:
  - name: c
    image: localhost/podpy-test/busybox:1
    command: [sh, -c, "trap '' TERM; while :; do sleep 0.1; done"]
---
"""


def pod(name: str, namespace: str = "default", setup: str = ":") -> str:
    return POD.format(name=name, namespace=namespace, setup=setup)


def test_each_object_has_its_line_and_diff_its_status(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file = tmp_path / "app.yaml"
    page = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: page}\ndata: {a: "
    file.write_text(pod("web") + page + "b}\n")

    assert podpy.run("diff", "-f", str(file)).status == 1
    assert "create" in podpy.ok("apply", "-f", str(file), "--dry-run=client")
    assert podpy.ok("get", "pods", "-o", "name") == ""
    created = podpy.ok("apply", "-f", str(file)).splitlines()
    assert sorted(created) == ["configmap/page created", "pod/web created"]
    assert podpy.run("diff", "-f", str(file)).status == 0
    file.write_text(pod("web") + page + "c}\n")
    changed = podpy.ok("apply", "-f", str(file))
    assert "configmap/page configured" in changed
    assert "pod/web unchanged" in changed
    assert podpy.run("diff", "-f", "/nowhere.yaml").status == 2
    assert "no objects in -" in podpy.run("apply", "-f", "-").stderr
    assert podpy.ok("delete", "-f", str(file), "--force", "-o", "name").splitlines() == [
        "pod/web",
        "configmap/page",
    ]


def test_sources_without_objects_are_refused_and_kinds_of_later_are_not(podpy: Podpy) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n"

    for words in (("kube", "play"), ("apply", "-f"), ("diff", "-f")):
        empty = podpy.run(*words, "-", stdin="# nothing\n---\n")
        assert (empty.status != 0, empty.stdout) == (True, "")
        assert "no objects in -, nothing was changed" in empty.stderr
    refused = podpy.run("apply", "-f", "-", stdin=service)
    allowed = podpy.run("apply", "--allow-unsupported", "-f", "-", stdin=service)
    assert (refused.status, allowed.status) == (1, 0)
    assert "stdin:2:1: Service/s .kind: " in refused.stderr
    assert "stdin:2:1: warning: Service/s .kind: " in allowed.stderr
    assert "nothing to do" in allowed.stdout
    alone = podpy.run("kube", "play", "-", stdin=service)
    beside = podpy.run("kube", "play", "-", stdin=f"{service}---\n{config('page')}")
    assert (alone.status, beside.status) == (125, 0)
    assert "no object in - is of a kind that podpy runs, nothing was changed" in alone.stderr
    assert "stdin:2:1: warning: Service/s .kind: " in beside.stderr
    assert "valid: 0 objects, 1 warning\n" in podpy.ok("validate", "-", stdin=service)


def test_what_goes_is_chosen_by_labels_by_kind_and_by_namespace(
    podpy: Podpy, busybox_image: Image
) -> None:
    podpy.load(busybox_image)
    podpy.ok("apply", "-f", "-", stdin=pod("a") + pod("b") + pod("c", "shop") + pod("d", "shop"))

    assert podpy.ok("delete", "pods", "-l", "app=a", "--dry-run") == "pod/a deleted (dry run)\n"
    assert podpy.ok("delete", "pods", "-l", "app=a", "--grace-period=0") == "pod/a deleted\n"
    assert "name the objects" in podpy.run("delete", "pods").stderr
    assert "-f excludes -l" in podpy.run("delete", "-f", "-", "-l", "app=b").stderr
    assert "may not be deleted" in podpy.run("delete", "ns", "default").stderr
    assert podpy.ok("delete", "pod", "d", "-n", "shop", "--now") == (
        "pod/d deleted in namespace shop\n"
    )
    podpy.ok("delete", "ns", "shop", "--force")
    assert podpy.ok("get", "pods", "-A", "-o", "name") == "pod/b\n"
    podpy.ok("delete", "pods", "--all", "--force")
    assert podpy.ok("get", "pods", "-A", "-o", "name") == ""
    assert podpy.run("delete", "pod", "b").status == 1
    assert podpy.run("delete", "pod", "b", "--ignore-not-found=true").status == 0


def test_files_of_another_namespace_than_the_commands_are_not_deleted(podpy: Podpy) -> None:
    page = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: page, namespace: red}\n"
    podpy.ok("apply", "-f", "-", stdin=page)

    refused = podpy.run("delete", "-n", "blue", "-f", "-", stdin=page)

    assert refused.status == 1
    assert "ConfigMap/red/page: the command is for namespace blue" in refused.stderr
    assert "page" in podpy.ok("get", "cm", "-n", "red")
    podpy.ok("delete", "-n", "red", "-f", "-", stdin=page)


def test_what_one_pipe_has_brought_does_not_go_with_another(podpy: Podpy) -> None:
    def pipe(command: str, name: str, *words: str) -> str:
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"
        return podpy.ok(command, "-f", "-", *words, stdin=text)

    for name in ("one", "two"):
        assert pipe("apply", name) == f"configmap/{name} created\n"
    assert podpy.run("apply", "-f", "-", stdin="").stderr.startswith("Error: no objects")
    refused = podpy.run("apply", "-f", "-", "--prune", stdin="kind: List\n")
    pipe("apply", "three", "--prune", "--applyset", "set")
    pruned = pipe("apply", "four", "--prune", "--applyset", "set")
    deleted = pipe("delete", "one")

    assert "--applyset NAME" in refused.stderr
    assert "configmap/three deleted" in pruned
    assert deleted == "configmap/one deleted\n"
    assert podpy.ok("get", "cm", "-o", "name").split() == ["configmap/four", "configmap/two"]


def test_a_pod_that_still_starts_is_shown_and_told_as_such(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file = tmp_path / "pod.yaml"
    file.write_text(pod("late", setup="exec sleep 1000"))
    applying = podpy.start("apply", "-f", str(file))
    wait_until(
        lambda: "Init:0/1" in podpy.run("get", "pod", "late").stdout, "its first step is shown"
    )

    waiting = podpy.run("logs", "late")
    together = podpy.run("logs", "late", "--all-containers")
    refused = podpy.run("exec", "late", "--", "true")

    assert waiting.status == 1
    assert "container c of pod late is waiting to start: PodInitializing" in waiting.stderr
    assert together == (0, "", "")
    assert "container c of pod late is not running" in refused.stderr
    assert podpy.ok("wait", "pod/late", "--for=condition=Initialized=false") == (
        "pod/late condition met\n"
    )
    never = podpy.run("wait", "pod", "late", "--for", "condition=Ready", "--timeout", "0.2s")
    assert (never.status, never.stdout) == (1, "")
    assert "condition=Ready is not so after 0.2s: Pod/late" in never.stderr
    gone = podpy.start("wait", "pods", "--all", "--for=delete")
    applying.kill()
    podpy.ok("delete", "pod", "late", "--force")
    assert gone.communicate(timeout=30) == ("pod/late condition met\n", "")
    assert podpy.ok("get", "pods", "-o", "name") == ""


def test_a_selector_leaves_the_rest_of_the_sources_alone(podpy: Podpy, tmp_path: Path) -> None:
    def config(name: str, tier: str) -> str:
        return (
            "---\napiVersion: v1\nkind: ConfigMap\n"
            f"metadata: {{name: {name}, labels: {{tier: {tier}}}}}\n"
        )

    file = tmp_path / "app.yaml"
    apply = ("apply", "-f", str(file))
    file.write_text(config("one", "back") + config("two", "back") + config("three", "front"))
    named = podpy.ok(*apply, "-l", "tier=back", "-o", "name")
    podpy.ok(*apply)
    again = podpy.ok(*apply, "-o", "name", "--server-side", "--force-conflicts")
    file.write_text(config("one", "back") + config("four", "front"))
    foreseen = podpy.run("diff", "-f", str(file), "-l", "tier=back", "--prune", "-o", "json")
    pruned = podpy.ok(*apply, "-l", "tier=back", "--prune")
    none = podpy.run(*apply, "-l", "tier=none")

    assert named.split() == ["configmap/one", "configmap/two"]
    assert sorted(again.split()) == ["configmap/one", "configmap/three", "configmap/two"]
    assert [
        (change["op"], change["name"])
        for change in json.loads(foreseen.stdout)["changes"]
        if change["op"] != "keep"
    ] == [("delete", "two")]
    assert "configmap/two deleted" in pruned
    assert podpy.ok("get", "cm", "-o", "name").split() == ["configmap/one", "configmap/three"]
    assert none.status == 1
    assert "no object has labels tier=none" in none.stderr


def test_programs_are_told_of_what_was_done_and_of_what_would_be(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    pulled = podpy.json("image", "pull", "-q", busybox_image.source, "-o", "json")
    (image,) = podpy.json("image", "ls", "-o", "json")
    file = tmp_path / "app.yaml"
    manifest = pod("web").replace("PeriodSeconds: 1000", "PeriodSeconds: 0")
    file.write_text(manifest)
    play = ("kube", "play", str(file), "-o", "json")
    foreseen = podpy.json(*play, "--dry-run")
    played = podpy.json(*play)
    going = podpy.json("delete", "pod", "web", "--dry-run", "-o", "json")
    name = podpy.ok("delete", "pod", "web", "--dry-run", "-o", "name")
    file.write_text(manifest.replace("busybox:1", "nix:1"))
    failed = podpy.run(*play)
    down = podpy.json("kube", "down", str(file), "-o", "json")
    removed = podpy.json("image", "rm", busybox_image.name, "-o", "json")

    assert pulled == {"pulled": [{"name": busybox_image.source, "id": image["id"]}]}
    assert [one["op"] for one in foreseen["changes"]] == ["create"]
    assert foreseen["changes"][0]["name"] == played["changes"][0]["name"] == "web"
    assert [(one["op"], one["name"]) for one in going["changes"]] == [("delete", "web")]
    assert name == "pod/web\n"
    assert failed.status == 125
    assert "nix:1" in json.loads(failed.stdout)["changes"][0]["error"]
    assert [(one["op"], one["name"]) for one in down["changes"]] == [("delete", "web")]
    assert removed["untagged"] == [busybox_image.name]
    assert removed["deleted"] == [image["id"]]
    assert removed["freedBytes"] > 0


DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: c, image: "localhost/podpy-test/busybox:1", command: [sleep, "1000"]}
"""


def uids(podpy: Podpy) -> set[str]:
    return set(podpy.ok("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}").split())


@pytest.fixture
def deployed(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> str:
    """The file of a Deployment that has been applied."""
    podpy.load(busybox_image)
    file = tmp_path / "web.yaml"
    file.write_text(DEPLOYMENT)
    podpy.ok("apply", "-f", str(file))
    return str(file)


def test_a_restarted_workload_has_new_pods_and_is_unchanged(podpy: Podpy, deployed: str) -> None:
    before = uids(podpy)
    rolled_out = podpy.ok("rollout", "status", "deploy/web")
    restarted = podpy.ok("rollout", "restart", "deployment", "web")
    after = uids(podpy)
    again = podpy.ok("apply", "-f", deployed, "--prune")
    pruned = podpy.ok("get", "deploy", "-o", "name")
    pod_refused = podpy.run("rollout", "restart", "net/default")

    assert rolled_out == 'deployment "web" successfully rolled out\n'
    assert restarted == "deployment.apps/web restarted\n"
    assert len(before) == len(after) == 2
    assert not before & after
    assert "deployment.apps/web unchanged" in again
    assert pruned == "deployment.apps/web\n"
    assert "does not roll out" in pod_refused.stderr


def test_a_workload_gets_a_pod_again_for_one_that_is_deleted(podpy: Podpy, deployed: str) -> None:
    before = uids(podpy)
    one = podpy.ok("get", "pods", "-o", "name").split()[0]
    deleted = podpy.ok("delete", one)
    after = uids(podpy)
    foreseen = podpy.run("diff", "-f", deployed)
    podpy.ok("delete", "deploy/web", *podpy.ok("get", "pods", "-o", "name").split())

    assert deleted == f"{one} deleted\n"
    assert len(before & after) == 1
    assert len(after) == 2
    assert foreseen.status == 0
    assert uids(podpy) == set()


def test_a_rollout_that_does_not_come_is_told_after_its_timeout(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    file = tmp_path / "web.yaml"
    file.write_text(DEPLOYMENT.replace("busybox:1", "nix:1"))
    podpy.run("apply", "-f", str(file))

    late = podpy.run("rollout", "status", "deploy/web", "--timeout", "0.1")

    assert late.status == 1
    assert "0 of 2 updated replicas are available" in late.stdout
    assert "within --timeout" in late.stderr


def test_a_volume_of_podmans_becomes_a_claim_and_stays_what_it_is(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    data = tmp_path / "volumes" / "pg_data" / "_data"
    (data / "sub").mkdir(parents=True)
    (data / "sub" / "file").write_text("kept\n")
    (data / "link").symlink_to("sub/file")
    os.chown(data, 999, 998)
    data.chmod(0o700)
    (tmp_path / "volumes" / "empty" / "_data").mkdir(parents=True)
    bring = ("volume", "import", "--volume-path", str(tmp_path / "volumes"), "--from-podman")
    half = f"{podpy.paths.claims}/.importing/default.pg"
    os.makedirs(half)
    Path(half, "half").write_text("a killed copy's")

    misnamed = podpy.run(*bring, "pg_data")
    brought = podpy.json(*bring, "pg_data", "pg", "-o", "json")
    twice = podpy.run(*bring, "pg_data", "pg")
    empty = podpy.run(*bring, "empty")
    (volume,) = podpy.json("volume", "ls", "-o", "json")
    place = Path(volume["directory"])

    assert "a claim cannot be named so" in misnamed.stderr
    assert (brought["name"], brought["source"]) == ("pg", str(data))
    assert "holds data" in twice.stderr
    assert "is empty" in empty.stderr
    assert (place.stat().st_uid, place.stat().st_gid) == (999, 998)
    assert place.stat().st_mode & 0o777 == 0o700
    assert sorted(os.listdir(place)) == ["link", "sub"]
    assert (place / "link").read_text() == "kept\n"
    assert (data / "sub" / "file").read_text() == "kept\n"
    assert os.listdir(os.path.dirname(half)) == []


def test_a_volume_is_not_brought_under_a_pod_and_a_copy_that_fails_leaves_nothing(
    podpy: Podpy, busybox_image: Image, tmp_path: Path
) -> None:
    podpy.load(busybox_image)
    data = tmp_path / "volumes" / "data" / "_data"
    data.mkdir(parents=True)
    (data / "file").write_text("kept\n")
    file = tmp_path / "app.yaml"
    file.write_text(
        pod("web")
        .replace("PeriodSeconds: 1000", "PeriodSeconds: 0")
        .replace(
            "  containers:",
            "  volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]\n  containers:",
        )
        + "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n"
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"
    )
    podpy.ok("apply", "-f", str(file))
    bring = ("volume", "import", "--volume-path", str(tmp_path / "volumes"), "--from-podman")
    used = podpy.run(*bring, "data")
    podpy.ok("delete", "pod", "web")
    late = podpy.run(*bring, "data", "--timeout", "0")
    kept = os.listdir(f"{podpy.paths.claims}/.importing")
    podpy.ok(*bring, "data")
    podpy.ok("apply", "-f", str(file))

    assert "in use by Pod/web" in used.stderr
    assert late.status == 1
    assert kept == []
    assert Path(podpy.paths.claim("default", "data"), "file").read_text() == "kept\n"
