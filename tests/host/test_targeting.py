"""Of a shared source a host takes what is for it, and says what is not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.forge import Forge
from tests.fixtures.objects import config, pod

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

WITHHELD = 4
NAME = os.uname().nodename.lower()


@pytest.fixture
def forge(podpy: Podpy, tmp_path: Path) -> Forge:
    """A repository that the Sync `shop` follows."""
    made = Forge(tmp_path / "forge")
    podpy.ok("sync", "add", "shop", "--url", made.url, "--branch", "main")
    return made


def label(podpy: Podpy, text: str) -> None:
    settings = Path(podpy.root) / "etc/podpy.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(f"[host.labels]\n{text}\n")


def only(manifest: str, hosts: str) -> str:
    return manifest.replace("name: ", f'annotations: {{podpy.dev/hosts: "{hosts}"}}, name: ', 1)


def names(podpy: Podpy, kind: str) -> list[str]:
    items = podpy.json("get", kind, "-o", "json")["items"]
    return sorted(item["metadata"]["name"] for item in items)


def status(podpy: Podpy) -> dict[str, Any]:
    found: dict[str, Any] = podpy.json("sync", "status", "shop", "-o", "json")[0]["status"]
    return found


def test_a_host_takes_what_is_for_it_and_tells_of_the_rest(
    podpy: Podpy, forge: Forge, image: str
) -> None:
    label(podpy, 'disk = "ssd"')
    fast, slow = pod(image, "fast"), pod(image, "slow")
    forge.commit(
        {
            "fast.yaml": fast + "  nodeSelector: {disk: ssd}\n",
            "slow.yaml": slow + "  nodeSelector: {disk: hdd}\n",
            "mine.yaml": only(config("mine"), f"x,{NAME}"),
            "theirs.yaml": only(config("theirs"), "elsewhere-*"),
        }
    )
    plan = podpy.run("plan", "shop")
    done = podpy.run("sync", "reconcile", "shop")
    again = podpy.run("plan", "shop", "-o", "json")

    assert (names(podpy, "pods"), names(podpy, "configmaps")) == (["fast"], ["mine"])
    assert "Pod/slow  is not for this host: its nodeSelector wants disk=hdd" in plan.stdout
    assert "2 objects are not for this host" in done.stdout
    assert (done.status, again.status) == (0, 0)
    assert len(status(podpy)["elsewhere"]) == 2
    assert "ConfigMap/theirs is not for this host" in podpy.ok("sync", "status", "shop")


def test_what_is_no_longer_for_the_host_goes_with_the_reason(podpy: Podpy, forge: Forge) -> None:
    forge.commit({f"{name}.yaml": config(name) for name in "abc"})
    podpy.ok("sync", "reconcile", "shop")
    forge.commit({"a.yaml": only(config("a"), "other")})
    done = podpy.run("sync", "reconcile", "shop")

    assert done.status == 0
    assert "configmap/a deleted (not for this host: its podpy.dev/hosts names other" in done.stdout
    assert names(podpy, "configmaps") == ["b", "c"]


def test_a_slip_in_the_labels_does_not_empty_the_host(
    podpy: Podpy, forge: Forge, image: str
) -> None:
    label(podpy, 'role = "web"')
    forge.commit({"web.yaml": pod(image) + "  nodeSelector: {role: web}\n"})
    podpy.ok("sync", "reconcile", "shop")
    label(podpy, 'role = "wbe"')
    slip = podpy.run("sync", "reconcile", "shop")
    held = names(podpy, "pods")
    (Path(podpy.root) / "etc/podpy.toml").write_text("[host.lables]\n")
    broken = podpy.run("sync", "reconcile", "shop")
    after = names(podpy, "pods")
    label(podpy, 'role = "db"')
    podpy.run("sync", "approve", "shop")

    assert (slip.status, held) == (WITHHELD, ["web"])
    assert "nothing would be left" in slip.stdout
    assert (broken.status, after) == (1, ["web"])
    assert 'unknown setting "host.lables"' in broken.stdout
    assert names(podpy, "pods") == []


def test_a_sync_for_other_hosts_is_not_followed_and_its_objects_go_by_consent(
    podpy: Podpy, forge: Forge
) -> None:
    forge.commit({"a.yaml": config("a")})
    podpy.ok("sync", "reconcile", "shop")
    file = Path(podpy.root) / "etc/syncs.d/shop.yaml"
    file.write_text(file.read_text() + "  hosts: [other]\n")
    first = podpy.run("sync", "reconcile", "shop")
    held = names(podpy, "configmaps")
    podpy.ok("sync", "approve", "shop")
    after = podpy.run("sync", "reconcile", "shop")

    assert (first.status, held) == (WITHHELD, ["a"])
    assert names(podpy, "configmaps") == []
    assert after.status == 0
    assert "NotForThisHost: its spec.hosts names other" in after.stdout
    assert "is not for this host" in podpy.run("plan", "shop").stderr


def test_apply_leaves_out_what_is_for_others_and_play_runs_it(
    podpy: Podpy, image: str, tmp_path: Path
) -> None:
    file = tmp_path / "app.yaml"
    file.write_text(pod(image) + "  nodeSelector: {disk: ssd}\n")
    applied = podpy.run("apply", "-f", str(file))
    emptied = podpy.run("apply", "-f", str(file), "--prune")
    left_out = names(podpy, "pods")
    played = podpy.run("kube", "play", str(file))

    assert (applied.status, left_out) == (0, [])
    assert "Pod/web is not for this host: its nodeSelector wants disk=ssd" in applied.stderr
    assert emptied.status == 1
    assert "it is played all the same" in played.stderr
    assert (played.status, names(podpy, "pods")) == (0, ["web"])
