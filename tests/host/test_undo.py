"""Data that was removed by mistake is brought back; what was to go for good goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.forge import Forge
from tests.fixtures.objects import claim, config

if TYPE_CHECKING:
    from tests.fixtures.command import Podpy

pytestmark = pytest.mark.host

RECLAIMED = claim("data").replace(
    "{name: data}", "{name: data, annotations: {podpy.dev/reclaim: trash}}"
)


@pytest.fixture
def row(podpy: Podpy) -> Path:
    """A file in the claim `data`, which `claim.yaml` declares."""
    podpy.ok("apply", "-f", "-", stdin=claim("data"))
    path = Path(podpy.paths.claim("default", "data"), "row")
    path.write_text("precious")
    return path


def test_data_that_was_deleted_is_brought_back(podpy: Podpy, row: Path) -> None:
    deleted = podpy.run("delete", "pvc", "data", "--volumes")
    gone = row.exists()
    listed = podpy.json("undo", "-o", "json")
    volumes = podpy.run("volume", "ls")
    told = podpy.ok("doctor")
    back = podpy.run("undo", "pvc/data")

    assert (deleted.status, gone) == (0, False)
    assert "podpy undo pvc/data" in deleted.stderr
    assert [(one["name"], one["by"]) for one in listed] == [("data", "podpy delete")]
    assert "1 removed claim in the trash" in volumes.stderr
    assert "1 removed claim in the trash" in told
    assert (back.status, row.read_text()) == (0, "precious")
    assert "Nothing to undo" in podpy.run("undo").stderr


def test_nothing_is_promised_for_a_claim_that_held_nothing(podpy: Podpy) -> None:
    podpy.ok("apply", "-f", "-", stdin=claim("data"))
    deleted = podpy.run("delete", "pvc", "data", "--volumes")

    assert deleted.status == 0
    assert "podpy undo" not in deleted.stderr


def test_a_name_that_is_taken_is_not_given_back_and_another_is(podpy: Podpy, row: Path) -> None:
    podpy.ok("volume", "rm", "data", "--yes")
    podpy.ok("apply", "-f", "-", stdin=claim("data"))
    row.write_text("other")
    refused = podpy.run("undo", "--last")
    podpy.ok("undo", "pvc/data", "--as", "before")

    assert refused.status == 1
    assert "is there again and holds data" in refused.stderr
    assert row.read_text() == "other"
    assert Path(podpy.paths.claim("default", "before"), "row").read_text() == "precious"


def test_what_is_to_go_at_once_goes_at_once(podpy: Podpy, row: Path, tmp_path: Path) -> None:
    file = tmp_path / "claim.yaml"
    file.write_text(claim("data"))
    podpy.ok("volume", "rm", "data", "--yes", "--now")
    for way in (("kube", "down", "--force", str(file)), ("volume", "rm", "data", "--yes", "--now")):
        podpy.ok("kube", "play", str(file))
        row.write_text("precious")
        podpy.ok(*way)

    assert podpy.json("undo", "-o", "json") == []
    assert podpy.run("undo", "pvc/data").status == 1


def test_the_trash_is_emptied_by_its_time_and_by_hand(podpy: Podpy, row: Path) -> None:
    settings = Path(podpy.paths.state_dir).parent / "etc" / "podpy.toml"
    settings.parent.mkdir(exist_ok=True)
    podpy.ok("volume", "rm", "data", "--yes")
    early = podpy.json("volume", "prune", "-o", "json")
    refused = podpy.run("volume", "prune", "--all")
    late = podpy.json("volume", "prune", "--all", "--yes", "-o", "json")
    settings.write_text('[volumes]\ntrash = "1ms"\n')
    podpy.ok("apply", "-f", "-", stdin=claim("data"))
    row.write_text("precious")
    podpy.ok("volume", "rm", "data", "--yes")
    podpy.ok("apply", "-f", "-", stdin=config("page"))

    assert (early, refused.status) == ({"removed": []}, 1)
    assert late == {"removed": [{"namespace": "default", "name": "data"}]}
    assert podpy.json("undo", "-o", "json") == []


def test_a_sync_that_takes_a_claim_away_and_brings_it_again_brings_its_data(
    podpy: Podpy, tmp_path: Path
) -> None:
    forge = Forge(tmp_path / "forge")
    podpy.ok("sync", "add", "shop", "--url", forge.url)
    forge.commit({"data.yaml": RECLAIMED, **{f"{name}.yaml": config(name) for name in "abcd"}})
    podpy.ok("sync", "reconcile", "shop")
    row = Path(podpy.paths.claim("default", "data"), "row")
    row.write_text("precious")
    forge.commit({"data.yaml": None})
    held = podpy.run("sync", "reconcile", "shop"), row.exists()
    planned = podpy.run("plan", "shop")
    podpy.ok("sync", "approve", "shop")
    listed = podpy.json("undo", "-o", "json")
    gone = row.exists()
    forge.commit({"data.yaml": RECLAIMED})
    podpy.ok("sync", "reconcile", "shop")

    assert (held[0].status, held[1], gone) == (4, True, False)
    assert "its data goes to the trash" in planned.stdout
    assert [one["by"] for one in listed] == ["Sync/shop"]
    assert row.read_text() == "precious"
