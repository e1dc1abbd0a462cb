"""runtime.volume.trash: what was removed is there for a while, and is brought back as it was."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from manifests.config import PersistentVolumeClaim
from manifests.faults import HostFault, Invalid
from manifests.meta import ObjectMeta
from runtime.paths import Paths
from runtime.volume import claims, trash

DAY = 86400.0


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    root = str(tmp_path)
    return Paths(
        state_dir=f"{root}/lib",
        run_dir=f"{root}/run",
        log_dir=f"{root}/log",
        config_dir=f"{root}/etc",
    )


def make(paths: Paths, name: str = "db", text: str = "row") -> claims.Claim:
    metadata = ObjectMeta(name=name, namespace="shop")
    made = claims.ensure(paths, PersistentVolumeClaim(metadata=metadata))
    if text:
        Path(made.path, "row").write_text(text)
    return made


def put(paths: Paths, seconds: float = DAY, by: str = "podpy delete") -> trash.Entry:
    assert trash.put(paths, "shop", "db", by, seconds)
    return next(trash.every(paths))


def files(paths: Paths) -> list[str]:
    return [name for _top, _dirs, names in os.walk(paths.claims) for name in names]


def test_a_removal_can_be_undone(paths: Paths) -> None:
    before = make(paths)
    entry = put(paths)
    gone = claims.find(paths, "shop", "db")
    trash.restore(paths, entry, "db")

    assert gone is None
    assert (entry.by, entry.until - entry.removed_at) == ("podpy delete", DAY)
    assert claims.find(paths, "shop", "db") == before
    assert Path(before.path, "row").read_text() == "row"
    assert list(trash.every(paths)) == []


def test_a_claim_that_holds_nothing_is_removed_at_once(paths: Paths) -> None:
    make(paths, text="")

    assert trash.put(paths, "shop", "db", "podpy delete", DAY)
    assert not trash.put(paths, "shop", "db", "podpy delete", DAY)
    assert list(trash.every(paths)) == []
    assert files(paths) == []


def test_data_that_is_there_again_is_not_replaced_and_an_empty_claim_is(paths: Paths) -> None:
    make(paths)
    entry = put(paths)
    other = make(paths, text="other")

    with pytest.raises(Invalid, match="is there again and holds data"):
        trash.restore(paths, entry, "db")
    assert Path(other.path, "row").read_text() == "other"
    trash.restore(paths, entry, "old")
    assert Path(paths.claim("shop", "old"), "row").read_text() == "row"
    again = put(paths)
    make(paths, text="")
    trash.restore(paths, again, "db")
    assert Path(other.path, "row").read_text() == "other"


def test_the_last_removal_stands_first_and_what_is_past_its_time_goes(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(paths)
    put(paths, -1.0, "old")
    later = time.time() + 5
    monkeypatch.setattr(time, "time", lambda: later)
    make(paths, text="new")
    put(paths, DAY, "new")
    listed = [one.by for one in trash.every(paths)]
    gone = [one.by for one in trash.empty(paths)]

    assert (listed, gone) == (["new", "old"], ["old"])
    assert [one.by for one in trash.empty(paths, everything=True)] == ["new"]
    assert files(paths) == []


def test_a_removal_that_was_killed_has_lost_nothing(paths: Paths) -> None:
    before = make(paths)
    entry = put(paths)
    os.makedirs(os.path.dirname(before.path))
    os.rename(trash.data(paths, entry), before.path)

    assert list(trash.every(paths)) == []
    assert trash.empty(paths) == ()
    assert Path(before.path, "row").read_text() == "row"
    assert os.listdir(f"{paths.claims}/.trash") == []


def test_an_entry_that_cannot_be_read_keeps_its_data(paths: Paths) -> None:
    make(paths)
    entry = put(paths, -1.0)
    Path(paths.claims, ".trash", entry.id, "entry.json").write_text("{")

    assert trash.empty(paths) == ()
    assert Path(trash.data(paths, entry), "row").read_text() == "row"


def test_who_has_removed_it_gets_it_back(paths: Paths) -> None:
    make(paths)
    put(paths, by="Sync/shop")
    trash.take_back(paths, "shop", "db", "Sync/other")
    others = claims.find(paths, "shop", "db")
    trash.take_back(paths, "shop", "db", "Sync/shop")

    assert others is None
    assert Path(paths.claim("shop", "db"), "row").read_text() == "row"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", trash.GRACE_SECONDS), ('[volumes]\ntrash = "1h"', 3600.0), ('[volumes]\ntrash="0s"', 0)],
)
def test_the_host_says_how_long_it_keeps(paths: Paths, text: str, seconds: float) -> None:
    os.makedirs(paths.config_dir)
    Path(paths.settings).write_text(text)

    assert trash.grace(paths) == seconds


@pytest.mark.parametrize("text", ['[volumes]\ntrash = "week"', "[volumes]\ntrash = 7", "volumes=1"])
def test_a_setting_that_is_wrong_is_told(paths: Paths, text: str) -> None:
    os.makedirs(paths.config_dir)
    Path(paths.settings).write_text(text)

    with pytest.raises((Invalid, HostFault), match=r"podpy\.toml"):
        trash.grace(paths)


def test_what_a_killed_emptying_has_left_is_deleted(paths: Paths) -> None:
    left = f"{paths.claims}/left"
    os.makedirs(left)
    claims.discard(paths, left)

    assert trash.empty(paths) == ()
    assert [names for _, _, names in os.walk(paths.claims) if names] == []
    assert os.listdir(f"{paths.claims}/.removing") == []
