"""Unit files of Podman's Quadlet run as pods: applied, left alone, changed, and in a Sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.forge import Forge

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.command import Podpy
    from tests.fixtures.images import Image

pytestmark = pytest.mark.host

WEB = """[Container]
Image={image}
Pull=never
Exec=sh -c 'cp /proc/self/environ /data/env; sleep 1000'
EnvironmentFile=./web.env
Environment="GREETING=hello %N"
Volume=data.volume:/data
StopTimeout=0

[Service]
Restart=always
"""


@pytest.fixture
def folder(podpy: Podpy, busybox_image: Image, tmp_path: Path) -> Path:
    podpy.load(busybox_image)
    made = tmp_path / "units"
    made.mkdir()
    (made / "web.container").write_text(WEB.format(image=busybox_image.name))
    (made / "web.env").write_text("PASSWORD=geheim\n")
    (made / "data.volume").write_text("[Volume]\nVolumeName=stuff\n")
    return made


def test_units_run_and_a_second_pass_changes_nothing(podpy: Podpy, folder: Path) -> None:
    podpy.ok("apply", "-f", str(folder))
    environment = podpy.ok("exec", "web", "cat", "/data/env").split("\0")
    again = podpy.ok("apply", "-f", str(folder))

    assert "GREETING=hello web" in environment
    assert "PASSWORD=geheim" in environment
    assert "created" not in again
    assert podpy.run("diff", "-f", str(folder)).status == 0

    dropins = folder / "web.container.d"
    dropins.mkdir()
    (dropins / "10-more.conf").write_text("[Container]\nEnvironment=MORE=1\n")
    told = podpy.run("diff", "-f", str(folder))
    assert told.status == 1
    assert f"{dropins}/10-more.conf:2" in told.stdout
    podpy.ok("apply", "-f", str(folder))
    assert "MORE=1" in podpy.ok("exec", "web", "cat", "/data/env").split("\0")

    podpy.ok("delete", "-f", str(folder), "--volumes")
    assert podpy.json("get", "pods", "-o", "json")["items"] == []


def test_a_sync_follows_units_with_their_files(podpy: Podpy, folder: Path, tmp_path: Path) -> None:
    forge = Forge(tmp_path / "forge")
    forge.commit(
        {
            "web.container": (folder / "web.container").read_text(),
            "web.env": "PASSWORD=offen\n",
            "web.container.d/a.conf": "[Container]\nEnvironment=MORE=1\n",
            "data.volume": "[Volume]\nVolumeName=stuff\n",
        }
    )
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    podpy.ok("sync", "reconcile", "shop")

    environment = podpy.ok("exec", "web", "cat", "/data/env").split("\0")
    assert "PASSWORD=offen" in environment
    assert "MORE=1" in environment


def test_a_synced_directory_has_units_too(podpy: Podpy, folder: Path) -> None:
    podpy.ok("sync", "add", "shop", "--directory", str(folder))
    podpy.ok("sync", "reconcile", "shop")

    assert "PASSWORD=geheim" in podpy.ok("exec", "web", "cat", "/data/env").split("\0")
