"""What a host cannot take is found out before anything is changed, and told all at once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from runtime.oci import engine
from tests.fixtures.command import Done
from tests.fixtures.disks import fill, mounted
from tests.fixtures.forge import Forge
from tests.fixtures.objects import config, pod
from tests.fixtures.sops import Keeper

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image
    from tests.fixtures.registry import Registry

pytestmark = pytest.mark.host

PORT = 18561
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {word: sesame}
"""


def bind(image: str, name: str) -> str:
    """A pod that wants PORT of the host."""
    port = f"ports: [{{containerPort: 80, hostPort: {PORT}}}], "
    return pod(image, name).replace("command: [", f"{port}command: [")


def without(podpy: Podpy, tools: tuple[str, ...], *words: str, stdin: str = "") -> Done:
    """Run `podpy WORDS` where these programs are not there; nobody else misses them."""
    hidden = [f"mount --bind /dev/null {engine.locate(tool)}" for tool in tools]
    script = "; ".join(("set -e", *hidden, 'exec "$@"'))
    done = subprocess.run(
        [
            "unshare",
            "-m",
            "--propagation",
            "slave",
            "sh",
            "-c",
            script,
            "sh",
            podpy.command,
            *words,
        ],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **podpy.env},
    )
    return Done(done.returncode, done.stdout, done.stderr)


def status(podpy: Podpy) -> dict[str, Any]:
    found: dict[str, Any] = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    return found


def findings(podpy: Podpy, subject: str) -> list[tuple[str, str]]:
    """What doctor says about a subject."""
    told = podpy.run("doctor", "-o", "json").stdout
    return [
        (one["verdict"], one["text"])
        for one in json.loads(told)["findings"]
        if one["subject"] == subject
    ]


def names(podpy: Podpy, kind: str = "pods") -> list[str]:
    listed = podpy.json("get", kind, "-o", "json")["items"]
    return sorted(item["metadata"]["name"] for item in listed)


@pytest.fixture
def forge(podpy: Podpy, tmp_path: Path) -> Forge:
    """The source of the Sync `shop`, which has been followed once."""
    made = Forge(tmp_path / "forge")
    podpy.ok("sync", "add", "shop", "--url", made.url)
    made.commit({"page.yaml": config("page"), "more.yaml": config("more")})
    podpy.ok("sync", "reconcile", "shop")
    return made


@pytest.mark.parametrize("words", [("apply", "-f", "-"), ("kube", "play", "-")])
def test_a_full_disk_changes_nothing_and_lets_go_what_is_there(
    podpy: Podpy, busybox_image: Image, words: tuple[str, ...]
) -> None:
    state = podpy.paths.state_dir
    with mounted(state, "size=12m"):
        image = podpy.load(busybox_image)
        podpy.ok(*words, stdin=pod(image, "old"))
        filler = fill(state)
        refused = podpy.run(*words, stdin=f"{config('page')}---\n{pod(image, 'new')}")
        left = names(podpy), names(podpy, "configmaps")
        unchanged = podpy.run(*words, stdin=pod(image, "old"))
        gone = podpy.run("delete", "pod", "old")
        after = names(podpy)
        filler.unlink()
        podpy.ok(*words, stdin=pod(image, "new"))
        podpy.ok("delete", "pod", "new")

    assert refused.status != 0
    assert f"nothing was changed: {state}: no space left on device" in refused.stderr
    assert "df -h" in refused.stderr
    assert left == (["old"], [])
    assert (unchanged.status, gone.status, after) == (0, 0, []), gone.stderr


def test_pruning_and_a_syncs_pass_know_of_a_full_disk(
    podpy: Podpy, forge: Forge, busybox_image: Image, tmp_path: Path
) -> None:
    state, folder = podpy.paths.state_dir, tmp_path / "app"
    folder.mkdir()
    with mounted(state, "size=12m"):
        image = podpy.load(busybox_image)
        podpy.ok("sync", "reconcile", "shop")
        (folder / "web.yaml").write_text(pod(image))
        (folder / "note.yaml").write_text(config("note"))
        podpy.ok("apply", "-f", str(folder))
        filler = fill(state)
        told = findings(podpy, "disk")
        (folder / "web.yaml").unlink()
        pruned = podpy.run("apply", "--prune", "-f", str(folder))
        left = names(podpy)
        fill(state)
        forge.commit({f"{n}.yaml": config(f"page-{n}", f"{n}" * 5000) for n in range(50)})
        refused = podpy.run("sync", "reconcile", "shop")
        known = status(podpy)
        filler.unlink()
        mended = podpy.run("sync", "reconcile", "shop")
        podpy.ok("sync", "rm", "shop")
        podpy.ok("delete", "configmap", "note")

    short = f"{state}: no space left on device: less than 576 KiB is free"
    assert ("missing", short) in told
    assert (pruned.status, left) == (0, []), pruned.stderr
    assert (refused.status, known["state"], known["bad"]) == (1, "HostUnfit", [])
    assert "no space left on device" in known["message"].lower()
    assert mended.status == 0, mended.stdout


