"""Secrets in git: a SOPS file reaches the pod, and nothing that survives a reboot."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import traces
from tests.fixtures.forge import Forge
from tests.fixtures.objects import config
from tests.fixtures.sops import Keeper

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

WORD = "sesame-6f1d2c"
SECRET = f"""
apiVersion: v1
kind: Secret
metadata: {{name: key}}
stringData: {{word: {WORD}}}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: "{image}"
    command: [sleep, "1000"]
    volumeMounts: [{{name: key, mountPath: /key}}]
  volumes: [{{name: key, secret: {{secretName: key}}}}]
"""


def on_disks(podpy: Podpy) -> str:
    """The files of the instance, those on tmpfs aside, that hold the word."""
    words = ["grep", "-rlaF", WORD, podpy.paths.state_dir, podpy.paths.log_dir]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False).stdout


@pytest.fixture
def forge(podpy: Podpy, tmp_path: Path, busybox_image: Image) -> Forge:
    """The source of the Sync `shop`, which has been followed once."""
    keeper = Keeper(tmp_path)
    made = Forge(tmp_path / "forge")
    image = podpy.load(busybox_image)
    made.commit({"key.yaml": keeper.encrypt(SECRET), "web.yaml": POD.format(image=image)})
    add = ("sync", "add", "shop", "--url", made.url, "--age-key-file", str(keeper.key_file))
    podpy.ok(*add)
    podpy.ok("sync", "reconcile", "shop")
    return made


def test_a_secret_in_git_reaches_the_pod_and_no_disk(podpy: Podpy, forge: Forge) -> None:
    shown = podpy.ok("exec", "web", "--", "cat", "/key/word")
    again = podpy.ok("sync", "reconcile", "shop")
    told = podpy.ok("events") + podpy.ok("sync", "history", "shop")

    assert shown == WORD
    assert again.count("\n") == 1
    assert on_disks(podpy) == ""
    assert WORD not in told


def test_a_file_that_cannot_be_opened_keeps_the_last_good_revision(
    podpy: Podpy, forge: Forge, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Keeper(tmp_path / "other")
    forge.commit({"key.yaml": stranger.encrypt(SECRET)})
    done = podpy.run("sync", "reconcile", "shop")

    assert done.status == 1
    assert "sync/shop: Invalid" in done.stdout
    assert "none of the keys in" in done.stdout
    assert podpy.ok("exec", "web", "--", "cat", "/key/word") == WORD


def test_after_a_boot_a_sync_that_waits_for_another_has_its_secrets_again(
    podpy: Podpy, forge: Forge, tmp_path: Path
) -> None:
    base = Forge(tmp_path / "base")
    base.commit({"page.yaml": config("page")})
    podpy.ok("sync", "add", "base", "--url", base.url)
    podpy.ok("sync", "reconcile", "base")
    declared = Path(podpy.root, "etc/syncs.d/shop.yaml")
    depends = "spec:\n  dependsOn: [{name: base}]\n"
    declared.write_text(declared.read_text().replace("spec:\n", depends))
    forge.commit({"page.yaml": config("other")})
    base.path.rename(tmp_path / "gone")
    assert podpy.run("sync", "reconcile", "base").status == 1
    traces.reboot(podpy.paths)
    waits = podpy.run("sync", "reconcile", "shop")
    again = podpy.run("sync", "reconcile", "shop")

    assert (waits.status, again.status) == (1, 1)
    assert "pod/web created" in waits.stdout
    assert again.stdout.startswith("sync/shop: DependencyNotReady ")
    assert "waits for Sync base" in again.stdout
    assert podpy.ok("exec", "web", "--", "cat", "/key/word") == WORD
    assert "other" not in podpy.ok("get", "configmaps")