def test_few_inodes_for_logs_are_told_as_doctor_does(podpy: Podpy, image: str) -> None:
    with mounted(podpy.paths.log_dir, "size=4m", "nr_inodes=8"):
        refused = podpy.run("apply", "-f", "-", stdin=pod(image))
        told = findings(podpy, "disk")
        left = names(podpy), os.listdir(podpy.paths.log_dir)

    words = f"{podpy.paths.log_dir}: no space left on device: fewer than 64 inodes are free"
    assert refused.status == 1
    assert f"Error: nothing was changed: {words} (hint: " in refused.stderr
    assert ("missing", words) in told
    assert left == ([], [])


def test_all_reasons_are_told_at_once_and_removing_needs_no_tool(podpy: Podpy, image: str) -> None:
    podpy.ok("apply", "-f", "-", stdin=pod(image, "old"))
    wish = f"{config('page')}---\n{bind(image, 'new')}"
    with socket.create_server(("127.0.0.1", PORT)):
        refused = without(podpy, ("conmon", "dnsmasq"), "apply", "-f", "-", stdin=wish)
    told = podpy.ok("events", "-o", "json")
    kept = names(podpy), names(podpy, "configmaps")
    gone = without(podpy, ("conmon", "crun"), "delete", "pod", "old")

    assert refused.status == 1
    lines = refused.stderr.splitlines()
    assert lines[0] == "Error: nothing was changed, as this host is not fit for it:"
    assert [line.split(":")[0].strip() for line in lines[1:4]] == ["conmon", "dnsmasq", "Pod/new"]
    assert f"host port {PORT}/tcp is held by" in lines[3]
    assert '"HostUnfit"' in told
    assert kept == (["old"], [])
    assert (gone.status, names(podpy)) == (0, []), gone.stderr


def test_a_host_without_an_oci_runtime_is_told_before_the_first_pod(
    podpy: Podpy, image: str
) -> None:
    tools = tuple(kind for kind in engine.Kind if engine.locate(kind))
    refused = without(podpy, tools, "kube", "play", "-", stdin=pod(image))
    left = names(podpy)
    podpy.ok("kube", "play", "-", stdin=pod(image))

    assert refused.status == 125
    assert "nothing was changed: OCI runtime: no OCI runtime works on this host" in refused.stderr
    assert left == []
    assert not os.path.exists(f"{podpy.paths.state_dir}/trial")


def test_a_held_port_keeps_all_of_a_play_from_beginning(podpy: Podpy, image: str) -> None:
    wish = f"{pod(image, 'first')}---\n{bind(image, 'second')}"
    with socket.create_server(("127.0.0.1", PORT)):
        refused = podpy.run("kube", "play", "-", stdin=wish)
        applied = podpy.run("apply", "-f", "-", stdin=wish)
        told = findings(podpy, "ports")
    logs = sorted(name.split("_")[1] for name in os.listdir(podpy.paths.log_dir))
    podpy.ok("apply", "-f", "-", stdin=wish)

    assert refused.status == 125
    assert f"host port {PORT}/tcp is held by" in refused.stderr
    assert "nothing was changed: the pods above cannot be made" in refused.stderr
    # What `apply` is given stands alone: the other pod was made, by it and not by the play.
    assert (applied.status, logs) == (1, ["first"])
    assert told[0][0] == "missing"
    assert f"Pod/second: host port {PORT}/tcp is held by" in told[0][1]
    assert findings(podpy, "ports")[0][0] == "good"
    assert names(podpy) == ["first", "second"]


def test_an_image_that_is_not_to_be_had_keeps_all_of_a_play_from_beginning(
    podpy: Podpy, image: str
) -> None:
    wish = f"{pod(image, 'first')}---\n{pod('localhost/nobody/has:1', 'second')}"
    refused = podpy.run("kube", "play", "-", stdin=wish)

    assert refused.status == 125
    assert "nothing was changed: the pods above cannot be made" in refused.stderr
    assert os.listdir(podpy.paths.log_dir) == []


def test_a_sync_is_not_begun_while_a_port_is_held_and_its_revision_is_not_bad(
    podpy: Podpy, forge: Forge, image: str
) -> None:
    good = status(podpy)["good"]
    commit = forge.commit({"page.yaml": config("page", "2"), "web.yaml": bind(image, "web")})
    with socket.create_server(("127.0.0.1", PORT)):
        refused = podpy.run("sync", "reconcile", "shop")
        known = status(podpy)
        page = podpy.ok("get", "configmap", "page", "-o", "jsonpath={.data.text}")
        again = podpy.run("sync", "reconcile", "shop")
    mended = podpy.run("sync", "reconcile", "shop")

    assert (refused.status, again.status, mended.status) == (1, 1, 0)
    assert "sync/shop: HostUnfit" in refused.stdout
    assert f"host port {PORT}/tcp is held by" in known["message"]
    assert (known["state"], known["applied"], known["bad"], known.get("putOff", "")) == (
        *("HostUnfit", good, []),
        "",
    )
    assert page == "1"
    assert "HostUnfit" in podpy.ok("events")
    assert (status(podpy)["good"], names(podpy)) == (commit, ["web"])


def test_a_sync_waits_for_room_and_what_only_removes_does_not(
    podpy: Podpy, forge: Forge, image: str
) -> None:
    with mounted(podpy.paths.log_dir, "size=4m", "nr_inodes=8"):
        forge.commit({"more.yaml": None})
        removed = podpy.run("sync", "reconcile", "shop")
        good = status(podpy)["good"]
        commit = forge.commit({"page.yaml": config("page", "2"), "web.yaml": pod(image)})
        refused = podpy.run("sync", "reconcile", "shop")
        known = status(podpy)
        page = podpy.ok("get", "configmap", "page", "-o", "jsonpath={.data.text}")
    mended = podpy.run("sync", "reconcile", "shop")

    assert (removed.status, refused.status, mended.status) == (0, 1, 0)
    assert names(podpy, "configmaps") == ["page"]
    assert (known["state"], known["good"], known["bad"], page) == ("HostUnfit", good, [], "1")
    assert "inodes are free" in known["message"]
    assert status(podpy)["good"] == commit


def test_what_needs_no_new_pod_is_put_right_on_a_host_that_can_make_none(
    podpy: Podpy, forge: Forge, image: str
) -> None:
    good = forge.commit({"web.yaml": pod(image)})
    podpy.ok("sync", "reconcile", "shop")
    podpy.ok("delete", "pod/web", "configmap/page")
    with mounted(podpy.paths.log_dir, "size=4m", "nr_inodes=8"):
        done = podpy.run("sync", "reconcile", "shop")
        known = status(podpy)
        left = names(podpy, "configmaps")
    mended = podpy.run("sync", "reconcile", "shop")

    assert (done.status, mended.status) == (1, 0)
    assert (known["state"], known["good"], known["bad"]) == ("HostUnfit", good, [])
    assert "Pod/web" in known["message"]
    assert left == ["more", "page"]
    assert names(podpy) == ["web"]


def test_a_key_that_is_away_is_told_by_the_pass_and_by_doctor(podpy: Podpy, tmp_path: Path) -> None:
    keeper, made = Keeper(tmp_path), Forge(tmp_path / "forge")
    commit = made.commit({"key.yaml": keeper.encrypt(SECRET)})
    key = keeper.key_file
    podpy.ok("sync", "add", "shop", "--url", made.url, "--age-key-file", str(key))
    away = key.rename(tmp_path / "away")
    refused = podpy.run("sync", "reconcile", "shop")
    known, told = status(podpy), findings(podpy, "Sync/shop")
    away.rename(key).chmod(0o644)
    open_to_all = podpy.run("sync", "reconcile", "shop")
    told += findings(podpy, "Sync/shop")
    key.chmod(0o600)
    mended = podpy.run("sync", "reconcile", "shop")

    assert (refused.status, open_to_all.status, mended.status) == (1, 1, 0)
    assert (known["state"], known["bad"]) == ("HostUnfit", [])
    assert f"{key} cannot be read: No such file or directory" in known["message"]
    assert f"{key} can be read by others" in open_to_all.stdout
    assert told == [
        ("missing", f"{key} cannot be read: No such file or directory (opens its Secrets)"),
        ("missing", f"{key} can be read by others (opens its Secrets)"),
    ]
    words = f"{made.url} answers, and its Secrets can be opened"
    assert findings(podpy, "Sync/shop") == [("good", words)]
    assert status(podpy)["good"] == commit


def test_doctor_asks_a_registry_for_what_a_sync_wants(
    podpy: Podpy, tmp_path: Path, local_registry: Registry
) -> None:
    words = ("--oci", f"oci://{local_registry.address}/doctor/none", "--insecure")
    podpy.ok("sync", "add", "shop", *words)
    (found,) = findings(podpy, "Sync/shop")

    assert found[0] == "missing"
    assert f"{words[1]}:latest" in found[1]


def test_doctor_tells_of_a_remote_that_is_gone(podpy: Podpy, forge: Forge, tmp_path: Path) -> None:
    forge.path.rename(tmp_path / "gone")
    (found,) = findings(podpy, "Sync/shop")

    assert found[0] == "missing"
    assert f"{forge.url} cannot be fetched" in found[1]
